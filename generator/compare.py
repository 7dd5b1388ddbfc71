"""Two runs side by side: what a person asks first of a run that is not the first."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from generator.latency import Latency
from generator.report import Report, ReportUnreadableError, read_report

_UNKNOWN = "-"


@dataclass(frozen=True)
class Row:
    """One figure of this run and of the one before; None where a run does not have it."""

    name: str
    now: float | None
    before: float | None

    @property
    def change(self) -> str:
        """Return the change in percent, as text."""
        if self.now is None or not self.before:
            return _UNKNOWN
        return f"{(self.now - self.before) / self.before:+.1%}"


def previous_report(folder: Path) -> Report | None:
    """Return the newest readable report, older than this one, of the folders beside this one."""
    started_at = read_report(folder / "report.json").run.started_at
    older = []
    for file in folder.parent.glob("*/report.json"):
        if file.parent == folder:
            continue
        try:
            report = read_report(file)
        except (OSError, ReportUnreadableError):
            continue  # of another version, or being written
        if report.run.started_at < started_at:
            older.append(report)
    return max(older, key=lambda report: report.run.started_at, default=None)


def compare_reports(now: Report, before: Report) -> list[Row]:
    """Return the figures of both."""
    rows = [Row("orders accepted", now.orders.accepted, before.orders.accepted)]
    rows.append(Row("orders without a result", now.orders.missing, before.orders.missing))
    rows += [
        Row(name.replace("_", " "), getattr(now.rates, name), getattr(before.rates, name))
        for name in ("accept_orders_per_second", "settle_orders_per_second")
    ]
    for name, of_now, of_before in (
        ("sent to accepted", now.latency.request, before.latency.request),
        ("accepted to settled", now.latency.settle, before.latency.settle),
        ("due to settled", now.latency.due_to_settled, before.latency.due_to_settled),
    ):
        rows += _percentiles(name, of_now, of_before)
    if now.batches and before.batches:
        rows.append(Row("orders a batch", now.batches.orders_mean, before.batches.orders_mean))
        for step in ("fetch", "decode", "decide", "write"):
            name = f"{step}_ms_mean"
            rows.append(Row(f"{step}, ms a batch", getattr(now.batches, name), getattr(before.batches, name)))
    return rows


def to_markdown(now: Report, before: Report | None) -> str:
    """Return the comparison as a Markdown document."""
    title = f"# Run {now.run.name}, {now.run.started_at}\n\n"
    if before is None:
        return f"{title}There is no earlier run to compare with.\n"
    lines = [f"Compared with run {before.run.name}, {before.run.started_at}.\n", "| | this run | before | change |"]
    lines.append("|---|---:|---:|---:|")
    lines += [
        f"| {row.name} | {_text(row.now)} | {_text(row.before)} | {row.change} |"
        for row in compare_reports(now, before)
    ]
    differing = _differing_options(now, before)
    if differing:
        lines.append(f"\nThe load differed: {', '.join(differing)}.")
    return title + "\n".join(lines) + "\n"


def _differing_options(now: Report, before: Report) -> list[str]:
    was = msgspec.structs.asdict(before.run.options)
    asked = msgspec.structs.asdict(now.run.options)
    return [f"{name} {asked[name]} (before {was[name]})" for name in asked if asked[name] != was[name]]


def _percentiles(name: str, now: Latency | None, before: Latency | None) -> Iterator[Row]:
    for percentile in ("p50", "p99", "max"):
        of_now, of_before = (getattr(each, f"{percentile}_ms", None) for each in (now, before))
        yield Row(f"{name}, {percentile}, ms", of_now, of_before)


def _text(value: float | None) -> str:
    if value is None:
        return _UNKNOWN
    return f"{value:,.0f}" if value == int(value) or value >= 1_000 else f"{value:,.1f}"
