"""State folders and ports for tests; several runs at once do not meet."""

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import pytest
from pydantic import SecretStr
from sqlalchemy import make_url, text

from local.home import LocalSettings
from local.stack import Stack
from settlement.database import create_database_engine

_PORTS_APART: Final = 10
_RUNS_AT_ONCE_MAX: Final = 8


@contextmanager
def free_home(name: str, port_base: int, *, airflow: bool = False) -> Iterator[Stack]:
    """Take the first ports that no other run holds, in a home emptied of what an earlier run left."""
    for number in range(_RUNS_AT_ONCE_MAX):
        first_port = port_base + _PORTS_APART * number
        with _held(first_port) as held:
            if not held:
                continue
            home = Path(".kiwi") / (name if number == 0 else f"{name}-{number}")
            database = _database(f"kiwi_test_{first_port}")
            settings = LocalSettings(
                home=home, port_base=first_port, local_database_admin_url=database, airflow=airflow
            )
            stack = Stack(settings)
            stack.clean()  # not at the end: the logs may tell why a test failed
            stack.home.create()
            try:
                yield stack
            finally:
                stack.down()
            return
    pytest.exit(f"{_RUNS_AT_ONCE_MAX} test runs are under way already", returncode=2)


@contextmanager
def _held(first_port: int) -> Iterator[bool]:
    """Hold ports against runs in this clone and in others of the machine; yield whether that was possible."""
    path = Path(tempfile.gettempdir()) / f"kiwi-test-ports-{first_port}.lock"
    with ExitStack() as resources:
        try:
            lock = resources.enter_context(path.open("w"))
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):  # another user's lock is a lock too
            free = False
        else:
            free = True
        yield free


def _database(name: str) -> SecretStr | None:
    """Return a place on the server that KIWI_TEST_DATABASE_URL names, cleared of what an earlier run left."""
    if (named := os.environ.get("KIWI_TEST_DATABASE_URL")) is None:
        return None
    url = make_url(named)
    admin = create_database_engine(url, pool_size=1)
    with admin.begin() as connection:
        connection.execute(text(f"DROP DATABASE IF EXISTS {name}"))
    admin.dispose()
    return SecretStr(url.set(database=name).render_as_string(hide_password=False))
