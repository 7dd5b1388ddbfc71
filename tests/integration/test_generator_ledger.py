"""What the generator and others read of a real ledger: batches, positions, and what became of orders."""

from datetime import UTC, datetime, timedelta

import numpy as np
from sqlalchemy import Engine, text

from generator.accepted import AcceptedOrders
from generator.drain import Drain, SettledCount, await_drain
from generator.ledger import MISSING, Ledger
from generator.tally import Columns
from settlement.batches import read_batches
from settlement.database import create_database_engine
from settlement.orderid import order_id
from settlement.refusal import Refusal
from tests.integration.settling import Bench, order_text


def test_batches_are_read_from_where_one_stands(bench: Bench) -> None:
    """Three batches, read two and one: numbers, sizes, ranges, steps, and the moment of the commit in UTC."""
    order = order_text(7, "CNY", [(1, 1)])
    for values in ([order], [order, b"no order"], [order] * 3):
        bench.feed(*values)
    with bench.engine.connect() as connection:
        first = read_batches(connection, after=0, most=2)
        rest = read_batches(connection, after=first[-1].number)
        assert read_batches(connection, after=rest[-1].number) == []
    batches = first + rest
    assert [(b.number, b.orders, b.succeeded, b.malformed) for b in batches] == [
        (1, 1, 1, 0),
        (2, 2, 1, 1),
        (3, 3, 3, 0),
    ]
    assert [[(r.partition, r.start, r.end) for r in b.ranges] for b in batches] == [
        [(0, 0, 1)],
        [(0, 1, 3)],
        [(0, 3, 6)],
    ]
    assert all(abs(datetime.now(UTC) - b.committed_at) < timedelta(minutes=5) for b in batches)
    assert all(b.write_ms > 0 and b.rates_zxid > 0 for b in batches)
    assert Ledger(bench.engine).batches(1) == batches[1:]


def test_every_order_is_looked_up_by_its_id(bench: Bench) -> None:
    """Each result at the place of its id, whatever the chunks, and `MISSING` where there is none."""
    repeated = order_text(7, "CNY", [(2, 1)], key="k")
    kinds = [order_text(7, "CNY", [(1, 1)]), b"no order", order_text(7, "CNY", [(99, 1)]), repeated, repeated]
    kinds += [order_text(7, "JPY", [(3, 800)])]
    bench.feed(*kinds, *[kinds[0]] * 2_000)
    known = [order_id(0, offset) for offset in range(2_006)]
    absent = [order_id(1, offset) for offset in range(0, 2_000, 7)]
    ids = np.sort(np.array(known + absent, np.int64))
    found = dict(zip(ids.tolist(), np.concatenate(list(Ledger(bench.engine).refusals(ids))).tolist(), strict=True))
    assert {found[each] for each in absent} == {MISSING}
    expected = [Refusal.NONE, Refusal.MALFORMED, Refusal.UNKNOWN_COMMODITY, Refusal.NONE, Refusal.DUPLICATE]
    assert [found[each] for each in known[:6]] == [*expected, Refusal.INSUFFICIENT_STOCK]
    sold = [found[each] for each in known[6:]]
    assert sold == [Refusal.NONE] * 122 + [Refusal.INSUFFICIENT_STOCK] * 1_878  # stock of 1 is 123


def test_the_ledger_tells_its_catalogue_and_where_it_stands(bench: Bench) -> None:
    """Ids in order, the last batch's number, and the first unsettled offset of each partition."""
    ledger = Ledger(bench.engine)
    assert ledger.commodities().tolist() == [1, 2, 3, 4]
    assert (ledger.batch_number(), ledger.positions()) == (0, {})
    bench.feed(b"no order", b"no order")
    assert (ledger.batch_number(), ledger.positions()) == (1, {0: 2})


def test_a_reader_needs_no_more_than_to_read(bench: Bench) -> None:
    """No statement of the generator writes: they all pass in a transaction that may only read."""
    bench.feed(order_text(7, "CNY", [(1, 1)]))
    with bench.engine.connect() as connection:
        connection.execute(text("SET SESSION TRANSACTION READ ONLY"))
        connection.commit()
        assert len(read_batches(connection, after=0)) == 1


def accepted_orders(number: int) -> AcceptedOrders:
    """Return orders accepted at the first offsets of partition 0."""
    accepted, times = AcceptedOrders(), np.zeros(number, np.int64)
    ids = np.array([order_id(0, offset) for offset in range(number)], np.int64)
    accepted.append(Columns(ids, np.zeros(number, np.int8), times, times, times))
    return accepted


def drain(accepted: AcceptedOrders, ledger: Ledger, shown: list[str], stop_after: int) -> Drain:
    """Wait for settlement, but only for so many looks."""
    return await_drain(
        accepted,
        SettledCount(ledger),
        seconds_max=60,
        describe=lambda: "nobody settles",
        show=lambda settled, number, remark: shown.append(f"{settled}/{number} {remark}"),
        stopping=lambda: len(shown) >= stop_after,
    )


def test_the_drain_ends_when_the_ledger_has_passed_every_order(bench: Bench) -> None:
    """Three orders are settled: two accepted ones are waited for no longer, four are until someone stops it."""
    bench.feed(b"no order", b"no order", b"no order")
    assert drain(accepted_orders(2), Ledger(bench.engine), [], stop_after=5) == Drain(2)
    assert drain(accepted_orders(4), Ledger(bench.engine), [], stop_after=2).problem == "the waiting was ended by hand"


def test_a_ledger_that_is_away_is_waited_for(engine: Engine) -> None:
    """The count stays where it was, and the fault names the variable."""
    count = SettledCount(Ledger(create_database_engine(engine.url.set(port=1))))
    assert count.read(accepted_orders(3)) == 0
    assert "KIWI_DATABASE_URL" in count.fault
