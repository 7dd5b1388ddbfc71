"""Kiwi's own processes: the API, the settlement job, the refreshing of rates."""

import json
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Final

from kazoo.exceptions import KazooException
from kazoo.handlers.threading import KazooTimeoutError

from local.connections import Connections
from local.home import PROJECT
from local.jars import SPARK_HOME
from local.java import Java
from local.service import Endpoint, NotReadyError, Service
from settlement.rate_store import read_snapshot
from settlement.rates import RatesUnavailableError
from settlement.status import read_status
from settlement.zookeeper import RATES_PATH, STATUS_PATH, connect_zookeeper

APPLICATION: Final = ("api", "settlement", "rates")
_HALTED: Final = 70  # a human must act: a restart would only repeat it
_REFRESH_SECONDS: Final = 60
_PROBE_SECONDS: Final = 3
_ANSWER_BYTES_MAX: Final = 4096
_HEARTBEAT_AGE_SECONDS_MAX: Final = 5
_DRIVER_MEMORY: Final = "1g"


def application_services(connections: Connections, java: Java, connector: Path) -> tuple[Service, ...]:
    """Return the processes; each waits by itself for the servers that it needs."""
    return (_api(connections), _settlement(connections, java, connector), _rates(connections))


def application_endpoints(connections: Connections) -> tuple[Endpoint, ...]:
    """Return where they serve; the job and the rates serve through ZooKeeper."""
    api, hosts = connections.home.address("api"), connections.home.address("zookeeper")
    return (
        Endpoint("api", api, lambda: _probe_api(f"http://{api}/readyz")),
        Endpoint("settlement", STATUS_PATH, lambda: _probe_settlement(hosts)),
        Endpoint("rates", RATES_PATH, lambda: _probe_rates(connections)),
    )


def _api(connections: Connections) -> Service:
    command = (sys.executable, "-m", "gunicorn", "-c", str(PROJECT / "api" / "gunicorn.conf.py"))
    environment = connections.process_environment("read")
    environment["PROMETHEUS_MULTIPROC_DIR"] = str(connections.home.run / "metrics")
    return Service("api", command, environment, final_exit_codes=(), stop_seconds=30)


def _settlement(connections: Connections, java: Java, connector: Path) -> Service:
    command = [str(SPARK_HOME / "bin" / "spark-submit"), "--master", "local[2]", "--driver-memory", _DRIVER_MEMORY]
    command += ["--properties-file", str(PROJECT / "jobs" / "spark-defaults.conf")]
    # On the class path from the start: as `--jars` they would come too late for the file system among them.
    command += ["--driver-class-path", str(connector / "*"), str(PROJECT / "jobs" / "settle.py")]
    environment = connections.process_environment("settle") | {
        "JAVA_HOME": str(java.home),
        "SPARK_HOME": str(SPARK_HOME),
        "PYSPARK_PYTHON": sys.executable,  # otherwise workers run whatever `python3` is on PATH
        "PYSPARK_DRIVER_PYTHON": sys.executable,
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_LOCAL_DIRS": str(connections.home.run / "spark"),
    }
    return Service("settlement", tuple(command), environment, final_exit_codes=(0, _HALTED), stop_seconds=90)


def _rates(connections: Connections) -> Service:
    command = (sys.executable, "-m", "settlement", "rates", "refresh", "--every", str(_REFRESH_SECONDS))
    return Service("rates", command, connections.process_environment("read"), final_exit_codes=())


def _probe_api(url: str) -> None:
    try:
        urllib.request.urlopen(url, timeout=_PROBE_SECONDS).close()  # noqa: S310 - our own address
    except urllib.error.HTTPError as error:
        raise NotReadyError(f"answers {error.code}: {_detail(error.read(_ANSWER_BYTES_MAX))}") from error
    except OSError as error:
        raise NotReadyError(f"no answer: {error}") from error


def _detail(body: bytes) -> str:
    """Return what problem+json says in words, else the body as it is."""
    try:
        return str(json.loads(body)["detail"])
    except (ValueError, KeyError, TypeError):
        return body.decode(errors="replace")[:200]


def _probe_settlement(hosts: str) -> None:
    try:
        client = connect_zookeeper(hosts, connect_seconds=_PROBE_SECONDS)
        try:
            status = read_status(client)
        finally:
            client.stop()
            client.close()
    except (KazooException, KazooTimeoutError) as error:
        raise NotReadyError(f"ZooKeeper does not tell: {type(error).__name__}") from error
    if status is None:
        raise NotReadyError("no driver has ever settled")
    age_seconds = time.time() - status.at_ms / 1000
    if status.state != "settling" or age_seconds > _HEARTBEAT_AGE_SECONDS_MAX:
        raise NotReadyError(f"last heard of {age_seconds:.0f} s ago: {status.state} {status.detail}".strip())


def _probe_rates(connections: Connections) -> None:
    settings = connections.settings("read")
    try:
        client = connect_zookeeper(settings.zookeeper_hosts, connect_seconds=_PROBE_SECONDS)
        try:
            now_ms = time.time_ns() // 1_000_000
            read_snapshot(client, age_seconds_max=settings.rates_age_seconds_max, now_ms=now_ms)
        finally:
            client.stop()
            client.close()
    except (KazooException, KazooTimeoutError, RatesUnavailableError) as error:
        raise NotReadyError(f"{error or type(error).__name__}") from error
