"""Database users with the least rights that their work needs."""

from typing import Final, Literal

from sqlalchemy import Connection, Engine, text

Role = Literal["owner", "settle", "catalogue", "read"]

# Table "*" stands for all of the database's.
_GRANTS: Final[dict[Role, tuple[tuple[str, str], ...]]] = {
    "owner": (("ALL PRIVILEGES", "*"),),
    "settle": (
        ("SELECT", "*"),
        ("INSERT", "result"),
        ("INSERT", "user_orders"),
        ("INSERT", "batch"),
        ("INSERT", "batch_range"),
        ("INSERT", "idempotency_key"),
        ("INSERT, UPDATE", "log_position"),
        ("UPDATE", "head"),
        ("UPDATE", "total"),
        ("UPDATE", "commodity"),
    ),
    "catalogue": (
        ("SELECT", "*"),
        ("INSERT, UPDATE", "commodity"),
        ("INSERT", "catalogue_change"),
        ("UPDATE", "head"),
    ),
    "read": (("SELECT", "*"),),
}


def grant_role(admin_engine: Engine, database: str, role: Role, user: str, password: str) -> None:
    """Have a user with the rights of a role in one database; running it again sets the password anew.

    Roles other than `owner` name tables: migrate first.

    Raises:
        sqlalchemy.exc.DBAPIError: the administrator lacks a right, or a table is not there.
    """
    with admin_engine.connect() as connection:
        identity = {"user": user, "password": password}
        connection.execute(text("CREATE USER IF NOT EXISTS :user@'%' IDENTIFIED BY :password"), identity)
        connection.execute(text("ALTER USER :user@'%' IDENTIFIED BY :password"), identity)
        for rights, table in _GRANTS[role]:
            target = _target(connection, database, table)
            connection.execute(text(f"GRANT {rights} ON {target} TO :user@'%'"), {"user": user})


def _target(connection: Connection, database: str, table: str) -> str:
    quote = connection.dialect.identifier_preparer.quote_identifier
    if table == "*":  # here, and only here, the database's name is a pattern
        return quote(database.replace("_", "\\_")) + ".*"
    return f"{quote(database)}.{quote(table)}"
