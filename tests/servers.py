"""Real servers for the tests: ZooKeeper, Kafka and the database, in a home that no other run uses."""

import fcntl
import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Final, NoReturn

import pytest
from pydantic import SecretStr
from sqlalchemy import URL

from local.home import PROJECT, Home, LocalSettings
from local.readiness import await_ready
from local.servers import prepare_servers
from local.supervise import Supervisor

_PORT_BASE: Final = 22000
_PORTS_APART: Final = 10
_RUNS_AT_ONCE_MAX: Final = 8
_READY_SECONDS_MAX: Final = 120


@dataclass(frozen=True)
class TestServers:
    """Where the servers of this run answer.

    Attributes:
        kafka_bootstrap: host:port.
        zookeeper_hosts: host:port, without a chroot.
        admin_url: the database's administrator.
        home: their state folder.
        supervisor: to stop, kill and restart one of them.
    """

    __test__ = False

    kafka_bootstrap: str
    zookeeper_hosts: str
    admin_url: URL
    home: Home
    supervisor: Supervisor


@contextmanager
def running_servers() -> Iterator[TestServers]:
    """Start the servers, and stop them whatever happens; KIWI_TEST_DATABASE_URL names another database server."""
    with _free_home() as home, _ended_by_signal():
        named = os.environ.get("KIWI_TEST_DATABASE_URL")
        settings = LocalSettings(local_database_admin_url=SecretStr(named) if named else None)
        supervisor = Supervisor(home)
        try:
            servers = prepare_servers(home, settings)
            supervisor.ensure(servers.services, owner=os.getpid())
            for service in servers.services:
                supervisor.start(service.name)
            await_ready(home, supervisor, servers.endpoints, _READY_SECONDS_MAX)
            yield TestServers(home.address("kafka"), home.address("zookeeper"), servers.admin_url, home, supervisor)
        finally:
            supervisor.shutdown()


@contextmanager
def _free_home() -> Iterator[Home]:
    """Take the first home that no other run holds, emptied of what an earlier run left."""
    cache = (PROJECT / LocalSettings().cache).resolve()
    for number in range(_RUNS_AT_ONCE_MAX):
        root = PROJECT / ".kiwi" / ("test" if number == 0 else f"test-{number}")
        root.mkdir(parents=True, exist_ok=True)
        with (root / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            home = Home(root, cache, _PORT_BASE + _PORTS_APART * number)
            Supervisor(home).shutdown()
            _empty(root)
            yield home
            return
    pytest.exit(f"{_RUNS_AT_ONCE_MAX} test runs are under way already", returncode=2)


def _empty(root: Path) -> None:
    for folder in ("data", "logs", "run"):
        shutil.rmtree(root / folder, ignore_errors=True)


@contextmanager
def _ended_by_signal() -> Iterator[None]:
    """Have a TERM end the run as Ctrl-C does, through the fixtures' own ends."""

    def end(_signal: int, _frame: FrameType | None) -> NoReturn:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
