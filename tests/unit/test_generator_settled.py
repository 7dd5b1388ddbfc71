"""From batches to moments: which batch settled an order, when, and at what rate."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.accepted import AcceptedOrders
from generator.series import make_series
from generator.settled import UNSETTLED, batch_steps, settle_moments, settle_rate, settling_batches
from generator.tally import Columns
from settlement.batches import BatchRecord
from settlement.ledger import OffsetRange
from settlement.orderid import order_id

START = datetime(2026, 1, 1, tzinfo=UTC)


def batch(number: int, *ranges: tuple[int, int, int], seconds: float = 0, **changes: Any) -> BatchRecord:
    """Return a batch over (partition, start, end), committed so many seconds after START."""
    fields = {"orders": sum(end - start for _, start, end in ranges), "succeeded": 0, "malformed": 0, "rates_zxid": 1}
    steps = {"fetch_ms": 4.0, "decode_ms": 1.0, "decide_ms": 1.0, "write_ms": 8.0}
    parts = tuple(OffsetRange(*each) for each in ranges)
    committed_at = START + timedelta(seconds=seconds)
    return BatchRecord(number=number, committed_at=committed_at, ranges=parts, **fields | steps | changes)


def ids(*places: tuple[int, int]) -> Any:
    """Return the ids of orders at (partition, offset)."""
    return np.array([order_id(partition, offset) for partition, offset in places], np.int64)


def columns(order_ids: Any) -> Columns:
    """Return accepted orders with these ids."""
    times = np.zeros(len(order_ids), np.int64)
    return Columns(order_ids, np.zeros(len(order_ids), np.int8), times, times, times)


def test_an_order_belongs_to_the_batch_whose_range_holds_it() -> None:
    """Ranges include their start, not their end, and each partition has its own."""
    batches = [batch(7, (0, 10, 20), (1, 0, 5)), batch(8, (0, 20, 21), (1, 5, 5))]
    places = [(0, 9), (0, 10), (0, 19), (0, 20), (0, 21), (1, 0), (1, 4), (1, 5), (2, 10)]
    expected = [UNSETTLED, 0, 0, 1, UNSETTLED, 0, 0, UNSETTLED, UNSETTLED]
    assert settling_batches(ids(*places), batches).tolist() == expected


@given(
    st.lists(st.lists(st.integers(0, 6), min_size=3, max_size=3), max_size=6),
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 40)), max_size=40),
)
def test_batches_are_found_as_by_looking_at_each(sizes: list[list[int]], places: list[tuple[int, int]]) -> None:
    """The search over all ranges at once agrees with asking every range of every batch."""
    ends, batches = [0, 0, 0], []
    for number, counts in enumerate(sizes):
        ranges = [(part, ends[part], ends[part] + count) for part, count in enumerate(counts)]
        ends = [end for _, _, end in ranges]
        batches.append(batch(number, *ranges))
    expected = [
        next(
            (i for i, each in enumerate(batches) for r in each.ranges if r.partition == p and r.start <= o < r.end), -1
        )
        for p, o in places
    ]
    assert settling_batches(ids(*places), batches).tolist() == expected


def test_a_moment_is_the_commit_of_the_batch() -> None:
    """In epoch microseconds, as exact as the ledger's column; an unsettled order has none."""
    batches = [batch(1, seconds=0.000001), batch(2, seconds=3600)]
    moments = settle_moments(np.array([1, UNSETTLED, 0]), batches)
    begin = round(START.timestamp()) * 1_000_000
    assert moments.tolist() == [begin + 3_600_000_000, UNSETTLED, begin + 1]


def test_the_settle_rate_leaves_the_first_commit_out() -> None:
    """100 orders at second 0 and 30 each at seconds 1 and 2 are 30 orders/s, not 80."""
    moments = np.repeat([0, 1_000_000, 2_000_000, UNSETTLED], [100, 30, 30, 5])
    assert settle_rate(moments) == 30


def test_one_commit_has_no_rate() -> None:
    """Nothing can be said of a single moment, nor of none."""
    assert settle_rate(np.full(10, 5)) is None
    assert settle_rate(np.full(10, UNSETTLED)) is None


def test_the_steps_are_means_over_the_batches() -> None:
    """The busy rate leaves fetching out, because it overlaps."""
    steps = batch_steps([batch(1, (0, 0, 100)), batch(2, (0, 100, 400), write_ms=18.0)])
    assert steps is not None
    assert (steps.batches, steps.orders, steps.orders_mean, steps.orders_max) == (2, 400, 200, 300)
    assert (steps.fetch_ms_mean, steps.write_ms_mean) == (4, 13)
    assert steps.busy_orders_per_second == pytest.approx(400 / 0.030, abs=0.1)


def test_accepted_orders_are_counted_up_to_the_ledgers_positions() -> None:
    """An order is settled if its offset lies below its partition's position; no position means nothing was."""
    accepted = AcceptedOrders()
    accepted.append(columns(ids((0, 0), (0, 1), (0, 2), (1, 0), (1, 7), (5, 0))))
    assert accepted.count_below({0: 2, 1: 7}) == 3
    assert accepted.count_below({}) == 0


@given(st.lists(st.integers(0, 100_000), max_size=8))
def test_accepted_orders_grow_without_loss(sizes: list[int]) -> None:
    """Whatever the pieces, the columns hold them all in order."""
    accepted, all_ids = AcceptedOrders(), np.arange(sum(sizes))
    for piece in np.split(all_ids, np.cumsum(sizes)[:-1]) if sizes else []:
        accepted.append(columns(piece))
    assert np.array_equal(accepted.columns.ids, all_ids)
    assert len(accepted) == len(all_ids)


def test_the_series_counts_every_order_once() -> None:
    """Bins of 0.1 s; the lag at a bin's end is what was accepted and not yet settled by then."""
    acknowledged = np.array([0, 50_000, 120_000, 250_000]) + 1_000_000
    settled = np.array([140_000, 290_000, 290_000]) + 1_000_000
    series = make_series(1_000_000, acknowledged, np.append(settled, UNSETTLED))
    assert (series.bin_seconds, series.accepted, series.settled) == (0.1, [2, 1, 1], [0, 1, 2])
    assert series.lag == [2, 2, 1]


@given(st.integers(0, 400_000_000))
def test_a_series_of_any_length_stays_short(last: int) -> None:
    """However long the run, there are at most 150 bins, and the last event lies in the last one."""
    series = make_series(0, np.array([0, last]), np.array([], np.int64))
    assert 1 <= len(series.accepted) <= 151
    assert sum(series.accepted) == 2
    assert series.accepted[-1] >= 1
