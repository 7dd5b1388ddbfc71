"""One pleasant run through Airflow: something to sell, rates, real orders, and an audit of the whole ledger."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from rich.console import Console
from sqlalchemy import text

from local.addresses import address_lines
from local.airflow import airflow_url
from local.airflow_client import AirflowClient, AirflowError
from local.airflow_home import USER, AirflowHome
from local.connections import Connections
from local.dag_runs import DagRuns
from local.home import SetupError
from local.stack import Stack
from local.status import read_statuses, status_table
from local.up import Report, bring_up
from local.verdict import count_differences, read_run, report_folder, verdict_lines
from settlement.database import create_database_engine
from settlement.queries import read_turnover

_DAGS: Final = (
    "provision_check",
    "seed_db",
    "restock",
    "refresh_fx",
    "launch_settlement",
    "watch_settlement",
    "benchmark",
    "audit_ledger",
)
_COMMODITIES: Final = 1_000
_UNITS_A_RUN: Final = 250
_STEP_SECONDS_MAX: Final = 300
_BENCHMARK_SECONDS_MAX: Final = 900
# Twenty seconds at 1,000 orders/s, with what a shop meets: retries, mistakes, and articles that everybody wants.
_LOAD: Final = {
    "orders": 20_000,
    "rate": 1_000,
    "users": 2_000,
    "commodity_skew": 0.4,
    "bad_share": 0.005,
    "repeat_share": 0.01,
    "unknown_share": 0.005,
}


def run_demo(stack: Stack, console: Console, report: Report) -> bool:
    """Run it; return whether everything accepted is settled, and the audit found no difference.

    Raises:
        SetupError: a step could not be done; the message says what is wrong.
    """
    if not stack.settings.airflow:
        raise SetupError("the demonstration runs through Airflow; leave KIWI_AIRFLOW unset")
    began = time.monotonic()
    first = not AirflowHome(stack.home).password_file.exists()
    with _step(console, "Everything up"):
        bring_up(stack, report)
    connections = Connections.of(stack.home, stack.settings)
    console.print("Follow the run in Airflow, too:")
    _print_addresses(stack, console, with_password=first)
    try:
        with AirflowClient(airflow_url(stack.home), USER, AirflowHome(stack.home).password) as client:
            run = _drive(stack, connections, DagRuns(client, console), console)
    except AirflowError as error:
        raise SetupError(str(error)) from error
    console.print(status_table(stack, read_statuses(stack)))
    console.print(f"[bold]Done[/bold] in {time.monotonic() - began:.0f} s; the stack stays up until `make down`.\n")
    for line in verdict_lines(run, connections):
        console.print(line, soft_wrap=True)
    console.print()
    _print_addresses(stack, console, with_password=False)
    return bool(run["accepted_equals_settled"]) and not run["problems"] and not count_differences(connections)


def _drive(stack: Stack, connections: Connections, runs: DagRuns, console: Console) -> dict[str, Any]:
    """Trigger one DAG after the other; return the benchmark's report."""

    def step(title: str, dag_id: str, conf: dict[str, Any], **given: Any) -> str:
        with _step(console, title, dag_id):
            return runs.run(dag_id, conf, **{"seconds_max": _STEP_SECONDS_MAX} | given)

    with _step(console, "DAGs"):
        runs.await_dags(_DAGS)
    step("Is everything there?", "provision_check", {})
    if _has_commodities(connections):
        step("More to sell", "restock", {"units": _UNITS_A_RUN, "all_commodities": True})
    else:
        seed = {"number": _COMMODITIES, "stock": _UNITS_A_RUN, "seed": 1, "dry_run": False}
        step("Something to sell", "seed_db", seed)
    step("Rates, each minute from now on", "refresh_fx", {})
    step("Settlement", "launch_settlement", {})
    runs.unpause("watch_settlement")
    settled = _settled_count(connections)
    run_id = step("Orders", "benchmark", _LOAD, seconds_max=_BENCHMARK_SECONDS_MAX, remark=settled)
    step("Audit of the whole ledger", "audit_ledger", {})
    return read_run(report_folder(stack.home.report, run_id))


def _has_commodities(connections: Connections) -> bool:
    """Return whether an earlier run has seeded them."""
    with _reading(connections) as connection:
        return bool(connection.execute(text("SELECT COUNT(*) FROM commodity")).scalar_one() >= _COMMODITIES)


def _settled_count(connections: Connections) -> Callable[[], str]:
    """Return what tells how many orders have been settled since now."""

    def settled() -> int:
        with _reading(connections) as connection:
            return read_turnover(connection).orders

    before = settled()
    return lambda: f"{settled() - before:,} orders settled"


@contextmanager
def _reading(connections: Connections) -> Iterator[Any]:
    engine = create_database_engine(connections.settings("read").database_url.get_secret_value(), pool_size=1)
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


@contextmanager
def _step(console: Console, title: str, dag_id: str = "") -> Iterator[None]:
    began = time.monotonic()
    console.print(f"[bold cyan]{title}[/bold cyan]" + (f" [dim]({dag_id})[/dim]" if dag_id else ""))
    yield
    console.print(f"  [dim]{time.monotonic() - began:.1f} s[/dim]\n")


def _print_addresses(stack: Stack, console: Console, *, with_password: bool) -> None:
    for line in address_lines(stack, with_password=with_password):
        console.print(f"  {line}", soft_wrap=True)
    console.print()
