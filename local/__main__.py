"""The local stack's command line: `python -m local --help`; the Makefile's targets call it."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import typer
from kafka.errors import KafkaError
from pydantic import ValidationError
from rich.console import Console
from sqlalchemy.exc import SQLAlchemyError

from local.home import LocalSettings, SetupError
from local.stack import Stack
from local.status import read_statuses, status_table
from settlement.topic import TopicUnfitError

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__)
console: Final = Console(highlight=False)
_NOT_RUNNING: Final = "the stack is not running; start it with `make up`"


@app.command()
def up() -> None:
    """Set up what is missing, and start the whole stack."""
    with _clear_errors():
        stack = Stack(LocalSettings())
        stack.up(report_step)
        console.print(f"Kiwi serves at [bold]{stack.connections().client_environment()['KIWI_API_URL']}[/bold]")


@app.command()
def down() -> None:
    """Stop everything that `up` started, and nothing else."""
    with _clear_errors():
        Stack(LocalSettings()).down()
    console.print("stopped")


@app.command()
def status() -> None:
    """Show each service, its health and its memory; exit code 1 if one is unhealthy."""
    with _clear_errors():
        stack = Stack(LocalSettings())
        statuses = read_statuses(stack)
        if not statuses:
            raise SetupError(_NOT_RUNNING)
        console.print(status_table(stack, statuses))
    if any(line.problem for line in statuses):
        raise typer.Exit(1)


@app.command()
def env() -> None:
    """Print what a client needs to join the running stack, as lines NAME=VALUE."""
    with _clear_errors():
        stack = Stack(LocalSettings())
        if not stack.supervisor.running():
            raise SetupError(_NOT_RUNNING)
        for name, value in stack.connections().client_environment().items():
            typer.echo(f"{name}={value}")


@app.command()
def clean() -> None:
    """Stop the stack and remove its data, logs and passwords; downloads stay."""
    with _clear_errors():
        Stack(LocalSettings()).clean()
    console.print("removed")


def report_step(step: str, seconds: float) -> None:
    """Print a finished step."""
    console.print(f"  [green]✓[/green] {step:<12} {seconds:6.1f} s")


@contextmanager
def _clear_errors() -> Iterator[None]:
    """Say what a person can act upon instead of a traceback, and exit with code 1."""
    try:
        yield
    except (SetupError, TopicUnfitError) as error:
        _fail(str(error))
    except ValidationError as error:
        _fail(f"a KIWI_* variable is wrong: {error}")
    except SQLAlchemyError as error:
        _fail(f"the database refused: {getattr(error, 'orig', None) or error}")
    except KafkaError as error:
        _fail(f"Kafka refused: {error!r}")


def _fail(message: str) -> None:
    typer.secho(message, fg=typer.colors.RED, err=True)
    raise typer.Exit(1)


if __name__ == "__main__":
    for chatty in ("kafka", "kazoo", "alembic"):
        logging.getLogger(chatty).setLevel(logging.CRITICAL)  # a probe of a server that is not there yet is no news
    app()
