"""What went wrong in the public implementations of this system, each defect as a test that ours does not have it.

The numbers are those of the list of pitfalls. The faults of ingest (1 to 7) are tested with the API, those of locks
(19 to 22) beside this file, those of speed (23 and 24) by measurement.
"""

from decimal import Decimal
from threading import Event, Thread

import pytest
from kazoo.client import KazooClient
from sqlalchemy import Connection, Engine, event, text

from jobs.cursor import LogCursor
from jobs.decode import decode
from settlement.audit import audit
from settlement.catalogue import SAMPLE, Commodity, restock_commodities, seed_commodities
from settlement.currency import Currency
from settlement.migrate import migrate
from settlement.rate_store import write_rates
from settlement.settings import Settings
from settlement.zookeeper import TOTAL_PATH
from tests.integration.settling import Bench, messages, open_shop, order_text
from tests.integration.topic_run import TopicRun

ORDERS = (
    order_text(123456, "CNY", [(1, 2), (3, 1)], key="k1"),
    order_text(7777, "CNY", [(1, 8), (2, 5), (3, 8)]),
    order_text(8888, "USD", [(4, 5)]),
    order_text(6666, "JPY", [(3, 800)]),
    order_text(4444, "EUR", [(1, 1)]),
    order_text(123456, "CNY", [(1, 2), (3, 1)], key="k1"),
)
STORED = ("result", "commodity", "head", "total", "log_position", "batch_range", "idempotency_key", "catalogue_change")


@pytest.fixture
def run(engine: Engine, zookeeper: KazooClient, app_settings: Settings) -> TopicRun:
    """The original's shop, open, with a settler fed from a real topic."""
    open_shop(engine, zookeeper)
    return TopicRun(engine, zookeeper, app_settings)


def everything(engine: Engine) -> dict[str, list[tuple[object, ...]]]:
    """Return all that the ledger holds."""
    with engine.connect() as connection:
        return {name: [tuple(row) for row in connection.execute(text(f"SELECT * FROM {name}"))] for name in STORED}


def test_pitfall_8_lines_of_one_commodity_count_together(bench: Bench) -> None:
    """Stock 123, lines 100 and 100: refused, and the stock is as before."""
    bench.feed(order_text(1, "CNY", [(1, 100), (1, 100)]))
    assert bench.rows("SELECT success, paid, reason FROM result") == [(0, 0, "insufficient_stock")]
    assert bench.inventory(1) == 123


@pytest.mark.parametrize("number", ["-50", "0", "1.5", "1e2", "99999999999999999999", '"x"', "null", "true"])
def test_pitfall_9_odd_numbers_neither_sell_nor_restock(bench: Bench, number: str) -> None:
    """Even past the API, straight into the topic, such a number is a malformed order that moves nothing."""
    line = f'{{"id":1,"number":{number}}}'
    odd = f'{{"user_id":1,"initiator":"CNY","time":1,"items":[{line}]}}'
    bench.feed(odd.encode(), ORDERS[4])
    assert bench.rows("SELECT success, paid, reason FROM result ORDER BY id") == [
        (0, 0, "malformed"),
        (1, Decimal("88.00"), None),
    ]
    assert bench.inventory(1) == 122


def test_pitfall_10_a_restart_settles_nothing_again(run: TopicRun) -> None:
    """A driver that starts anew, without any memory of its own, begins where the ledger ends."""
    run.send(ORDERS)
    run.settle(token=1)
    settled = everything(run.engine)
    run.settle(token=2)
    settled["head"] = [
        tuple(2 if value == 1 and place == 2 else value for place, value in enumerate(settled["head"][0]))
    ]
    assert everything(run.engine) == settled
    assert audit(run.settings).difference_count == 0


