"""The test's own database on the server outside the cluster, and what the ledger in it says."""

import secrets
from typing import Final, NamedTuple

from sqlalchemy import URL, Engine, text

from settlement.database import create_database_engine
from settlement.head import read_head
from settlement.migrate import migrate
from settlement.roles import Role, grant_role

DATABASE: Final = "kiwi_cluster_test"
ROLES: Final[tuple[Role, ...]] = ("owner", "settle", "catalogue", "read")


class Commit(NamedTuple):
    """How far the ledger is: its last batch, and who committed it."""

    batch: int
    token: int


def create_ledger(server: URL) -> dict[Role, str]:
    """Have a database with its schema, and a user for each role with a new password; return the users' passwords."""
    admin = create_database_engine(server.set(database=None), pool_size=1)
    with admin.begin() as connection:
        connection.execute(text(f"CREATE DATABASE IF NOT EXISTS {DATABASE}"))
    ledger = open_ledger(server)
    migrate(ledger)
    passwords = {role: secrets.token_hex(16) for role in ROLES}
    for role, password in passwords.items():
        grant_role(ledger, DATABASE, role, user_of(role), password)
    ledger.dispose()
    admin.dispose()
    return passwords


def drop_ledger(server: URL) -> None:
    """Have no such database."""
    admin = create_database_engine(server.set(database=None), pool_size=1)
    with admin.begin() as connection:
        connection.execute(text(f"DROP DATABASE IF EXISTS {DATABASE}"))
    admin.dispose()


def open_ledger(server: URL) -> Engine:
    """Return an engine on it, with all rights."""
    return create_database_engine(server.set(database=DATABASE))


def user_of(role: Role) -> str:
    """Return the database user of a role."""
    return f"kiwi_cluster_{role}"


def last_commit(engine: Engine) -> Commit:
    """Return how far the ledger is."""
    with engine.connect() as connection:
        head = read_head(connection)
    return Commit(head.batch, head.fencing_token)


def results(engine: Engine) -> int:
    """Return how many orders have their result."""
    with engine.connect() as connection:
        return int(connection.execute(text("SELECT COUNT(*) FROM result")).scalar_one())


def longest_pause_seconds(engine: Engine, after_batch: int) -> float:
    """Return the longest time between two commits since a batch, that batch's own included."""
    query = text(
        "SELECT TIMESTAMPDIFF(MICROSECOND, LAG(committed_at) OVER (ORDER BY number), committed_at) AS pause"
        " FROM batch WHERE number >= :after"
    )
    with engine.connect() as connection:
        return max(row.pause or 0 for row in connection.execute(query, {"after": after_batch})) / 1e6
