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

_OWNED: Final = ("SELECT", "INSERT", "UPDATE", "DELETE", "CREATE", "ALTER", "DROP", "INDEX", "REFERENCES")
"""What ALL PRIVILEGES must contain for the migrations."""

_ME: Final = "CONCAT('\\'', REPLACE(CURRENT_USER(), '@', '\\'@\\''), '\\'')"
_HELD: Final = text(
    f"SELECT privilege_type AS 'right', '*' AS target FROM information_schema.user_privileges WHERE grantee = {_ME}"  # noqa: S608
    " UNION SELECT privilege_type, '*' FROM information_schema.schema_privileges"
    f" WHERE grantee = {_ME} AND DATABASE() LIKE table_schema"
    " UNION SELECT privilege_type, table_name FROM information_schema.table_privileges"
    f" WHERE grantee = {_ME} AND table_schema = DATABASE()"
)


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


def missing_rights(connection: Connection, role: Role) -> list[str]:
    """Return the rights of a role that this connection's user lacks in its database, as `INSERT on result`."""
    needed = [(right, table) for rights, table in _GRANTS[role] for right in rights.split(", ")]
    if role == "owner":
        needed = [(right, "*") for right in _OWNED]
    held = {(row.right, row.target) for row in connection.execute(_HELD)}
    return [f"{right} on {table}" for right, table in needed if not {(right, "*"), (right, table)} & held]
