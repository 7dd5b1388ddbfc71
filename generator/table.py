"""The report as tables on the terminal."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from generator.latency import Latency
from generator.report import Report

_UNKNOWN = "-"


def report_tables(report: Report) -> RenderableType:
    """Return what a person wants to know of a run."""
    return Group(_facts(report), _latency(report), _outcomes(report), *_steps(report), _verdict(report))


def _facts(report: Report) -> Table:
    orders, rates = report.orders, report.rates
    table = _table(f"Run {report.run.name}, {report.run.started_at}", "", "")
    table.add_row("orders sent", f"{orders.sent:,} in {report.run.sending_seconds:,.1f} s")
    offered = rates.offered_orders_per_second
    table.add_row("offered", _rate(offered) if offered else "as fast as possible")
    table.add_row("accepted", f"{orders.accepted:,}, {_rate(rates.accept_orders_per_second)}")
    if report.verified:
        settled_rate = f"{_rate(rates.settle_orders_per_second)} from first to last commit"
        table.add_row("settled", f"{orders.settled:,}, {settled_rate}")
    return table


def _latency(report: Report) -> Table:
    table = _table("Latency, ms", "", "p50", "p90", "p99", "p99.9", "max")
    latency = report.latency
    for name, each in (
        ("due to accepted", latency.accept),
        ("sent to accepted", latency.request),
        ("accepted to settled", latency.settle),
        ("due to settled", latency.due_to_settled),
    ):
        if each:
            table.add_row(name, *map(_ms, _values(each)))
    return table


def _values(latency: Latency) -> tuple[float, ...]:
    return latency.p50_ms, latency.p90_ms, latency.p99_ms, latency.p999_ms, latency.max_ms


def _outcomes(report: Report) -> Table:
    orders = report.orders
    table = _table("What became of the orders", "", "orders")
    rows: list[tuple[str, int | None]] = [("settled: bought", orders.succeeded)]
    rows += [(f"settled: refused, {reason.replace('_', ' ')}", count) for reason, count in report.refusals.items()]
    rows += [(f"rejected by the API, status {status}", count) for status, count in report.rejections.items()]
    rows += [("not taken after all tries", orders.gave_up), ("outcome unknown, not repeated", orders.outcome_unknown)]
    rows += [("tries repeated", orders.retries)]
    for name, count in rows:
        if count:
            table.add_row(name, f"{count:,}")
    return table


def _steps(report: Report) -> list[Table]:
    steps = report.batches
    if steps is None:
        return []
    table = _table("A batch, mean", "orders", "fetch ms", "decode ms", "decide ms", "write ms", "batches")
    table.add_row(
        f"{steps.orders_mean:,.0f}",
        *map(_ms, (steps.fetch_ms_mean, steps.decode_ms_mean, steps.decide_ms_mean, steps.write_ms_mean)),
        f"{steps.batches:,}",
    )
    return [table]


def _verdict(report: Report) -> Text:
    orders = report.orders
    verdict = Text()
    for name, remark in report.remarks.items():
        verdict.append(f"{name}: {remark}\n", style="yellow")
    for problem in report.problems:
        verdict.append(f"{problem}\n", style="bold red")
    if not report.verified:
        return verdict.append(f"accepted {orders.accepted:,}; settlement was not waited for", style="bold")
    sign, style = ("=", "bold green") if report.accepted_equals_settled else ("≠", "bold red")
    return verdict.append(f"accepted {orders.accepted:,} {sign} settled {orders.settled:,}", style=style)


def _table(title: str, first: str, *others: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", show_header=any((first, *others)))
    table.add_column(first)
    for name in others:
        table.add_column(name, justify="right")
    return table


def _rate(value: float | None) -> str:
    return _UNKNOWN if value is None else f"{value:,.0f} orders/s"


def _ms(value: float) -> str:
    return f"{value:,.2f}" if value < 10 else f"{value:,.1f}" if value < 100 else f"{value:,.0f}"