@pytest.mark.parametrize(
    "table", ["head", "commodity", "idempotency_key", "log_position", "total", "batch ", "batch_range"]
)
def test_pitfall_10_a_crash_inside_the_transaction_leaves_nothing(run: TopicRun, table: str) -> None:
    """Whichever statement a driver dies at, neither offsets nor results nor stock are ahead of each other."""
    run.send(ORDERS)
    before = everything(run.engine)

    def crash(_connection: Connection, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith(("UPDATE", "INSERT")) and f" {table}" in statement and "topic_id" not in statement:
            raise KeyboardInterrupt

    event.listen(run.engine, "before_cursor_execute", crash)
    with pytest.raises(KeyboardInterrupt):
        run.settle()
    event.remove(run.engine, "before_cursor_execute", crash)
    after = everything(run.engine)
    claimed = {"head": after.pop("head"), "before": before.pop("head")}
    assert after == before
    assert (claimed["head"][0][1], claimed["before"][0][1]) == (0, 0)
    run.settle(token=2)
    assert audit(run.settings).difference_count == 0
    assert len(everything(run.engine)["result"]) == len(ORDERS)


def test_pitfall_11_a_batch_handed_over_twice_is_settled_once(bench: Bench) -> None:
    """Spark promises at least once; the second time, nothing of the batch is left to settle."""
    cursor = LogCursor({})
    table = messages(ORDERS)
    handed_over = [cursor.advance(table) for _ in range(2)]
    assert [len(ranges) for _, ranges in handed_over] == [1, 0]
    assert [len(decode(fresh).orders.ids) for fresh, _ in handed_over] == [len(ORDERS), 0]


def test_pitfall_12_failed_orders_consume_no_stock(bench: Bench) -> None:
    """The earlier lines of an order that falls short at its last are all still there."""
    bench.feed(order_text(1, "CNY", [(1, 100), (2, 700), (3, 667)]), order_text(2, "CNY", [(1, 123), (2, 789)]))
    assert bench.rows("SELECT success FROM result ORDER BY id") == [(0,), (1,)]
    assert [bench.inventory(commodity) for commodity in (1, 2, 3)] == [0, 0, 666]


def test_pitfall_13_poison_does_not_stop_the_stream(bench: Bench) -> None:
    """An unknown commodity, an unknown currency and plain rubbish are refused, each alone, and the rest goes on."""
    unknown_currency = b'{"user_id":1,"initiator":"GBP","time":1,"items":[{"id":1,"number":1}]}'
    bench.feed(order_text(1, "CNY", [(1, 5), (99, 1)]), unknown_currency, b"\xff\xfe", None, ORDERS[4])
    bench.feed(ORDERS[2])
    assert bench.rows("SELECT success, reason FROM result ORDER BY id") == [
        (0, "unknown_commodity"),
        (0, "malformed"),
        (0, "malformed"),
        (0, "malformed"),
        (1, None),
        (1, None),
    ]
    assert bench.inventory(1) == 122


@pytest.mark.parametrize("rate", [b"", b"0", b"0.0", b"-2", b"nan", b"inf", b"1e999999", b"JYP", b"\xff", b"10001"])
def test_pitfall_14_a_bad_rate_prices_nothing(bench: Bench, zookeeper: KazooClient, rate: bytes) -> None:
    """Goods are never free or infinitely dear: settlement holds until all four rates are good."""
    transaction = zookeeper.transaction()
    for path in ("/kiwi/CNY", "/kiwi/USD", "/kiwi/JPY", "/kiwi/EUR", "/kiwi/rates"):
        transaction.set_data(path, rate if path == "/kiwi/JPY" else zookeeper.get(path)[0])
    transaction.commit()
    settling = Thread(target=bench.feed, args=ORDERS, daemon=True)
    settling.start()
    while not bench.holds:
        settling.join(0.01)
        assert settling.is_alive()
    assert bench.rows("SELECT batch, orders FROM head") == [(0, 0)]
    write_rates(zookeeper, dict.fromkeys(Currency, (2_000_000, 10**15)), "test")
    settling.join(30)
    assert bench.rows("SELECT DISTINCT rate_jpy FROM batch") == [(Decimal(2),)]


def test_pitfall_14_rates_do_not_change_in_mid_batch(run: TopicRun) -> None:
    """While rates change all the time, each batch has one snapshot that was written as a whole."""
    refreshing = Event()

    def refresh() -> None:
        rate = 1_000_000
        while not refreshing.is_set():
            rate += 1
            write_rates(run.zookeeper, dict.fromkeys(Currency, (rate, 10**15)), "test")

    run.send(ORDERS * 20)
    thread = Thread(target=refresh)
    thread.start()
    try:
        run.settle(batch_orders=5)
    finally:
        refreshing.set()
        thread.join()
    with run.engine.connect() as connection:
        snapshots = connection.execute(text("SELECT rate_cny, rate_usd, rate_jpy, rate_eur FROM batch")).all()
    assert len(set(snapshots)) > 1
    assert all(len(set(snapshot)) == 1 for snapshot in snapshots)
    assert audit(run.settings).difference_count == 0


def test_pitfall_15_the_total_is_the_ledgers(run: TopicRun) -> None:
    """Head, totals, batches and results add up to the same amount, which ZooKeeper shows."""
    run.send(ORDERS * 10)
    run.settle(batch_orders=7)
    with run.engine.connect() as connection:
        head, batches, paid, totals = (
            connection.execute(text(query)).scalar_one()
            for query in (
                "SELECT amount_cny FROM head",
                "SELECT SUM(amount_cny) FROM batch",
                "SELECT SUM(paid) FROM result",
                "SELECT SUM(paid) FROM total",
            )
        )
    assert (head, paid) == (batches, totals)
    assert run.zookeeper.get(TOTAL_PATH)[0].decode() == f"{head:.2f}"


def test_pitfall_16_money_is_exact_beyond_floating_point(engine: Engine, bench: Bench) -> None:
    """An amount beyond 2^53 fen, and one that binary fractions cannot hold, are stored to the fen."""
    seed_commodities(
        engine,
        [
            Commodity(10, "dear", Decimal("90071992.55"), Currency.CNY, 10**9),
            Commodity(11, "cheap", Decimal("0.10"), Currency.CNY, 10**9),
        ],
    )
    bench.feed(order_text(1, "CNY", [(10, 1_000_000), (10, 1)]), order_text(2, "CNY", [(11, 3)]))
    assert bench.rows("SELECT paid FROM result ORDER BY id") == [(Decimal("90072082621992.55"),), (Decimal("0.30"),)]
    assert bench.rows("SELECT amount_cny FROM head") == [(Decimal("90072082621992.85000000"),)]


def test_pitfall_17_a_restart_keeps_results_and_totals(run: TopicRun) -> None:
    """Migrating, seeding and starting again leave every table as it was."""
    run.send(ORDERS)
    run.settle()
    before = everything(run.engine)
    migrate(run.engine)
    seed_commodities(run.engine, SAMPLE)
    run.settle()
    assert everything(run.engine) == before


def test_pitfall_18_only_what_was_sold_is_written(bench: Bench, engine: Engine) -> None:
    """A batch updates the commodities that it sold, by what it sold, and leaves the others alone."""
    seed_commodities(engine, [Commodity(number, "x", Decimal(1), Currency.CNY, 10) for number in range(100, 200)])
    written: list[int] = []

    def watch(_connection: Connection, cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("UPDATE commodity"):
            written.append(cursor.rowcount)  # type: ignore[attr-defined]

    event.listen(engine, "after_cursor_execute", watch)
    bench.feed(*ORDERS)
    event.remove(engine, "after_cursor_execute", watch)
    assert written == [4]


def test_pitfall_18_restocking_during_settlement_is_not_lost(run: TopicRun) -> None:
    """While batches sell, another writer restocks the same commodity: every unit of both is counted."""
    run.send([order_text(user, "CNY", [(3, 1)]) for user in range(40)])
    committed: list[Connection] = []

    def count(connection: Connection) -> None:
        committed.append(connection)

    event.listen(run.engine, "commit", count)
    settling = Thread(target=run.settle, kwargs={"batch_orders": 5})
    settling.start()
    restocked = 0
    while settling.is_alive():
        seen = len(committed)
        restock_commodities(run.engine, {3: 10})
        restocked += 10
        while settling.is_alive() and len(committed) < seen + 2:  # ours, and one of the settler's
            settling.join(0.001)
    event.remove(run.engine, "commit", count)
    with run.engine.connect() as connection:
        inventory = connection.execute(text("SELECT inventory FROM commodity WHERE id = 3")).scalar_one()
    assert inventory == 666 - 40 + restocked
    assert audit(run.settings).difference_count == 0


def test_pitfall_18_a_busy_restocker_does_not_stop_settlement(run: TopicRun) -> None:
    """However often others change the catalogue, batches go on being committed."""
    hasty = TopicRun(run.engine, run.zookeeper, run.settings.model_copy(update={"retry_seconds_max": 3}))
    hasty.send([order_text(user, "CNY", [(3, 1)]) for user in range(40)])
    finished = Event()

    def restock() -> None:
        while not finished.is_set():
            restock_commodities(run.engine, {3: 1})

    restocking = Thread(target=restock)
    restocking.start()
    try:
        hasty.settle(batch_orders=5)
    finally:
        finished.set()
        restocking.join()
    assert audit(run.settings).difference_count == 0
