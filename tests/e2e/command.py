"""The stack's own commands, run as the Makefile runs them."""

import os
import subprocess
import sys

from local.home import PROJECT
from local.stack import Stack


def run(stack: Stack, *command: str, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command of `python -m local` as the Makefile does."""
    return subprocess.run(
        [sys.executable, "-m", "local", *command],
        env=os.environ | (environment or stack.settings.variables),
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
