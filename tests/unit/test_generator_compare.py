"""Two runs side by side: which one is the one before, and what is told of both."""

from pathlib import Path

import pytest
from msgspec.structs import replace
from typer.testing import CliRunner

from generator.__main__ import app
from generator.compare import Row, compare_reports, previous_report, to_markdown
from generator.report import Report, write_report
from tests.unit.test_generator_report import judge, sent


def at(minute: int) -> Report:
    """Return a report of a run that began at this minute, named after it."""
    report = judge(sent())
    return replace(
        report, run=replace(report.run, name=f"run{minute}", started_at=f"2026-01-01T00:{minute:02}:00+00:00")
    )


def write(folder: Path, *minutes: int) -> None:
    """Write reports into folders of their own."""
    for minute in minutes:
        write_report(at(minute), folder / str(minute) / "report.json")


def test_the_run_before_is_the_newest_older_one(tmp_path: Path) -> None:
    """Neither a later run, nor an unreadable report, nor this one itself."""
    write(tmp_path, 1, 7, 3, 9)
    (tmp_path / "6").mkdir()
    (tmp_path / "6" / "report.json").write_text("{")
    previous = previous_report(tmp_path / "7")
    assert previous is not None
    assert previous.run.name == "run3"
    assert previous_report(tmp_path / "1") is None


def test_figures_stand_side_by_side() -> None:
    """Each with its change; where one run lacks a figure there is none."""
    before = at(1)
    now = replace(
        at(2), rates=replace(before.rates, accept_orders_per_second=before.rates.accept_orders_per_second * 1.5)
    )
    rows = {row.name: row for row in compare_reports(now, before)}
    assert rows["accept orders per second"].change == "+50.0%"
    assert rows["orders accepted"].change == "+0.0%"
    assert {"accepted to settled, p99, ms", "sent to accepted, p50, ms", "write, ms a batch"} <= rows.keys()
    without = replace(now, latency=replace(now.latency, settle=None))
    assert [row.change for row in compare_reports(without, before) if row.name == "accepted to settled, max, ms"] == [
        "-"
    ]


@pytest.mark.parametrize(("now", "before", "change"), [(None, 1, "-"), (1, None, "-"), (5, 0, "-"), (1, 2, "-50.0%")])
def test_a_change_is_never_invented(now: float | None, before: float | None, change: str) -> None:
    """Nothing is divided by zero or by what is not known."""
    assert Row("figure", now, before).change == change


def test_another_load_is_pointed_out() -> None:
    """Figures of different loads do not compare without a word."""
    now = at(2)
    other = replace(now, run=replace(now.run, options=replace(now.run.options, rate=7)))
    assert "The load differed: rate 7" in to_markdown(other, at(1))
    assert "differed" not in to_markdown(now, at(1))


def test_the_command_writes_the_comparison(tmp_path: Path) -> None:
    """It lies in the run's folder and on the terminal; a first run says that it is one; no report is an error."""
    write(tmp_path, 1, 2)
    runner = CliRunner()
    shown = runner.invoke(app, ["compare", str(tmp_path / "2")])
    assert shown.exit_code == 0
    assert (tmp_path / "2" / "comparison.md").read_text() == shown.stdout
    assert "Compared with run run1" in shown.stdout
    assert "no earlier run" in runner.invoke(app, ["compare", str(tmp_path / "1")]).stdout
    assert runner.invoke(app, ["compare", str(tmp_path / "3")]).exit_code == 1
