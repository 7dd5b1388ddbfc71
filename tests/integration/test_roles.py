"""Each role can do its work and nothing more."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from settlement.database import create_database_engine
from settlement.roles import Role, grant_role

_STOCK = "UPDATE commodity SET inventory = 1"
_HEAD = "UPDATE head SET batch = batch"
_RESULT = "INSERT INTO result (id, success, paid, batch) VALUES (1, FALSE, 0, 1)"
_CHANGE = "INSERT INTO catalogue_change VALUES (1, 1, 0, 'restock', NULL, NULL, NULL, 1, NOW())"
_READ = "SELECT COUNT(*) FROM result"
_ERASE = "DELETE FROM result"
_CREATE = "CREATE TABLE more (id INT)"


@pytest.fixture
def connect(engine: Engine, unique_name: str) -> Iterator[Callable[[Role], Connection]]:
    """Connections by role to the fresh database."""
    opened: list[tuple[Connection, Engine, str]] = []

    def open_as(role: Role) -> Connection:
        user = f"{unique_name[-8:]}_{role}"
        for password in ("first", "second"):  # the second grant changes the password
            grant_role(engine, unique_name, role, user, password)
        as_role = create_database_engine(engine.url.set(username=user, password=password), pool_size=1)
        opened.append((as_role.connect(), as_role, user))
        return opened[-1][0]

    yield open_as
    for connection, as_role, user in opened:
        connection.close()
        as_role.dispose()
        with engine.begin() as admin:
            admin.execute(text("DROP USER :user@'%'"), {"user": user})


@pytest.mark.parametrize(
    ("role", "permitted", "refused"),
    [
        ("owner", (_READ, _STOCK, _HEAD, _RESULT, _CHANGE, _ERASE, _CREATE), ()),
        ("settle", (_READ, _STOCK, _HEAD, _RESULT), (_CHANGE, _ERASE, _CREATE)),
        ("catalogue", (_READ, _STOCK, _HEAD, _CHANGE), (_RESULT, _ERASE, _CREATE)),
        ("read", (_READ,), (_STOCK, _HEAD, _RESULT, _CHANGE, _ERASE, _CREATE)),
    ],
)
def test_a_role_has_the_rights_of_its_work_alone(
    connect: Callable[[Role], Connection], role: Role, permitted: tuple[str, ...], refused: tuple[str, ...]
) -> None:
    """What the role needs passes, what belongs to another is denied by the server."""
    connection = connect(role)
    for statement in permitted:
        connection.execute(text(statement))
    for statement in refused:
        with pytest.raises(DBAPIError, match="denied"):
            connection.execute(text(statement))


def test_a_role_ends_at_its_own_database(connect: Callable[[Role], Connection], engine: Engine) -> None:
    """The name of the database is no pattern that another name could match."""
    twin = str(engine.url.database).replace("_", "x")
    with engine.begin() as admin:
        admin.execute(text(f"CREATE DATABASE {twin}"))
    try:
        with pytest.raises(DBAPIError, match="denied"):
            connect("owner").execute(text(f"CREATE TABLE {twin}.more (id INT)"))
    finally:
        with engine.begin() as admin:
            admin.execute(text(f"DROP DATABASE {twin}"))


def test_an_administrator_grants_a_role_by_command(engine: Engine, unique_name: str) -> None:
    """`python -m settlement grant` makes the user, who may then read and nothing else."""
    user = f"{unique_name[-8:]}_cli"
    given = {"KIWI_DATABASE_URL": engine.url.render_as_string(hide_password=False), "KIWI_GRANT_PASSWORD": "secret"}
    command = [sys.executable, "-m", "settlement", "grant", "read", user]
    subprocess.run(command, env=os.environ | given, check=True, capture_output=True, timeout=60)
    as_reader = create_database_engine(engine.url.set(username=user, password="secret"), pool_size=1)  # noqa: S106
    try:
        with as_reader.connect() as connection:
            assert connection.execute(text(_READ)).scalar_one() == 0
            with pytest.raises(DBAPIError, match="denied"):
                connection.execute(text(_STOCK))
    finally:
        as_reader.dispose()
        with engine.begin() as admin:
            admin.execute(text("DROP USER :user@'%'"), {"user": user})
