"""The audit as an operator sees it: tables of what was read and what differs, then the verdict."""

from rich.console import Console
from rich.table import Table
from rich.text import Text

from settlement.audit.report import AuditReport


def print_report(report: AuditReport, console: Console) -> None:
    """Print counts, notes, the kept differences, and the verdict as the bare last line."""
    counts = Table("read and recomputed", "", title="Audit", title_justify="left")
    counts.columns[1].justify = "right"
    for name, count in report.counts.items():
        counts.add_row(name, f"{count:,}")
    counts.add_row("seconds", f"{report.seconds:,.1f}")
    console.print(counts)
    for note in report.notes:
        console.print(f"note: {note}", markup=False, highlight=False)
    if report.differences:
        console.print(_differences(report))
    console.print(report.verdict, markup=False, highlight=False)


def _differences(report: AuditReport) -> Table:
    hidden = report.difference_count - len(report.differences)
    caption = f"{hidden:,} more are not shown" if hidden else None
    table = Table("what", "where", "expected", "found", title="Differences", title_justify="left", caption=caption)
    for difference in report.differences:
        cells = (difference.what, difference.where, difference.expected, difference.found)
        table.add_row(*map(Text, cells))
    return table
