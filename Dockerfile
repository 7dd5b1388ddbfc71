# syntax=docker/dockerfile:1
# One image for everything of ours: the API (its default command), the settlement job's driver and executors, the tasks of
# Airflow's DAGs, and Airflow itself. Runs as user 10001 on a read-only root with a writable /tmp.
#
#   docker build -t REGISTRY/kiwi-settlement:0.1.0 .
#
# BASE: any Debian image with Python 3.11. A tag moves with its security fixes; name a digest instead
# (--build-arg BASE=python:3.11-slim-bookworm@sha256:...) to build the same image next year, together with an
# APT_MIRROR that is a dated snapshot. Everything else is pinned here by hash.
ARG BASE=python:3.11-slim-bookworm

# --- what both the builder and the result stand on: Java, and an init that passes signals on
FROM ${BASE} AS runtime
USER root
ARG APT_MIRROR=""
RUN set -eu; \
    if [ -n "$APT_MIRROR" ]; then \
      find /etc/apt -name '*.sources' -o -name 'sources.list*' -type f | xargs -r sed -i "s|https\?://deb.debian.org/debian|$APT_MIRROR|"; \
    fi; \
    if ! java -version 2>/dev/null || ! command -v tini >/dev/null; then \
      mkdir -p /usr/share/man/man1; \
      apt-get update -q; \
      apt-get install -qy --no-install-recommends openjdk-17-jre-headless tini; \
      rm -rf /var/lib/apt/lists/* /var/cache/* /var/log/*; \
    fi

# --- the locked packages and the connector's jars, each checked by its hash
FROM runtime AS builder
ARG PIP_INDEX_URL=https://pypi.org/simple
ARG MAVEN_URL=https://repo1.maven.org/maven2
ENV PIP_INDEX_URL=${PIP_INDEX_URL} UV_DEFAULT_INDEX=${PIP_INDEX_URL} \
    UV_NO_CACHE=1 UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never \
    PYC_INVALIDATION_MODE=UNCHECKED_HASH \
    SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt PIP_CERT=/etc/ssl/certs/ca-certificates.crt
WORKDIR /opt/kiwi
COPY local/uv-requirements.txt local/
RUN set -eu; \
    if ! python3 -m pip --version >/dev/null 2>&1; then \
      apt-get update -q; \
      apt-get install -qy --no-install-recommends python3-pip; \
    fi; \
    python3 -m pip install --quiet --root-user-action=ignore --no-cache-dir --require-hashes --target /opt/uv \
      -r local/uv-requirements.txt; \
    /opt/uv/bin/uv venv --quiet --python "$(command -v python3)" /opt/venv
COPY requirements.txt .
# Compiled here, as nothing can be at run time; by hash, so that no file's date is in the result.
RUN /opt/uv/bin/uv pip install --quiet --python /opt/venv/bin/python --require-hashes --compile-bytecode -r requirements.txt
COPY local local
RUN /opt/venv/bin/python -m local.image_jars "$MAVEN_URL" /opt/venv/lib/python3.11/site-packages/pyspark/jars
COPY settlement settlement
COPY api api
COPY jobs jobs
COPY generator generator
COPY dags dags
COPY plugins plugins
RUN rm -r local requirements.txt && /opt/venv/bin/python -m compileall -q --invalidation-mode unchecked-hash .

# --- the result
FROM runtime
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Kiwi settlement" \
      org.opencontainers.image.description="Exactly-once order settlement on Kafka, Spark and ZooKeeper into MySQL" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
RUN set -eu; \
    groupadd --gid 10001 kiwi; \
    useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin kiwi; \
    mkdir -p /opt/airflow /opt/spark/conf /reports; \
    chown 10001:10001 /opt/airflow /reports
COPY --from=builder /opt/venv /opt/venv
COPY --from=builder /opt/kiwi /opt/kiwi
# Airflow's chart calls it by this path.
COPY --chmod=755 jobs/entrypoint.sh /entrypoint
ENV PATH=/opt/venv/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    PYTHONPATH=/opt/kiwi \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    SPARK_HOME=/opt/venv/lib/python3.11/site-packages/pyspark \
    PYSPARK_PYTHON=/opt/venv/bin/python \
    PYSPARK_DRIVER_PYTHON=/opt/venv/bin/python \
    NUMBA_CACHE_DIR=/tmp/numba \
    MPLCONFIGDIR=/tmp/matplotlib \
    AIRFLOW_HOME=/opt/airflow \
    AIRFLOW__CORE__DAGS_FOLDER=/opt/kiwi/dags \
    AIRFLOW__CORE__PLUGINS_FOLDER=/opt/kiwi/plugins \
    AIRFLOW__CORE__LOAD_EXAMPLES=False \
    KIWI_API_BIND=0.0.0.0:8000 \
    PROMETHEUS_MULTIPROC_DIR=/tmp/metrics
WORKDIR /opt/kiwi
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s \
  CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/livez', timeout=2)"]
ENTRYPOINT ["/entrypoint"]
CMD ["python", "-m", "gunicorn", "-c", "api/gunicorn.conf.py"]
