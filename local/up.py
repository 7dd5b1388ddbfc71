"""Brings the whole stack up: set up, start, provision, wait until it serves."""

import contextlib
import fcntl
import shutil
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from kafka.errors import KafkaError
from sqlalchemy.exc import SQLAlchemyError

from local.application import application_endpoints, application_services
from local.connections import Connections
from local.home import PORTS, Home, SetupError
from local.provision import provision_database, provision_topic
from local.readiness import await_ready
from local.servers import prepare_servers
from local.service import Endpoint
from local.stack import Stack
from settlement.topic import TopicUnfitError

Report = Callable[[str, float], None]


def bring_up(stack: Stack, report: Report, owner: int | None = None) -> None:
    """Set up what is missing, start what is not running, and wait until all of it serves.

    Args:
        stack: which one.
        report: called with each finished step and the seconds since the beginning.
        owner: id of a process that the stack must not outlive; None = it stays until `down`.

    Raises:
        SetupError: something is missing, gave up, refused, or was not ready in time; the message says what and why.
    """
    began = time.monotonic()

    def done(step: str) -> None:
        report(step, time.monotonic() - began)

    stack.home.create()
    with _alone(stack.home):
        servers = prepare_servers(stack.home, stack.settings)
        connections = Connections.of(stack.home, stack.settings)
        services = (*servers.services, *application_services(connections, servers.java, servers.connector))
        done("set-up")
        if not stack.supervisor.running():
            _check_ports(stack.home)
            _clear_scratch(stack.home)
        stack.supervisor.ensure(services, owner)
        # All at once: Kiwi's own processes wait for the servers, and a Spark session takes as long as they do.
        for service in services:
            stack.supervisor.start(service.name)
        await_serving = partial(
            await_ready, stack.home, stack.supervisor, seconds_max=stack.settings.up_seconds_max, on_ready=done
        )
        _provision(connections, servers.endpoints, await_serving)
        await_serving(application_endpoints(connections))


def _provision(
    connections: Connections,
    endpoints: tuple[Endpoint, Endpoint, Endpoint],
    await_serving: Callable[[tuple[Endpoint, ...]], None],
) -> None:
    """Wait for each server, and provision it as soon as it is ready."""
    zookeeper, kafka, database = endpoints

    def topic() -> None:
        await_serving((kafka,))
        provision_topic(connections)

    def ledger() -> None:
        await_serving((database,))
        provision_database(connections)

    with ThreadPoolExecutor() as pool:
        steps = [pool.submit(topic), pool.submit(ledger), pool.submit(await_serving, (zookeeper,))]
        try:
            for step in steps:
                step.result()
        except (KafkaError, SQLAlchemyError, TopicUnfitError) as error:
            raise SetupError(
                f"a server refused what settlement needs: {getattr(error, 'orig', None) or error}"
            ) from error


def _check_ports(home: Home) -> None:
    for name in PORTS:
        port = home.port(name)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError as error:
                raise SetupError(
                    f"port {port}, meant for {name}, is taken by another program. Stop that one, or set "
                    "KIWI_PORT_BASE to the first of five free ports below 32764."
                ) from error


def _clear_scratch(home: Home) -> None:
    for name in ("scratch", "spark", "metrics"):
        shutil.rmtree(home.run / name, ignore_errors=True)
        (home.run / name).mkdir()


@contextlib.contextmanager
def _alone(home: Home) -> Iterator[None]:
    with (home.root / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise SetupError(f"another `up` is at work on {home.root}; wait for it") from error
        yield
