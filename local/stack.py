"""The whole stack as one thing: up, down, and what is running."""

import contextlib
import fcntl
import shutil
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from local.application import application_endpoints, application_services
from local.connections import Connections
from local.home import PORTS, Home, LocalSettings, SetupError
from local.passwords import forget_passwords
from local.provision import provision_database, provision_topic
from local.readiness import await_ready
from local.servers import Servers, prepare_servers
from local.service import Endpoint
from local.supervise import Supervisor

Report = Callable[[str, float], None]


class Stack:
    """The stack of one home."""

    def __init__(self, settings: LocalSettings) -> None:
        self._settings = settings
        self.home = Home.of(settings)
        self.supervisor = Supervisor(self.home)

    def connections(self) -> Connections:
        """Return how to reach the stack."""
        return Connections.of(self.home, self._settings)

    def up(self, report: Report) -> None:
        """Set up what is missing, start what is not running, and wait until all of it serves.

        Args:
            report: called with each finished step and its seconds.

        Raises:
            SetupError: something is missing, gave up, or was not ready in time; the message says what and why.
        """
        self.home.create()
        with self._exclusive():
            began = time.monotonic()
            servers = prepare_servers(self.home, self._settings)
            connections = self.connections()
            application = application_services(connections, servers.java, servers.connector)
            report("set-up", time.monotonic() - began)
            if not self.supervisor.running():
                self._check_ports()
                self._clear_scratch()
            self.supervisor.ensure((*servers.services, *application))
            # All at once: Kiwi's own processes wait for the servers, and a Spark session takes as long as they do.
            for service in (*servers.services, *application):
                self.supervisor.start(service.name)
            self._provision(servers, connections, report)
            self._await(application_endpoints(connections), report)

    def down(self) -> None:
        """Stop everything that was started, and nothing else; wait until it is gone."""
        if self.home.run.exists():
            self.supervisor.shutdown()

    def clean(self) -> None:
        """Stop, and remove data, logs and passwords; downloads stay."""
        self.down()
        for folder in (self.home.data, self.home.logs, self.home.run):
            shutil.rmtree(folder, ignore_errors=True)
        forget_passwords(self.home)

    def _provision(self, servers: Servers, connections: Connections, report: Report) -> None:
        """Wait for each server, and provision it as soon as it is ready."""

        def kafka() -> None:
            self._await([kafka_server], report)
            provision_topic(connections)

        def database() -> None:
            self._await([database_server], report)
            provision_database(connections)

        zookeeper_server, kafka_server, database_server = servers.endpoints
        with ThreadPoolExecutor() as pool:
            steps = [pool.submit(kafka), pool.submit(database)]
            self._await([zookeeper_server], report)
            for step in steps:
                step.result()

    def _await(self, endpoints: Sequence[Endpoint], report: Report) -> None:
        await_ready(self.home, self.supervisor, endpoints, self._settings.up_seconds_max, report)

    def _check_ports(self) -> None:
        for name in PORTS:
            port = self.home.port(name)
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind(("127.0.0.1", port))
                except OSError as error:
                    raise SetupError(
                        f"port {port}, meant for {name}, is taken by another program. Stop that one, or set "
                        "KIWI_PORT_BASE to the first of five free ports below 32764."
                    ) from error

    def _clear_scratch(self) -> None:
        for name in ("scratch", "spark", "metrics"):
            shutil.rmtree(self.home.run / name, ignore_errors=True)
            (self.home.run / name).mkdir()

    @contextlib.contextmanager
    def _exclusive(self) -> Iterator[None]:
        with (self.home.root / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise SetupError(f"another `up` is at work on {self.home.root}; wait for it") from error
            yield
