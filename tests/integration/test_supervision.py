"""Supervision and readiness, on processes so small that they need no server."""

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from local.home import Home, LocalSettings, SetupError
from local.processes import await_gone, processes_of
from local.readiness import await_ready
from local.service import Endpoint, NotReadyError, Service
from local.stack import Stack
from local.supervise import Supervisor
from local.up import bring_up

SLEEPER = Service("sleeper", ("sleep", "1000"))
HALTING = Service("halting", ("sh", "-c", "sleep 1.2; echo no coffee left; exit 70"), final_exit_codes=(0, 70))


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """A home whose path is too long for a socket, as a user's may be."""
    created = Home(tmp_path / ("deep" * 20), tmp_path / "cache", 25900)
    created.create()
    yield created
    Supervisor(created).shutdown()


def never_ready() -> None:
    """Be a server that never answers."""
    raise NotReadyError("no answer")


def test_a_service_that_halts_is_named_with_its_log(home: Home) -> None:
    """The message says which service, how it ended, where its log is, and how that ends."""
    supervisor = Supervisor(home)
    supervisor.ensure([HALTING])
    supervisor.start("halting")
    with pytest.raises(SetupError) as caught:
        await_ready(home, supervisor, [Endpoint("halting", "127.0.0.1:9", never_ready)], seconds_max=60)
    assert "halting at 127.0.0.1:9 has ended (EXITED, exit code 70)" in str(caught.value)
    assert str(home.logs / "halting.log") in str(caught.value)
    assert "no coffee left" in str(caught.value)


def test_a_service_that_keeps_ending_is_given_up(home: Home) -> None:
    """One that lives long enough to be restarted for ever does not make anybody wait until the limit."""
    supervisor = Supervisor(home)
    supervisor.ensure([Service("weary", ("sh", "-c", "sleep 1.2; echo tired; exit 3"))])
    supervisor.start("weary")
    with pytest.raises(SetupError, match=r"weary at here has ended 3 times: no answer\n(.|\n)*tired"):
        await_ready(home, supervisor, [Endpoint("weary", "here", never_ready)], seconds_max=60)


def test_waiting_has_a_limit(home: Home) -> None:
    """A service that runs but does not answer is given up, with what its probe said last."""
    supervisor = Supervisor(home)
    supervisor.ensure([SLEEPER])
    supervisor.start("sleeper")
    with pytest.raises(SetupError, match=r"sleeper at here is not ready after \d s: no answer"):
        await_ready(home, supervisor, [Endpoint("sleeper", "here", never_ready)], seconds_max=0.5)


def test_a_killed_service_is_started_again(home: Home) -> None:
    """A service that ends without being asked to comes back by itself."""
    supervisor = Supervisor(home)
    supervisor.ensure([SLEEPER])
    supervisor.start("sleeper")
    first = supervisor.state("sleeper").pid

    def probe() -> None:
        if supervisor.state("sleeper").pid in (0, first):
            raise NotReadyError("not back yet")

    os.kill(first, signal.SIGKILL)
    await_ready(home, supervisor, [Endpoint("sleeper", "here", probe)], seconds_max=30)
    assert psutil.pid_exists(supervisor.state("sleeper").pid)


def test_a_changed_service_alone_is_replaced(home: Home) -> None:
    """A new definition reaches the running supervisor, and the other services go on."""
    supervisor = Supervisor(home)
    other = Service("other", ("sleep", "1000"))
    supervisor.ensure([SLEEPER, other])
    supervisor.start("sleeper")
    supervisor.start("other")
    before = supervisor.states()
    supervisor.ensure([Service("sleeper", ("sleep", "2000")), other])
    supervisor.start("sleeper")
    assert supervisor.state("other").pid == before["other"].pid
    assert supervisor.state("sleeper").pid != before["sleeper"].pid


def test_down_finds_what_a_killed_supervisor_left(home: Home) -> None:
    """Services outlive a killed supervisor; shutting down ends them all the same."""
    supervisor = Supervisor(home)
    supervisor.ensure([SLEEPER])
    supervisor.start("sleeper")
    left = psutil.Process(supervisor.state("sleeper").pid)
    left.parent().kill()  # type: ignore[union-attr]
    supervisor.shutdown()
    assert not left.is_running()
    assert processes_of(home) == []


def test_nothing_outlives_its_owner(home: Home) -> None:
    """When the process that owns a stack is killed, supervisor and services end by themselves."""
    owner = subprocess.Popen(["sleep", "1000"])
    try:
        supervisor = Supervisor(home)
        supervisor.ensure([SLEEPER], owner=owner.pid)
        supervisor.start("sleeper")
        assert supervisor.state("sleeper").pid
    finally:
        owner.kill()
        owner.wait()
    await_gone(home)
    assert processes_of(home) == []


def test_a_taken_port_is_named_before_anything_starts(tmp_path: Path) -> None:
    """The message says which port, what it is meant for, and how to choose others."""
    stack = Stack(LocalSettings(home=tmp_path, port_base=25900))
    with socket.create_server(("127.0.0.1", 25902)), pytest.raises(SetupError) as caught:
        bring_up(stack, lambda _step, _seconds: None)
    assert "port 25902, meant for kafka" in str(caught.value)
    assert "KIWI_PORT_BASE" in str(caught.value)
    assert processes_of(stack.home) == []


def test_secrets_are_private(home: Home) -> None:
    """What holds a password can be read by its user alone."""
    Supervisor(home).ensure([Service("quiet", ("true",), {"KIWI_DATABASE_URL": "open sesame"})])
    holding = [
        path for path in home.root.rglob("*") if path.is_file() and "open sesame" in path.read_text(errors="replace")
    ]
    assert [path.name for path in holding] == ["quiet.conf"]
    assert holding[0].stat().st_mode & 0o077 == 0
    assert home.run.stat().st_mode & 0o077 == 0
