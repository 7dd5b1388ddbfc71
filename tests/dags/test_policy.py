"""What every DAG must have, whoever writes it."""

import inspect
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from generator.__main__ import run as generator_run
from generator.options import Options
from plugins.benchmark_params import PARAMS
from plugins.defaults import OWNER, TAGS
from tests.dags.airflow_home import HOME, PROJECT

FILES = sorted(path for path in (PROJECT / "dags").glob("*.py") if path.name != "__init__.py")
DAG_IDS = [path.stem for path in FILES]
HEAVY = {"kafka", "kazoo", "kubernetes", "matplotlib", "numba", "numpy", "pandas", "pyarrow", "pyspark"}
MODULES_MAX = 120
"""Most modules that reading all DAGs loads besides those of Airflow itself."""

NOT_REPEATED = {
    "benchmark.send_orders",  # another load
    "restock.restock",  # adds a second time
    "watch_settlement.watch",  # has waited by itself
    "provision_check.zookeeper",  # a check tells how things stand now
    "provision_check.kafka",
    "provision_check.api",
    "provision_check.database_read",
    "provision_check.database_catalogue",
    "provision_check.database_owner",
}
OPTIONS_OF_THE_DAG = {"report_dir", "json", "wait"}


def test_every_file_is_one_dag(dag_bag: Any) -> None:
    """Each file is read without a fault and gives one DAG of its own name; there is no other."""
    assert dag_bag.import_errors == {}
    assert sorted(dag_bag.dags) == DAG_IDS
    assert len(DAG_IDS) == 8
    assert {Path(dag.fileloc).stem for dag in dag_bag.dags.values()} == set(DAG_IDS)


@pytest.mark.parametrize("dag_id", DAG_IDS)
def test_dag_keeps_the_policy(dag_bag: Any, dag_id: str) -> None:
    """Manual, tags from the closed set, no catching up, no two runs at once."""
    dag = dag_bag.dags[dag_id]
    assert dag.doc_md.startswith("# ")
    assert "is red" in dag.doc_md, "the manual says what to do when it fails"
    assert dag.tags
    assert dag.tags <= TAGS
    assert dag.catchup is False
    assert dag.max_active_runs == 1
    assert ("scheduled" in dag.tags) == (dag.schedule is not None)


@pytest.mark.parametrize("dag_id", DAG_IDS)
def test_params_are_typed_and_explained(dag_bag: Any, dag_id: str) -> None:
    """Each Param has a type and a description, its default fits, and the manual of a small form names it."""
    dag = dag_bag.dags[dag_id]
    for name in dag.params:
        param = dag.params.get_param(name)
        assert param.schema["type"], name
        assert param.description, name
        param.resolve()
        assert dag_id == "benchmark" or f"`{name}`" in dag.doc_md, f"the manual does not mention {name}"


@pytest.mark.parametrize("dag_id", DAG_IDS)
def test_tasks_keep_the_policy(dag_bag: Any, dag_id: str) -> None:
    """Owner, an alert, a time limit; tried again, but for those that are named here with the reason."""
    for task in dag_bag.dags[dag_id].tasks:
        assert task.owner == OWNER
        assert task.on_failure_callback
        assert task.execution_timeout
        assert (task.retries > 0) == (f"{dag_id}.{task.task_id}" not in NOT_REPEATED), task.task_id


def test_reading_the_dags_loads_little() -> None:
    """The DAG processor reads all files every few seconds: they load no heavy library, and few modules in all."""
    code = (
        "import sys, airflow.sdk, airflow.providers.standard.operators.empty, pydantic_settings\n"
        "import airflow.providers.standard.hooks.subprocess\n"
        "before = set(sys.modules)\n"
        "import importlib\n"
        f"for name in {DAG_IDS}: importlib.import_module('dags.' + name)\n"
        "print(*sorted(set(sys.modules) - before))"
    )
    environment = {"PATH": "", "AIRFLOW_HOME": str(HOME), "PYTHONPATH": str(PROJECT)}
    loaded = subprocess.run([sys.executable, "-c", code], env=environment, check=True, capture_output=True, text=True)
    modules = loaded.stdout.splitlines()[-1].split()
    assert "dags.benchmark" in modules
    assert not {module.split(".")[0] for module in modules} & HEAVY
    assert len(modules) <= MODULES_MAX, modules


def test_the_form_has_every_option_of_the_generator() -> None:
    """A new option of the generator is missed here; the form's defaults are the command line's."""
    options = set(inspect.signature(generator_run).parameters) - OPTIONS_OF_THE_DAG
    assert set(PARAMS) == options
    defaults = Options()
    for name, param in PARAMS.items():
        if name == "seconds":
            assert param.value is None  # 0 on the command line: as many as `orders` says
        elif name == "currencies":
            assert param.value == list(defaults.currencies)
        elif name != "commodities":
            assert param.value == getattr(defaults, name), name


def test_only_plugins_are_executed_by_the_plugin_loader() -> None:
    """Airflow executes every file that it finds among the plugins; what they import is not found."""
    from airflow._shared.module_loading.file_discovery import find_path_from_directory

    found = find_path_from_directory(str(PROJECT / "plugins"), ".airflowignore", "glob")
    assert {Path(path).name for path in found} == {"live_page.py", "links_plugin.py"}
