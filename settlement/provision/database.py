"""The ledger's database: its version, its migrations, and what the user of a role may do."""

import re
from collections.abc import Iterator
from typing import Final

from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from settlement.database import create_database_engine
from settlement.migrate import pending_migrations
from settlement.provision.finding import Finding, require
from settlement.roles import Role, missing_rights
from settlement.settings import Settings

_OLDEST: Final = {"MariaDB": (10, 6), "MySQL": (8, 4)}
_MIGRATE: Final = "Trigger seed_db, or run `python -m settlement migrate` with the owner's KIWI_DATABASE_URL"


def check_database(settings: Settings, role: Role) -> Iterator[Finding]:
    """Yield what is found, as the user that KIWI_DATABASE_URL names; it must have this role's rights."""
    engine = create_database_engine(settings.database_url.get_secret_value(), pool_size=1)
    try:
        with engine.connect() as connection:
            yield _version(connection)
        pending = pending_migrations(engine)
        yield require("migrations", ", ".join(pending) + " lack" if pending else "at the newest", not pending, _MIGRATE)
        with engine.connect() as connection:
            yield _rights(connection, role)
    except SQLAlchemyError as error:
        remedy = f"Start the database, or mend the address and password of the role {role}"
        yield Finding("connection", str(getattr(error, "orig", None) or error), remedy)
    finally:
        engine.dispose()


def _version(connection: Connection) -> Finding:
    seen = str(connection.execute(text("SELECT VERSION()")).scalar_one())
    product = "MariaDB" if "mariadb" in seen.lower() else "MySQL"
    oldest = _OLDEST[product]
    numbers = re.match(r"(\d+)\.(\d+)", seen)
    new_enough = numbers is not None and (int(numbers[1]), int(numbers[2])) >= oldest
    return require("version", f"{product} {seen}", new_enough, f"At least {oldest[0]}.{oldest[1]} is needed: upgrade")


def _rights(connection: Connection, role: Role) -> Finding:
    user = connection.execute(text("SELECT CURRENT_USER()")).scalar_one()
    lacking = missing_rights(connection, role)
    seen = f"{user} lacks {', '.join(lacking)}" if lacking else f"{user} has those of the role {role}"
    return require("rights", seen, not lacking, f"Have the database's administrator grant the role {role} anew")
