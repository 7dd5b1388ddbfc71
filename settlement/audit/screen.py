"""The audit as an operator sees it: a progress bar while it runs, then tables, then the verdict."""

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from settlement.audit.report import AuditReport
from settlement.audit.run import audit
from settlement.settings import Settings


def audit_on_screen(settings: Settings, console: Console) -> AuditReport:
    """Run an audit under a progress bar and print what it found; raises what `audit` raises."""
    columns = (TextColumn("recomputing"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("recomputing", total=None)
        report = audit(settings, lambda done, total: bar.update(task, completed=done, total=total))
    print_report(report, console)
    return report


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
