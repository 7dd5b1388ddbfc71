"""The settlement job as a supervised service, and how it shows that it works."""

import sys
import time
from pathlib import Path
from typing import Final

from kazoo.exceptions import KazooException
from kazoo.handlers.threading import KazooTimeoutError

from local.connections import Connections
from local.home import PROJECT
from local.jars import SPARK_HOME, ensure_jars
from local.java import ensure_java
from local.service import Endpoint, NotReadyError, Service
from local.wanted import WantedSettlement
from settlement.status import Status, read_status
from settlement.zookeeper import STATUS_PATH, connect_zookeeper

SETTLEMENT: Final = "settlement"
_HALTED: Final = 70  # a human must act: a restart would only repeat it
_DRIVER_MEMORY: Final = "1g"
_PROBE_SECONDS: Final = 3
_HEARTBEAT_AGE_SECONDS_MAX: Final = 5


def job_service(connections: Connections, wanted: WantedSettlement) -> Service:
    """Return the one definition of the job; it waits by itself for the servers that it needs.

    Raises:
        SetupError: Java or the connector cannot be had.
    """
    java = ensure_java(connections.home)
    connector = ensure_jars(connections.home, java, "connector")
    environment = connections.process_environment("settle") | {
        "JAVA_HOME": str(java.home),
        "SPARK_HOME": str(SPARK_HOME),
        "PYSPARK_PYTHON": sys.executable,  # otherwise workers run whatever `python3` is on PATH
        "PYSPARK_DRIVER_PYTHON": sys.executable,
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_LOCAL_DIRS": str(connections.home.run / "spark"),
    }
    environment |= wanted.environment
    return Service(SETTLEMENT, _command(connector), environment, final_exit_codes=(0, _HALTED), stop_seconds=90)


def job_endpoint(connections: Connections) -> Endpoint:
    """Return where it shows: it serves through ZooKeeper."""
    return Endpoint(SETTLEMENT, STATUS_PATH, lambda: check_settling(connections))


def check_settling(connections: Connections, since_ms: int = 0) -> None:
    """Return if the driver's heartbeat says that it settles.

    Args:
        connections: of the stack.
        since_ms: epoch milliseconds; an older heartbeat is a former driver's.

    Raises:
        NotReadyError: there is none, or it is old, or says that settlement holds or has halted.
    """
    status = _read_status(connections)
    if status is None:
        raise NotReadyError("no driver has ever settled")
    if status.at_ms < since_ms:
        raise NotReadyError("the new driver has not been heard of yet")
    age_seconds = time.time() - status.at_ms / 1000
    if status.state != "settling" or age_seconds > _HEARTBEAT_AGE_SECONDS_MAX:
        raise NotReadyError(f"last heard of {age_seconds:.0f} s ago: {status.state} {status.detail}".strip())


def _read_status(connections: Connections) -> Status | None:
    try:
        client = connect_zookeeper(connections.home.address("zookeeper"), connect_seconds=_PROBE_SECONDS)
        try:
            return read_status(client)
        finally:
            client.stop()
            client.close()
    except (KazooException, KazooTimeoutError) as error:
        raise NotReadyError(f"ZooKeeper does not tell: {type(error).__name__}") from error


def _command(connector: Path) -> tuple[str, ...]:
    command = [str(SPARK_HOME / "bin" / "spark-submit"), "--master", "local[2]", "--driver-memory", _DRIVER_MEMORY]
    command += ["--properties-file", str(PROJECT / "jobs" / "spark-defaults.conf")]
    # On the class path from the start: as `--jars` they would come too late for the file system among them.
    command += ["--driver-class-path", str(connector / "*"), str(PROJECT / "jobs" / "settle.py")]
    return tuple(command)
