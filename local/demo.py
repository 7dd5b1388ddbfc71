"""One pleasant run: everything up, something to sell, real orders, and an audit of all that was ever settled."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from rich.console import Console
from rich.progress import Progress

from local.connections import Connections
from local.home import PROJECT, SetupError
from local.stack import Stack
from local.status import read_statuses, status_table
from local.up import Report, bring_up
from settlement.audit import AuditReport, audit, print_report
from settlement.catalogue import restock_commodities, seed_commodities
from settlement.commodity_lists import generate
from settlement.database import create_database_engine
from settlement.queries import Turnover, read_turnover

_COMMODITIES: Final = 1_000
_UNITS_A_RUN: Final = 250
_RUN_SECONDS_MAX: Final = 900
# Twenty seconds at 1,000 orders/s, with what a shop meets: retries, mistakes, and articles that everybody wants.
_LOAD: Final = (
    *("--orders", "20000", "--rate", "1000", "--users", "2000", "--commodity-skew", "0.4"),
    *("--bad-share", "0.005", "--repeat-share", "0.01", "--unknown-share", "0.005"),
)


def run_demo(stack: Stack, console: Console, report: Report) -> bool:
    """Run it; return whether everything accepted is settled and the audit found no difference.

    Raises:
        SetupError: a step could not be done; the message says what is wrong.
    """
    began = time.monotonic()
    with _step(console, "1/4 Everything up"):
        bring_up(stack, report)
    connections = Connections.of(stack.home, stack.settings)
    with _step(console, "2/4 Something to sell"):
        console.print(f"  {_stock_up(connections)}")
    with _step(console, "3/4 Orders"):
        run = _send_orders(stack, connections)
        statuses = read_statuses(stack)
        console.print(status_table(stack, statuses))
    with _step(console, "4/4 Audit of the whole ledger"):
        found = _audit(connections)
        print_report(found, console)
    console.print(f"[bold]Done[/bold] in {time.monotonic() - began:.0f} s; the stack stays up until `make down`.\n")
    for line in _summary(run, _turnover(connections), found):
        console.print(line, soft_wrap=True)
    return bool(run["accepted_equals_settled"]) and not run["problems"] and not found.difference_count


@contextmanager
def _step(console: Console, title: str) -> Iterator[None]:
    began = time.monotonic()
    console.print(f"[bold cyan]{title}[/bold cyan]")
    yield
    console.print(f"  [dim]{time.monotonic() - began:.1f} s[/dim]\n")


def _stock_up(connections: Connections) -> str:
    """Add the commodities the first time, units to each at later runs; settlement goes on meanwhile."""
    wanted = generate(_COMMODITIES, _UNITS_A_RUN, seed=1)
    engine = create_database_engine(connections.settings("catalogue").database_url.get_secret_value(), pool_size=1)
    try:
        if added := seed_commodities(engine, wanted):
            return f"{len(added)} commodities with {_UNITS_A_RUN} units each, beside the original's four"
        restock_commodities(engine, dict.fromkeys((commodity.id for commodity in wanted), _UNITS_A_RUN))
        return f"{_UNITS_A_RUN} more units of {len(wanted)} commodities; the ledger goes on where it was"
    finally:
        engine.dispose()


def _send_orders(stack: Stack, connections: Connections) -> dict[str, Any]:
    """Run the generator, which shows its progress and its tables, and return its report."""
    stack.home.report.mkdir(exist_ok=True)
    file = stack.home.report / "report.json"
    file.unlink(missing_ok=True)
    command = [sys.executable, "-m", "generator", "run", *_LOAD, "--report-dir", str(stack.home.report)]
    environment = os.environ | connections.client_environment()
    done = subprocess.run(command, env=environment, cwd=PROJECT, timeout=_RUN_SECONDS_MAX, check=False)
    if not file.exists():
        raise SetupError(f"the generator ended with exit code {done.returncode}; its message stands above")
    report: dict[str, Any] = json.loads(file.read_bytes())
    return report


def _audit(connections: Connections) -> AuditReport:
    with Progress(transient=True) as bar:
        task = bar.add_task("  recomputing every order", total=None)
        return audit(connections.settings("read"), lambda done, total: bar.update(task, completed=done, total=total))


def _turnover(connections: Connections) -> Turnover:
    engine = create_database_engine(connections.settings("read").database_url.get_secret_value(), pool_size=1)
    try:
        with engine.connect() as connection:
            return read_turnover(connection)
    finally:
        engine.dispose()


def _summary(run: dict[str, Any], turnover: Turnover, found: AuditReport) -> list[str]:
    orders, latency = run["orders"], run["latency"]
    sign = "=" if run["accepted_equals_settled"] else "≠"
    paid = ", ".join(f"{amount:,} {code}" for code, amount in turnover.paid.items())
    lines = [
        f"accepted {orders['accepted']:,} {sign} settled {orders['settled']:,}",
        f"total {turnover.amount_cny:,} CNY over {turnover.orders:,} orders; paid {paid}",
    ]
    for name, key in (("sent to accepted", "request"), ("accepted to settled", "settle")):
        if values := latency[key]:
            shown = ", ".join(f"{part} {values[f'{part}_ms']:,.1f}" for part in ("p50", "p90", "p99", "max"))
            lines.append(f"{name}, ms: {shown}")
    return [*lines, found.verdict]
