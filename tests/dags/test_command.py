"""The task that runs a command as a process: its arguments, its environment, its exit codes, its end."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psutil
import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from plugins.command import command
from plugins.local_command import LocalCommand
from plugins.report_folder import report_folder
from tests.dags.airflow_home import PROJECT

_WORKER = """
import logging, signal, sys
from plugins import local_command
local_command._TERM_SECONDS = 1
logging.basicConfig(level=logging.INFO, stream=sys.stdout)
task = local_command.LocalCommand(
    task_id="it", arguments=["timeit", "-n1", "-r1", sys.argv[1]], role=None, owner="kiwi"
)
signal.signal(signal.SIGTERM, lambda *_: task.on_kill())
task.execute({})
"""
ADDRESS = "mysql+pymysql://someone:s3cret@127.0.0.1/kiwi"


def local(*arguments: str, **more: Any) -> LocalCommand:
    """Return a task outside a DAG."""
    task = command("it", *arguments, **more)
    assert isinstance(task, LocalCommand)
    return task


@pytest.fixture(autouse=True)
def addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker's environment with the address of one role."""
    monkeypatch.setenv("KIWI_DATABASE_URL", "mysql+pymysql://wrong/kiwi")
    monkeypatch.setenv("KIWI_DATABASE_URL_READ", ADDRESS)
    monkeypatch.delenv("KIWI_DATABASE_URL_OWNER", raising=False)


def test_a_command_sees_its_roles_address_alone() -> None:
    """The address of the role, no other role's, and none at all without a role."""
    environment = local("settlement", role="read").environment()
    assert {name: value for name, value in environment.items() if name.startswith("KIWI_DATABASE")} == {
        "KIWI_DATABASE_URL": ADDRESS
    }
    assert not [name for name in local("settlement", role=None).environment() if name.startswith("KIWI_DATABASE")]
    with pytest.raises(ValueError, match="KIWI_DATABASE_URL_OWNER"):
        local("settlement", role="owner").environment()


@pytest.mark.parametrize(
    ("code", "error"), [(1, AirflowException), (2, AirflowFailException), (70, AirflowFailException)]
)
def test_exit_codes_mean_something(code: int, error: type[Exception]) -> None:
    """Wrong usage and a halt are final, other failures may be tried again; the code is in the message."""
    with pytest.raises(error, match=f"exit code {code}:") as raised:
        local("timeit", "-n1", "-r1", f"import os; os._exit({code})", role=None).execute({})
    assert type(raised.value) is error


def test_arguments_that_render_to_nothing_are_left_out() -> None:
    """The command itself sees no empty argument, and fails if it does."""
    look = "import os, sys; '' in sys.orig_argv and os._exit(3)"
    task = local("timeit", "", "-n1", "-r1", "", look, role=None)
    task.execute({})
    assert task.arguments.count("") == 2


def test_killing_the_task_ends_all_that_it_started() -> None:
    """The process and its children get a TERM, and a KILL if they do not heed it."""
    stubborn = "import signal, time; signal.signal(15, signal.SIG_IGN); print('begun', flush=True); time.sleep(60)"
    with worker(stubborn) as (parent, process):
        parent.send_signal(signal.SIGTERM)
        assert psutil.wait_procs([process], timeout=15)[0]


def test_a_command_does_not_outlive_a_killed_worker() -> None:
    """A worker that is killed outright cannot end its command; the leash does."""
    with worker("import time; print('begun', flush=True); time.sleep(60)") as (parent, process):
        parent.kill()
        assert psutil.wait_procs([process], timeout=15)[0]


def test_a_command_started_too_late_does_not_run() -> None:
    """If its task is gone already, the leash does not start it."""
    leash = [sys.executable, str(PROJECT / "plugins" / "leash.py"), "1", sys.executable, "-c", "print('ran')"]
    ended = subprocess.run(leash, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert "ran" not in ended.stdout


@pytest.mark.parametrize(
    ("run_id", "folder"),
    [
        ("manual__2026-11-23T11:32:37.59+00:00", "manual__2026-11-23T11_32_37.59_00_00"),
        ("../../etc", "_.._.._etc"),
        ("a b/ü", "a_b__"),
    ],
)
def test_a_report_stays_in_its_folder(run_id: str, folder: str) -> None:
    """Whatever a run is called, its folder lies among those of the others."""
    assert report_folder(run_id) == folder


@contextmanager
def worker(seconds_line: str) -> Iterator[tuple[psutil.Process, psutil.Process]]:
    """Start a worker that runs this line of Python as a task; yield it and the command, which has begun."""
    environment = os.environ | {"PYTHONPATH": str(PROJECT)}
    started = subprocess.Popen(
        [sys.executable, "-c", _WORKER, seconds_line], env=environment, stdout=subprocess.PIPE, text=True
    )
    assert started.stdout is not None
    try:
        for line in started.stdout:
            if "begun" in line and "Running" not in line:
                break
        parent = psutil.Process(started.pid)
        (command_process,) = parent.children()
        yield parent, command_process
    finally:
        started.kill()
        started.wait()
        started.stdout.close()
