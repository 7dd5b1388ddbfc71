"""What the commands share: connections that close, and failures that name what an operator can act upon."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, NoReturn

import typer

from settlement.settings import settings

if TYPE_CHECKING:
    from kazoo.client import KazooClient
    from sqlalchemy import Engine

_SILENCE_SECONDS_MAX: Final = 30


@contextmanager
def open_engine() -> Iterator["Engine"]:
    """Yield an engine on the ledger."""
    from settlement.database import create_database_engine

    url = settings().database_url.get_secret_value()
    engine = create_database_engine(url, silence_seconds_max=_SILENCE_SECONDS_MAX)
    try:
        with clear_errors():
            yield engine
    finally:
        engine.dispose()


@contextmanager
def open_zookeeper() -> Iterator["KazooClient"]:
    """Yield a started client."""
    from settlement.zookeeper import connect_zookeeper

    with clear_errors():
        client = connect_zookeeper(settings().zookeeper_hosts)
        try:
            yield client
        finally:
            client.stop()
            client.close()


@contextmanager
def clear_errors() -> Iterator[None]:
    """Say what an operator can act upon instead of a traceback, and exit with code 1."""
    try:
        yield
    except Exception as error:
        if isinstance(error, typer.Exit | typer.BadParameter):
            raise
        message = _message(error)
        if message is None:
            raise
        fail(message)


def fail(message: str) -> NoReturn:
    """Say why in red, and exit with code 1."""
    typer.secho(message, fg=typer.colors.RED, err=True)
    raise typer.Exit(1)


def _message(error: Exception) -> str | None:
    """Return what to say of an error that is not this program's own; None of one that is."""
    from kafka.errors import KafkaError
    from kazoo.exceptions import KazooException
    from kazoo.handlers.threading import KazooTimeoutError
    from sqlalchemy.exc import SQLAlchemyError

    from settlement.rate_refresh import PartialRefreshError
    from settlement.rates import RatesUnavailableError
    from settlement.topic import TopicUnfitError
    from settlement.watch import StandstillError

    if isinstance(error, SQLAlchemyError):
        return f"the database refused (KIWI_DATABASE_URL): {getattr(error, 'orig', None) or error}"
    if isinstance(error, KazooException | KazooTimeoutError):
        return f"ZooKeeper at KIWI_ZOOKEEPER_HOSTS={settings().zookeeper_hosts}: {type(error).__name__} {error}"
    if isinstance(error, KafkaError):
        return f"Kafka at KIWI_KAFKA_BOOTSTRAP={settings().kafka_bootstrap}: {type(error).__name__} {error}"
    named = (TopicUnfitError, PartialRefreshError, RatesUnavailableError, StandstillError)
    if isinstance(error, (ValueError, ArithmeticError, OSError, *named)):
        return str(error) or type(error).__name__
    return None
