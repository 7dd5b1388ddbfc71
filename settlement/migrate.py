"""Brings the ledger's schema to the newest step; running it again changes nothing."""

from importlib.resources import files

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine


def migrate(engine: Engine) -> None:
    """Run every migration that this database has not seen.

    Raises:
        sqlalchemy.exc.DBAPIError: the database refused a step; the message names the statement.
    """
    with engine.begin() as connection:
        command.upgrade(_config(connection), "head")


def pending_migrations(engine: Engine) -> list[str]:
    """Return what `migrate` would run, oldest first, as `number: title`; changes nothing.

    Raises:
        alembic.util.CommandError: the schema is newer than this program.
    """
    with engine.connect() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
        steps = ScriptDirectory.from_config(_config(connection)).iterate_revisions("head", current or "base")
        return [f"{step.revision}: {step.doc}" for step in steps][::-1]


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(files("settlement.migrations")))
    config.attributes["connection"] = connection
    return config
