"""A command as a process of this machine."""

import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from airflow.providers.standard.hooks.subprocess import SubprocessHook
from airflow.sdk import BaseOperator, BaseOperatorLink

from plugins.exit_codes import require_success
from plugins.plain_output import PLAIN_OUTPUT

PROJECT: Final = Path(__file__).resolve().parents[1]
_LEASH: Final = PROJECT / "plugins" / "leash.py"
_TERM_SECONDS: Final = 20
_ADDRESS: Final = "KIWI_DATABASE_URL"


class LocalCommand(BaseOperator):
    """Runs `python -m ARGUMENTS` in a process group of its own, which ends with the task; its output is the log.

    No shell reads the arguments. The database's address goes from the worker's environment into the process's, and
    nowhere else.
    """

    template_fields: Sequence[str] = ("arguments",)
    template_fields_renderers = {"arguments": "json"}  # noqa: RUF012 - as the base class declares it
    ui_color = "#e8f3dc"

    def __init__(
        self, *, arguments: Sequence[str], role: str | None, links: Sequence[BaseOperatorLink] = (), **more: Any
    ) -> None:
        super().__init__(do_xcom_push=False, **more)
        self.arguments = list(arguments)
        self.role = role
        self.operator_extra_links = tuple(links)
        self._hook: SubprocessHook | None = None

    def execute(self, context: Any) -> None:  # noqa: ARG002 # as the base class declares it
        """Run it to its end."""
        hook = self._hook = SubprocessHook()
        command = [sys.executable, "-I", "-S", str(_LEASH), str(os.getpid()), sys.executable, "-m"]
        command += [argument for argument in self.arguments if argument]
        require_success(hook.run_command(command, env=self.environment(), cwd=str(PROJECT)).exit_code)

    def on_kill(self) -> None:
        """End the process and all that it started."""
        process = self._hook.sub_process if self._hook else None
        if process is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(_TERM_SECONDS)
            finally:
                os.killpg(process.pid, signal.SIGKILL)

    def environment(self) -> dict[str, str]:
        """Return the worker's environment with one database address, the role's, or none."""
        own = {name: value for name, value in os.environ.items() if not name.startswith(_ADDRESS)}
        if self.role is not None:
            given = f"{_ADDRESS}_{self.role.upper()}"
            if given not in os.environ:
                raise ValueError(f"the environment of Airflow's workers lacks {given}, the database's address")
            own[_ADDRESS] = os.environ[given]
        return own | PLAIN_OUTPUT | {"PYTHONPATH": str(PROJECT)}
