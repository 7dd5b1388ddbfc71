"""Supervision by supervisord: restarts, rotated logs, and its own RPC over a Unix socket."""

import os
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from supervisor.xmlrpc import Faults, SupervisorTransport

from local.home import PROJECT, Home, SetupError
from local.processes import MARK, await_gone, end_processes, processes_of
from local.programs import write_program, write_programs
from local.service import SERVERS, Service

_START_SECONDS: Final = 15
_RESTART_SECONDS: Final = 3
_NO_SUPERVISOR: Final = (OSError, xmlrpc.client.ProtocolError)


@dataclass(frozen=True)
class ProcessState:
    """What the supervisor knows of a service.

    Attributes:
        state: STOPPED, STARTING, RUNNING, BACKOFF, STOPPING, EXITED or FATAL.
        pid: 0 when there is no process.
        exit_code: of the last process that ended, if it had been up for a second.
        problem: why it could not be started.
        up_seconds: since the process started.
        down_seconds: since the last process ended.
    """

    state: str
    pid: int
    exit_code: int
    problem: str
    up_seconds: float
    down_seconds: float

    @property
    def given_up(self) -> bool:
        """Whether no process is there and none will be started."""
        if self.state == "EXITED":  # also what the supervisor is about to restart, which it does each second
            return self.down_seconds > _RESTART_SECONDS
        return self.state in ("STOPPED", "FATAL")


class Supervisor:
    """The supervisord of one home."""

    def __init__(self, home: Home) -> None:
        self._home = home

    def running(self) -> bool:
        """Return whether it answers."""
        try:
            self._rpc.getState()
        except _NO_SUPERVISOR:
            return False
        return True

    def ensure(self, services: Sequence[Service], owner: int | None = None) -> None:
        """Have a supervisor that knows these services; one whose definition changed is stopped.

        Args:
            services: none of them is started by this.
            owner: id of a process that the stack must not outlive.

        Raises:
            SetupError: supervisord does not start.
        """
        configuration = write_programs(self._home, services, owner)
        if self.running():
            self._update()
            return
        end_processes(processes_of(self._home))  # left over from a supervisor that was killed
        command = [sys.executable, "-m", "supervisor.supervisord", "-c", str(configuration)]
        done = subprocess.run(
            command, env=self._environment(), cwd=PROJECT, capture_output=True, text=True, check=False
        )
        deadline = time.monotonic() + _START_SECONDS
        while not self.running():
            if done.returncode or time.monotonic() > deadline:
                raise SetupError(f"supervisord does not start:\n{(done.stdout + done.stderr)[-800:]}")
            time.sleep(0.05)

    def replace(self, service: Service) -> bool:
        """Have the running supervisor know this service as it is given; return whether that was news.

        One that ran with another definition is stopped. Services that are not named stay as they are.
        """
        write_program(self._home, service)
        return service.name in self._update()

    def start(self, name: str) -> None:
        """Start a service unless it is running; does not wait.

        Raises:
            SetupError: its program cannot be run.
        """
        try:
            self._rpc.startProcess(name, False)
        except xmlrpc.client.Fault as fault:
            if fault.faultCode != Faults.ALREADY_STARTED:
                raise SetupError(f"{name} cannot be started: {fault.faultString}") from fault

    def stop(self, names: Iterable[str]) -> None:
        """Stop services side by side and wait until they are gone."""
        stopping = list(names)
        for name in stopping:
            try:
                self._rpc.stopProcess(name, False)
            except xmlrpc.client.Fault as fault:
                if fault.faultCode != Faults.NOT_RUNNING:
                    raise
        while any(self.state(name).state == "STOPPING" for name in stopping):  # the supervisor limits the wait
            time.sleep(0.05)

    def state(self, name: str) -> ProcessState:
        """Return a service's state."""
        return self._parse(self._rpc.getProcessInfo(name))

    def states(self) -> dict[str, ProcessState]:
        """Return the state of every service; empty when no supervisor answers."""
        try:
            return {info["name"]: self._parse(info) for info in self._rpc.getAllProcessInfo()}
        except _NO_SUPERVISOR:
            return {}

    def shutdown(self) -> None:
        """Stop all services, the servers after those that use them, then the supervisor; wait until all are gone."""
        if self.running():
            names = self.states()
            self.stop(name for name in names if name not in SERVERS)
            self.stop(name for name in names if name in SERVERS)
            self._rpc.shutdown()
            await_gone(self._home)
        end_processes(processes_of(self._home))

    @property
    def _rpc(self) -> Any:
        transport = SupervisorTransport(serverurl=f"unix://{self._home.socket('supervisor')}")
        return xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport).supervisor

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("KIWI_")}
        return kept | {MARK: str(self._home.root), "PYTHONPATH": str(PROJECT), "PYTHONUNBUFFERED": "1"}

    def _update(self) -> list[str]:
        """Take over what the files say; return the names of new and changed services."""
        ((added, changed, removed),) = self._rpc.reloadConfig()
        self.stop((*changed, *removed))
        for name in (*changed, *removed):
            self._rpc.removeProcessGroup(name)
        for name in (*added, *changed):
            self._rpc.addProcessGroup(name)
        return [*added, *changed]

    @staticmethod
    def _parse(info: dict[str, Any]) -> ProcessState:
        up_seconds = info["now"] - info["start"] if info["pid"] else 0
        down_seconds = 0 if info["pid"] else info["now"] - info["stop"]
        return ProcessState(
            info["statename"], info["pid"], info["exitstatus"], info["spawnerr"], up_seconds, down_seconds
        )
