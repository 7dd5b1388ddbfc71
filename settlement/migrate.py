"""Brings the ledger's schema to the newest step; running it again changes nothing."""

from importlib.resources import files

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine


def migrate(engine: Engine) -> None:
    """Run every migration that this database has not seen.

    Raises:
        sqlalchemy.exc.DBAPIError: the database refused a step; the message names the statement.
    """
    with engine.begin() as connection:
        command.upgrade(_config(connection), "head")


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(files("settlement.migrations")))
    config.attributes["connection"] = connection
    return config
