"""The live page's arithmetic and words, without a server."""

from pathlib import Path

import pytest

from plugins.live_page_app import clock
from plugins.live_page_app.latency import approximate
from plugins.live_page_app.recent_batches import RecentBatch, settled_at
from plugins.live_page_app.refusal_counts import WINDOW_ORDERS, last_offsets
from plugins.live_page_app.report_store import ReportStore
from plugins.live_page_app.verdict import judge
from settlement.status import State, Status

NOW_MS = 1_700_000_003_000


def batch(number: int, orders: int, committed_ms: float, oldest_ms: int | None = None) -> RecentBatch:
    """Return a batch whose messages all came at one moment."""
    return RecentBatch(number, orders, orders, 0, 1.0, 1.0, 1.0, 1.0, committed_ms, oldest_ms, oldest_ms)


def test_edges_are_over_and_shared_by_every_reader() -> None:
    """Edges lie on whole multiples, at least a second in the past."""
    edges = clock.edges(NOW_MS)
    assert len(edges) == clock.BINS + 1
    assert all(edge % 5000 == 0 for edge in edges)
    assert 1000 <= NOW_MS - edges[-1] < 6000
    assert clock.edges(NOW_MS + 1) == edges


def test_rates_come_from_running_counts() -> None:
    """A bin is known when both of its edges are."""
    assert clock.per_second([None, 10, 20, 70]) == [None, 2.0, 10.0]


def test_settled_counts_go_backwards_from_the_newest() -> None:
    """Before the oldest known batch nothing is claimed, unless it is the first of all."""
    batches = [batch(7, 5, 100), batch(8, 10, 200), batch(9, 20, 300)]
    assert settled_at([50, 100, 250, 300], batches, 1000) == [None, 970, 980, 1000]
    assert settled_at([50, 150], [batch(1, 5, 100)], 5) == [0, 5]
    assert settled_at([50], [], 0) == [0]


def test_latency_weighs_batches_by_their_orders() -> None:
    """99 orders that waited 10 ms and one that waited 500."""
    found = approximate([batch(1, 990, 1010, 1000), batch(2, 10, 1500, 1000), batch(3, 50, 9999)])
    assert found is not None
    assert (found.p50_ms, found.p99_ms, found.orders, found.batches) == (10, 10, 1000, 2)
    assert approximate([batch(3, 50, 9999)]) is None


def test_the_window_of_refusals_is_bounded() -> None:
    """Equal partitions share one range; unequal ones have their own."""
    share = WINDOW_ORDERS // 2
    assert last_offsets({0: 10**9, 1: 10**9 - 5}) == [(10**9 - 5 - share, 10**9)]
    assert last_offsets({0: 10**9, 1: 3}) == [(0, 3), (10**9 - share, 10**9)]
    assert last_offsets({}) == []


@pytest.mark.parametrize(
    ("state", "age_ms", "health", "words"),
    [
        ("settling", 900, "settling", "Every accepted order is settled."),
        ("settling", 30_000, "silent", "heartbeat has stopped"),
        ("holding", 900, "holding", "The rate of JPY is old. It goes on by itself."),
        ("halted", 900, "halted", "The rate of JPY is old. It is not restarted by itself."),
        ("halted", 10**9, "halted", "not restarted"),
    ],
)
def test_the_verdict_is_in_words(state: State, age_ms: int, health: str, words: str) -> None:
    """Each state says why, and what becomes of it."""
    detail = "" if state == "settling" else "the rate of JPY is old"
    found = judge(Status(state, "driver", 3, detail, NOW_MS - age_ms), 0, NOW_MS)
    assert found.health == health
    assert words in found.words


@pytest.mark.parametrize("name", ["..", ".", "", ".hidden", "a/b", "..\\secret", "a\0b", "link", "missing"])
def test_reports_lie_in_their_folder_or_nowhere(tmp_path: Path, name: str) -> None:
    """No name, and no link, leads out of it."""
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "report.json").write_text("{}")
    home = tmp_path / "reports"
    (home / "run").mkdir(parents=True)
    (home / "run" / "report.txt").write_text("fine")
    (home / "link").symlink_to(tmp_path / "secret")
    (home / "run" / "link").symlink_to(tmp_path / "secret" / "report.json")
    (home / "run" / ".hidden").write_text("no")
    store = ReportStore(home)
    assert store.run(name) is None
    assert store.file("run", name) is None
    assert store.file(name, "report.json") is None
    assert [run.name for run in store.runs()] == ["run"]
    assert store.runs()[0].files == ["report.txt"]
    assert store.file("run", "report.txt") == home / "run" / "report.txt"
