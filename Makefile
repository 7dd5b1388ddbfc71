# Everything on one machine: `make help` lists the targets. State lives in .kiwi alone.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

VENV := .kiwi/venv
RUN := $(VENV)/bin/python
INSTALLED := $(VENV)/.installed
TESTABLE := $(VENV)/.testable
UV := $(RUN) -m uv --quiet
UV_COMPILE := $(UV) pip compile --universal --generate-hashes --no-emit-index-url --python-version 3.11
TESTS ?= tests

# uv reads the same mirror as pip.
ifdef PIP_INDEX_URL
export UV_DEFAULT_INDEX ?= $(PIP_INDEX_URL)
endif

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  \033[1m%-16s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: demo
demo: $(INSTALLED) ## Set everything up, start it, and settle and audit real orders through Airflow
	@$(RUN) -m local demo

.PHONY: up
up: $(INSTALLED) ## Set everything up and start the stack
	@$(RUN) -m local up

.PHONY: down
down: $(INSTALLED) ## Stop everything that was started, and nothing else
	@$(RUN) -m local down

.PHONY: status
status: $(INSTALLED) ## Show each service, its health and its memory
	@$(RUN) -m local status

.PHONY: env
env: $(INSTALLED) ## Print what a client needs to join the running stack
	@$(RUN) -m local env

.PHONY: audit
audit: $(INSTALLED) ## Recompute the running stack's ledger from Kafka's log, and compare
	@variables=$$($(RUN) -m local env); env $$variables $(RUN) -m settlement audit

.PHONY: clean
clean: $(INSTALLED) ## Stop the stack and remove its data; downloads stay
	@$(RUN) -m local clean

.PHONY: test
test: $(TESTABLE) ## Run the tests, on real servers of their own (TESTS=path picks some)
	@$(RUN) -m pytest $(TESTS)

.PHONY: check-kubernetes
check-kubernetes: $(TESTABLE) ## Render every chart and hold it against the schemas of Kubernetes and the operators
	@$(RUN) -m pytest tests/kubernetes

.PHONY: test-kubernetes
test-kubernetes: $(TESTABLE) ## Install everything on the cluster that KUBECONFIG names, settle there and break things
	@$(RUN) -m tests.cluster

.PHONY: check
check: $(TESTABLE) ## Check format, style, types and import layers
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/mypy
	@$(VENV)/bin/lint-imports

.PHONY: format
format: $(TESTABLE) ## Format the code, and mend what can be mended by itself
	@$(VENV)/bin/ruff format .
	@$(VENV)/bin/ruff check --fix .

.PHONY: lock
lock: $(INSTALLED) ## Resolve the dependencies anew, within the ranges of pyproject.toml
	@$(UV_COMPILE) pyproject.toml -o requirements.txt
	@$(UV_COMPILE) --group pyproject.toml:dev -c requirements.txt -o tests/requirements.txt

$(INSTALLED): requirements.txt local/uv-requirements.txt
	@local/create-venv $(VENV)
	@$(RUN) -m pip install --quiet --disable-pip-version-check --require-hashes -r local/uv-requirements.txt
	@echo "installing the locked packages: half a minute the first time" >&2
	@$(UV) pip install --python $(RUN) --require-hashes -r requirements.txt
	@touch $@

$(TESTABLE): $(INSTALLED) tests/requirements.txt
	@$(UV) pip install --python $(RUN) --require-hashes -r requirements.txt -r tests/requirements.txt
	@touch $@
