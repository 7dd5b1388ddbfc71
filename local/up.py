"""Brings the whole stack up: set up, start, provision, wait until it serves."""

import shutil
import socket
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial

from kafka.errors import KafkaError
from sqlalchemy.exc import SQLAlchemyError

from local.airflow import AIRFLOW, airflow_endpoints, airflow_services, prepare_airflow
from local.alone import alone
from local.connections import Connections
from local.home import PORTS, Home, SetupError
from local.http_api import api_endpoint, api_service
from local.job import SETTLEMENT, job_endpoint, job_service
from local.provision import provision_database, provision_topic
from local.readiness import await_ready
from local.servers import Servers, prepare_servers
from local.service import Endpoint, Service
from local.stack import Stack
from local.wanted import read_wanted
from settlement.topic import TopicUnfitError

Report = Callable[[str, float], None]
AwaitServing = Callable[[tuple[Endpoint, ...]], None]


def bring_up(stack: Stack, report: Report, owner: int | None = None) -> None:
    """Set up what is missing, start what is not running, and wait until all of it serves.

    The settlement job is among it once it has been launched, unless it was suspended.

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
    with alone(stack.home):
        servers = prepare_servers(stack.home, stack.settings)
        connections = Connections.of(stack.home, stack.settings)
        services = _services(stack, servers, connections)
        done("set-up")
        if not stack.supervisor.running():
            _check_ports(stack.home)
            _clear_scratch(stack.home)
        stack.supervisor.ensure(services, owner)
        # All at once: Kiwi's own processes wait for the servers, and a Spark session takes as long as they do.
        for name in _to_start(stack, services):
            stack.supervisor.start(name)
        await_serving = partial(
            await_ready, stack.home, stack.supervisor, seconds_max=stack.settings.up_seconds_max, on_ready=done
        )
        _provision(stack, connections, servers.endpoints, await_serving)
        started = _to_start(stack, services)
        endpoints = (api_endpoint(connections), job_endpoint(connections))
        await_serving(tuple(endpoint for endpoint in endpoints if endpoint.name in started))


def _services(stack: Stack, servers: Servers, connections: Connections) -> tuple[Service, ...]:
    services = [*servers.services, api_service(connections)]
    if (wanted := read_wanted(stack.home)) is not None:
        services.append(job_service(connections, wanted))
    if stack.settings.airflow:
        services += airflow_services(connections, stack.settings)
    return tuple(services)


def _to_start(stack: Stack, services: tuple[Service, ...]) -> list[str]:
    """Return all but a suspended job, and Airflow, which waits for its metadata database."""
    wanted = read_wanted(stack.home)
    left_out = {*AIRFLOW, *([SETTLEMENT] if wanted is not None and wanted.suspended else [])}
    return [service.name for service in services if service.name not in left_out]


def _provision(
    stack: Stack,
    connections: Connections,
    endpoints: tuple[Endpoint, Endpoint, Endpoint],
    await_serving: AwaitServing,
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
        steps: list[Future[None]] = [
            pool.submit(topic),
            pool.submit(ledger),
            pool.submit(await_serving, (zookeeper,)),
            pool.submit(_start_airflow, stack, connections, await_serving),
        ]
        try:
            for step in steps:
                step.result()
        except (KafkaError, SQLAlchemyError, TopicUnfitError) as error:
            raise SetupError(
                f"a server refused what settlement needs: {getattr(error, 'orig', None) or error}"
            ) from error


def _start_airflow(stack: Stack, connections: Connections, await_serving: AwaitServing) -> None:
    if stack.settings.airflow:
        prepare_airflow(connections, stack.settings, stack.supervisor)
        for name in AIRFLOW:
            stack.supervisor.start(name)
        await_serving(airflow_endpoints(stack.home))


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
                    "KIWI_PORT_BASE to the first of six free ports below 32764."
                ) from error


def _clear_scratch(home: Home) -> None:
    for name in ("scratch", "spark", "metrics"):
        shutil.rmtree(home.run / name, ignore_errors=True)
        (home.run / name).mkdir()
