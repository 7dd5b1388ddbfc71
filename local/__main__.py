"""The local stack's command line: `python -m local --help`; the Makefile's targets call it.

Each command imports what it needs when it runs, so that `down` does not wait for what only `up` uses.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Final, Literal

import typer
from pydantic import ValidationError
from rich.console import Console

from local.home import LocalSettings, SetupError
from local.stack import Stack

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__)
console: Final = Console(highlight=False)
_NOT_RUNNING: Final = "the stack is not running; start it with `make up`"


@app.command()
def up() -> None:
    """Set up what is missing, and start the whole stack."""
    from local.addresses import address_lines
    from local.airflow_home import AirflowHome
    from local.up import bring_up

    with _stack() as stack:
        first = not AirflowHome(stack.home).password_file.exists()
        bring_up(stack, report_step)
        for line in address_lines(stack, with_password=first):
            console.print(line, soft_wrap=True)


@app.command()
def down() -> None:
    """Stop everything that `up` started, and nothing else."""
    with _stack() as stack:
        stack.down()
    console.print("stopped")


@app.command()
def launch(
    batch_orders_max: Annotated[int | None, typer.Option(min=1, max=1_000_000, help="Largest micro-batch.")] = None,
    rates_age_seconds_max: Annotated[float | None, typer.Option(min=1, help="Older rates hold settlement.")] = None,
) -> None:
    """Have the settlement job run as wanted, and wait until it settles; without options as at the last launch."""
    from local.launch import launch as launch_job

    with _stack() as stack:
        console.print(f"settlement {launch_job(stack, batch_orders_max, rates_age_seconds_max)}", soft_wrap=True)


@app.command()
def suspend() -> None:
    """Stop the settlement job until the next launch."""
    from local.launch import suspend as suspend_job

    with _stack() as stack:
        console.print(f"settlement {suspend_job(stack)}")


@app.command()
def status() -> None:
    """Show each service, its health and its memory; exit code 1 if one is unhealthy."""
    from local.addresses import address_lines
    from local.status import read_statuses, status_table

    with _stack() as stack:
        statuses = read_statuses(stack)
        if not statuses:
            raise SetupError(_NOT_RUNNING)
        console.print(status_table(stack, statuses))
        for line in address_lines(stack, with_password=False):
            console.print(line, soft_wrap=True)
        if any(line.problem for line in statuses):
            raise typer.Exit(1)


@app.command()
def env(
    role: Annotated[
        Literal["read", "catalogue", "settle", "owner"], typer.Option(help="Whose rights in the database.")
    ] = "read",
) -> None:
    """Print what a client needs to join the running stack, as lines NAME=VALUE."""
    from local.airflow import airflow_url
    from local.connections import Connections

    with _stack() as stack:
        if not stack.supervisor.running():
            raise SetupError(_NOT_RUNNING)
        given = Connections.of(stack.home, stack.settings).client_environment(role)
        if stack.settings.airflow:
            given["KIWI_AIRFLOW_URL"] = airflow_url(stack.home)
        for name, value in given.items():
            typer.echo(f"{name}={value}")


@app.command()
def demo() -> None:
    """Bring everything up and, through Airflow, settle 20,000 orders and audit the ledger; exit code 1 = wrong."""
    from local.demo import run_demo

    with _stack() as stack:
        if not run_demo(stack, console, report_step):
            raise typer.Exit(1)


@app.command()
def clean() -> None:
    """Stop the stack and remove its data, logs and passwords; downloads stay."""
    with _stack() as stack:
        stack.clean()
    console.print("removed")


def report_step(step: str, seconds: float) -> None:
    """Print a finished step."""
    console.print(f"  [green]✓[/green] {step:<21} {seconds:6.1f} s")


@contextmanager
def _stack() -> Iterator[Stack]:
    """Say what a person can act upon instead of a traceback, and exit with code 1."""
    try:
        yield Stack(LocalSettings())
    except SetupError as error:
        _fail(str(error))
    except ValidationError as error:
        _fail(f"a KIWI_* variable is wrong: {error}")


def _fail(message: str) -> None:
    typer.secho(message, fg=typer.colors.RED, err=True)
    raise typer.Exit(1)


if __name__ == "__main__":
    for chatty in ("kafka", "kazoo", "alembic"):
        logging.getLogger(chatty).setLevel(logging.CRITICAL)  # a probe of a server that is not there yet is no news
    app()
