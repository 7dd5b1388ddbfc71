"""Real servers for the tests: ZooKeeper, Kafka and the database, in a home that no other run uses."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from sqlalchemy import URL

from local.home import Home
from local.readiness import await_ready
from local.servers import prepare_servers
from local.supervise import Supervisor
from tests.homes import free_home

_PORT_BASE: Final = 22000
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
    with free_home("test", _PORT_BASE) as stack:
        home, supervisor = stack.home, stack.supervisor
        servers = prepare_servers(home, stack.settings)
        supervisor.ensure(servers.services, owner=os.getpid())
        for service in servers.services:
            supervisor.start(service.name)
        await_ready(home, supervisor, servers.endpoints, _READY_SECONDS_MAX)
        admin_url = servers.admin_url._replace(database=None)
        yield TestServers(home.address("kafka"), home.address("zookeeper"), admin_url, home, supervisor)
