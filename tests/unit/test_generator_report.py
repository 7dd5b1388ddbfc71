"""The report: what it judges, what it says, that it can be read again, and the picture."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from msgspec.structs import replace
from PIL import Image
from rich.console import Console
from typer.testing import CliRunner

from generator.__main__ import app
from generator.assemble import Findings, assemble
from generator.command import exit_code
from generator.ledger import MISSING
from generator.options import Options
from generator.orders import Kind
from generator.picture import draw
from generator.report import Report, ReportUnreadableError, encode_report, read_report, write_report
from generator.run import Sent
from generator.table import report_tables
from generator.tally import Columns, Counts, News
from settlement.orderid import order_id
from settlement.refusal import Refusal
from tests.unit.test_generator_settled import START, batch

ORDERS = 40
STARTED_US = round(START.timestamp()) * 1_000_000
ALL_BOUGHT = [Refusal.NONE] * ORDERS


def sent(kinds: Sequence[Kind] = (Kind.PLAIN,) * ORDERS, **counts: Any) -> Sent:
    """Return a run of orders at offsets 0, 1, .., due each 100 ms, acknowledged 3 ms after that."""
    run = Sent(started=START.timestamp())
    due = STARTED_US + np.arange(ORDERS) * 100_000
    ids = np.array([order_id(0, offset) for offset in range(ORDERS)], np.int64)
    accepted = Columns(ids, np.array(kinds, np.int8), due, due + 1_000, due + 3_000)
    everything = {"bad_rejected": 0, "good_rejected": 0, "gave_up": 0, "outcome_unknown": 0} | counts
    decided = sum(everything[name] for name in ("bad_rejected", "good_rejected", "gave_up", "outcome_unknown"))
    run.take(0, News(Counts(**{"sent": ORDERS + decided} | everything), accepted))
    return run


def judge(run: Sent, refusals: Sequence[int] = ALL_BOUGHT, problem: str = "") -> Report:
    """Return the report of a run that was settled in two batches, after 2 and after 4.1 seconds."""
    batches = [batch(1, (0, 0, 20), seconds=2), batch(2, (0, 20, ORDERS), seconds=4.1)]
    return assemble(Options(poison_share=0.1), 4, run, Findings(np.array(refusals, np.int8), batches, problem))


def shown(report: Report) -> str:
    """Return the tables as text."""
    console = Console(width=120, highlight=False)
    with console.capture() as captured:
        console.print(report_tables(report))
    return captured.get()


def test_a_good_run_is_told_in_full() -> None:
    """Counts, rates, latencies, series and steps follow from the orders and the batches."""
    report = judge(sent(bad_rejected=2, statuses=Counter({422: 2})))
    orders = report.orders
    assert (orders.sent, orders.accepted, orders.settled, orders.succeeded, orders.missing) == (42, 40, 40, 40, 0)
    assert report.rejections == {"422": 2}
    assert report.rates.accept_orders_per_second == pytest.approx(40 / 3.903, abs=0.1)
    assert report.rates.settle_orders_per_second == pytest.approx(20 / 2.1, abs=0.1)
    assert report.latency.accept is not None
    assert report.latency.request is not None
    assert report.latency.settle is not None
    assert (report.latency.accept.max_ms, report.latency.request.max_ms) == (3, 2)
    assert report.latency.settle.max_ms == 2_097  # due at 2.0 s, settled at 4.1 s
    assert sum(report.series.accepted) == sum(report.series.settled) == 40
    assert max(report.series.lag) == 20
    assert report.accepted_equals_settled
    assert exit_code(report) == 0
    assert "accepted 40 = settled 40" in shown(report)


def test_a_missing_result_fails_the_run() -> None:
    """One accepted order without a result: exit code 1, and the reason why nobody waited longer."""
    report = judge(sent(), [MISSING, *ALL_BOUGHT[1:]], problem="not all settled within 5 s")
    assert (report.orders.settled, report.orders.missing, report.accepted_equals_settled) == (39, 1, False)
    assert exit_code(report) == 1
    assert "1 accepted orders have no result: not all settled within 5 s" in shown(report)
    assert "accepted 40 ≠ settled 39" in shown(report)


def test_an_id_given_twice_fails_the_run() -> None:
    """Two acknowledgements with one id are one lost order, even if the ledger has a row for the id."""
    run = sent()
    run.accepted.columns.ids[1] = run.accepted.columns.ids[0]
    report = judge(run)
    assert report.orders.acknowledged_twice == 1
    assert not report.accepted_equals_settled
    assert exit_code(report) == 1


@pytest.mark.parametrize(("count", "said"), [("good_rejected", "without a fault"), ("bad_accepted", "malformed")])
def test_what_the_api_must_not_do_fails_the_run(count: str, said: str) -> None:
    """Valid orders rejected, or malformed ones accepted, are problems although all is settled."""
    counts: dict[str, Any] = {count: 3}
    report = judge(sent(**counts))
    assert report.accepted_equals_settled
    assert exit_code(report) == 1
    assert said in report.problems[0]


def test_poison_must_be_settled_as_malformed() -> None:
    """A malformed message that bought something is a problem, one refused as malformed is none."""
    kinds = [Kind.POISON, *[Kind.PLAIN] * (ORDERS - 1)]
    assert judge(sent(kinds), [Refusal.MALFORMED, *ALL_BOUGHT[1:]]).problems == []
    assert exit_code(judge(sent(kinds), ALL_BOUGHT)) == 1


def test_orders_not_taken_are_told_but_fail_nothing() -> None:
    """What was never accepted need not be settled: the API said no, and was heard."""
    report = judge(sent(gave_up=2, outcome_unknown=1))
    assert exit_code(report) == 0
    assert "not taken after all tries" in shown(report)
    assert "outcome unknown, not repeated" in shown(report)


def test_a_run_that_achieved_nothing_fails() -> None:
    """No order accepted is no success, although none waits for settlement."""
    run = Sent(started=START.timestamp())
    run.take(0, News(Counts(sent=5, gave_up=5), Columns(*np.zeros((5, 0), np.int64))))
    report = assemble(Options(), 4, run, Findings(np.array([], np.int8), []))
    assert exit_code(report) == 1


def test_without_waiting_nothing_is_claimed() -> None:
    """The report says that nobody looked, and the run is no failure."""
    report = assemble(Options(), 4, sent(), None)
    assert (report.verified, report.orders.settled, report.accepted_equals_settled) == (False, None, False)
    assert exit_code(report) == 0
    assert "settlement was not waited for" in shown(report)


def test_refusals_are_counted_by_reason() -> None:
    """Only reasons that occurred are named."""
    report = judge(sent(), [Refusal.DUPLICATE, Refusal.INSUFFICIENT_STOCK, *ALL_BOUGHT[2:]])
    assert report.refusals == {"insufficient_stock": 1, "duplicate": 1}
    assert report.orders.succeeded == 38


def test_a_report_can_be_read_again(tmp_path: Path) -> None:
    """The file gives back the same report, and the command shows it and draws its picture."""
    report = judge(sent(retries=1, faults={"no answer": "lost"}))
    write_report(report, tmp_path / "new" / "report.json")
    assert read_report(tmp_path / "new" / "report.json") == report
    drawn = tmp_path / "again.png"
    command = ["report", str(tmp_path / "new" / "report.json"), "--picture", str(drawn)]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0
    assert "accepted 40 = settled 40" in result.stdout
    assert drawn.exists()


@pytest.mark.parametrize("text", [b"no json", b"{}", b'{"format": 1}'])
def test_another_file_is_refused_by_name(tmp_path: Path, text: bytes) -> None:
    """What is no report is said to be none."""
    file = tmp_path / "other.json"
    file.write_bytes(text)
    with pytest.raises(ReportUnreadableError, match=r"other\.json is no report"):
        read_report(file)


def test_a_report_of_another_format_is_refused(tmp_path: Path) -> None:
    """A later format is named, not misread."""
    file = tmp_path / "report.json"
    file.write_bytes(encode_report(replace(judge(sent()), format=99)))
    with pytest.raises(ReportUnreadableError, match="format 99"):
        read_report(file)


def test_the_json_names_stay() -> None:
    """Other tools read these members; whoever renames one raises `format`."""
    document = msgspec.json.decode(encode_report(judge(sent())))
    assert set(document) >= {"run", "orders", "rates", "latency", "batches", "series", "problems", "format"}
    assert set(document["orders"]) >= {"sent", "accepted", "settled", "succeeded", "missing", "outcome_unknown"}
    assert set(document["latency"]) == {"accept", "request", "settle", "due_to_settled"}
    assert set(document["latency"]["settle"]) >= {"p50_ms", "p90_ms", "p99_ms", "p999_ms", "max_ms"}


@pytest.mark.parametrize("waited", [True, False])
def test_the_picture_is_drawn_of_every_run(tmp_path: Path, waited: bool) -> None:
    """A settled run and one that nobody waited for give a picture in which something is drawn."""
    report = judge(sent()) if waited else assemble(Options(bulk=100, rate=0), 4, sent(), None)
    draw(report, tmp_path / "report.png")
    with Image.open(tmp_path / "report.png") as image:
        assert image.width > 1_000
        assert len(image.convert("RGB").getcolors(1 << 20) or []) > 100


def test_the_picture_of_nothing_is_drawn_too(tmp_path: Path) -> None:
    """A run without one accepted order does not fail at its picture."""
    draw(assemble(Options(), 4, Sent(started=START.timestamp()), None), tmp_path / "report.png")
    assert (tmp_path / "report.png").stat().st_size > 10_000
