"""The settler against a real database, ZooKeeper and Kafka: exactly once, whatever fails in between."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from threading import Thread

import pytest
from kafka import KafkaConsumer
from kazoo.client import KazooClient
from sqlalchemy import Engine, event, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import PoolProxiedConnection

from jobs.bad_window import TooManyBadMessagesError
from jobs.cursor import GapError
from jobs.settler import StoppedError
from settlement.bulk_load import BulkLoadError
from settlement.catalogue import change_prices, restock_commodities
from settlement.currency import Currency
from settlement.head import FencedError, ForeignTopicError, claim
from settlement.ledger import LedgerViolationError
from settlement.rate_refresh import refresh_rates
from settlement.rate_sources import fixed
from settlement.rate_store import read_snapshot, write_rates
from settlement.settings import Settings
from tests.integration.settling import Bench, messages, new_bench, open_shop, order_text

SAMPLE_ORDERS = (
    order_text(123456, "CNY", [(1, 2), (3, 1)]),
    order_text(7777, "CNY", [(1, 8), (2, 5), (3, 8)]),
    order_text(8888, "USD", [(4, 5)]),
    order_text(6666, "JPY", [(3, 800)]),
    order_text(4444, "EUR", [(1, 1)]),
    order_text(123456, "CNY", [(1, 2), (3, 1)]),
)


def test_the_original_orders_pay_what_a_hand_calculation_gives(bench: Bench) -> None:
    """The six sample orders at the start rates, with the sums that the README works out."""
    bench.feed(*SAMPLE_ORDERS)
    assert bench.rows("SELECT success, paid, reason FROM result ORDER BY id") == [
        (1, Decimal("799.42"), None),
        (1, Decimal("3667.40"), None),
        (1, Decimal("170.62"), None),
        (0, Decimal(0), "insufficient_stock"),
        (1, Decimal("88.00"), None),
        (1, Decimal("799.42"), None),
    ]
    assert [bench.inventory(commodity) for commodity in (1, 2, 3, 4)] == [110, 784, 656, 328]
    assert bench.rows("SELECT amount_cny FROM head") == [(Decimal("6685.96000000"),)]


def test_a_replayed_batch_changes_nothing(bench: Bench) -> None:
    """The same messages a second time are dropped before they are decided."""
    bench.feed(*SAMPLE_ORDERS)
    before = bench.rows("SELECT * FROM head")
    replayed = bench.fetch(messages(SAMPLE_ORDERS))
    assert not replayed.ranges
    assert bench.rows("SELECT * FROM head") == before


def test_an_overlapping_batch_settles_only_what_is_new(bench: Bench) -> None:
    """A batch that begins before the ledger's position counts from there."""
    bench.feed(*SAMPLE_ORDERS[:2])
    bench.settler.settle(bench.fetch(messages(SAMPLE_ORDERS)))
    assert bench.rows("SELECT COUNT(*), SUM(success) FROM result") == [(6, 5)]
    assert bench.inventory(1) == 110


def test_a_batch_already_settled_is_refused_by_the_store(bench: Bench) -> None:
    """Even if the cursor let a replay through, the ledger's own guards would not."""
    replay = bench.fetch(messages(SAMPLE_ORDERS))
    bench.settler.settle(replay)
    with pytest.raises((BulkLoadError, LedgerViolationError)):
        bench.settler.settle(replay)
    assert bench.rows("SELECT batch, orders FROM head") == [(1, 6)]
    assert bench.inventory(1) == 110


def test_a_gap_in_the_offsets_halts(bench: Bench) -> None:
    """A missing message is never skipped."""
    with pytest.raises(GapError, match="next offset is 0"):
        bench.fetch(messages(SAMPLE_ORDERS, start=3))


def test_a_fenced_holder_commits_nothing(
    bench: Bench, engine: Engine, zookeeper: KazooClient, app_settings: Settings
) -> None:
    """A holder that slept through its session's end finds no head row to advance."""
    asleep = bench.fetch(messages(SAMPLE_ORDERS))
    bench.settler.settle(asleep)
    late = bench.fetch(messages(SAMPLE_ORDERS, start=6))
    new_bench(engine, zookeeper, app_settings, token=2)
    with pytest.raises(FencedError, match="superseded"):
        bench.settler.settle(late)
    assert bench.rows("SELECT batch, fencing_token FROM head") == [(1, 2)]
    assert bench.rows("SELECT COUNT(*) FROM result") == [(6,)]


def test_an_older_token_cannot_claim(bench: Bench, engine: Engine) -> None:
    """The ledger remembers the newest token."""
    claim(engine, 5, "topic-of-the-test")
    with pytest.raises(FencedError, match="newer than ours"):
        claim(engine, 4, "topic-of-the-test")


def test_a_recreated_topic_is_refused(bench: Bench, engine: Engine) -> None:
    """Offsets of another topic would be read as ids of this one."""
    with pytest.raises(ForeignTopicError, match="recreated"):
        claim(engine, 9, "another-topic")


def test_a_change_of_the_catalogue_in_mid_batch_is_seen(bench: Bench, engine: Engine) -> None:
    """A batch decided on old stock or prices is decided again."""
    bench.feed(SAMPLE_ORDERS[0])
    restock_commodities(engine, {3: 200})
    change_prices(engine, {4: Decimal("50.00")})
    bench.feed(SAMPLE_ORDERS[3], SAMPLE_ORDERS[2])
    assert bench.rows("SELECT success, paid FROM result WHERE batch = 2 ORDER BY id") == [
        (1, Decimal("79200.00")),
        (1, Decimal("187.50")),
    ]
    assert bench.inventory(3) == 666 - 1 + 200 - 800


@pytest.fixture
def fail_once(engine: Engine) -> Iterator[Callable[[str], None]]:
    """Lets the next COMMIT fail: "before" it reaches the server, or "after" it took effect there."""
    armed: list[str] = []
    commit = engine.dialect.do_commit

    def do_commit(connection: PoolProxiedConnection) -> None:
        moment = armed.pop() if armed else ""
        if moment != "before":
            commit(connection)
        if moment:
            connection.close()  # the wire is cut
            raise engine.dialect.loaded_dbapi.OperationalError(2013, "Lost connection during query")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine.dialect, "do_commit", do_commit)
        yield armed.append


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_lost_answer_to_commit_settles_once(bench: Bench, fail_once: Callable[[str], None], moment: str) -> None:
    """Whether the COMMIT took effect or not, the batch is in the ledger exactly once afterwards."""
    bench.feed(SAMPLE_ORDERS[0])
    fail_once(moment)
    bench.feed(*SAMPLE_ORDERS[1:])
    assert bench.rows("SELECT batch, orders, amount_cny FROM head") == [(2, 6, Decimal("6685.96000000"))]
    assert bench.inventory(1) == 110


def test_a_connection_killed_in_mid_batch_settles_once(bench: Bench, engine: Engine) -> None:
    """The server drops the writer's connection inside the transaction; nothing is lost or doubled."""
    killed: list[int] = []

    def kill(connection: object, _cursor: object, statement: str, *_: object) -> None:
        if "UPDATE commodity" in statement and not killed:
            own = connection.connection.driver_connection.thread_id()  # type: ignore[attr-defined]
            killed.append(own)
            with engine.connect() as other:
                other.execute(text(f"KILL {own}"))

    event.listen(engine, "before_cursor_execute", kill)
    try:
        bench.feed(*SAMPLE_ORDERS)
    finally:
        event.remove(engine, "before_cursor_execute", kill)
    assert killed
    assert bench.rows("SELECT batch, orders FROM head") == [(1, 6)]
    assert bench.inventory(1) == 110


def test_an_oversold_batch_is_refused_whole_by_the_store(bench: Bench, engine: Engine) -> None:
    """Stock taken behind the settler's back, without a catalogue change, is caught by the guard."""
    bench.feed(SAMPLE_ORDERS[0])
    with engine.begin() as connection:
        connection.execute(text("UPDATE commodity SET inventory = 1 WHERE id = 1"))
    with pytest.raises(LedgerViolationError, match="had the units"):
        bench.feed(*SAMPLE_ORDERS[1:])
    assert bench.rows("SELECT batch, orders FROM head") == [(1, 1)]
    assert bench.inventory(1) == 1


def test_a_position_moved_behind_the_settlers_back_is_caught(bench: Bench, engine: Engine) -> None:
    """The log positions are compared and set like the head."""
    bench.feed(SAMPLE_ORDERS[0])
    fetched = bench.fetch(messages(SAMPLE_ORDERS[1:], start=1))
    with engine.begin() as connection:
        connection.execute(text("UPDATE log_position SET next_offset = 4"))
    with pytest.raises(LedgerViolationError, match="position is not 1"):
        bench.settler.settle(fetched)
    assert bench.rows("SELECT batch, orders FROM head") == [(1, 1)]


@pytest.mark.parametrize("state", ["missing", "torn", "zero", "unreadable", "old"])
def test_bad_rates_hold_settlement_until_they_are_good(
    bench: Bench, zookeeper: KazooClient, app_settings: Settings, state: str
) -> None:
    """Settlement waits, says why, and goes on by itself; no order is priced in between."""
    if state == "missing":
        zookeeper.delete("/kiwi/JPY")
    elif state == "old":
        good = read_snapshot(zookeeper, age_seconds_max=600, now_ms=0)
        write_rates(zookeeper, {currency: (good.rates[currency], 1) for currency in Currency}, "long ago")
    else:
        zookeeper.set("/kiwi/JPY", {"torn": b"0.15", "zero": b"0", "unreadable": b"JYP"}[state])
    thread = Thread(target=bench.feed, args=SAMPLE_ORDERS, daemon=True)
    thread.start()
    while not bench.holds:
        thread.join(0.01)
    assert bench.rows("SELECT batch FROM head") == [(0,)]
    refresh_rates(zookeeper, fixed(), "fixed")
    thread.join(30)
    assert not thread.is_alive()
    assert bench.rows("SELECT batch, amount_cny FROM head") == [(1, Decimal("6685.96000000"))]


def test_a_stop_while_holding_settles_nothing(bench: Bench, zookeeper: KazooClient) -> None:
    """Asked to stop, the settler leaves the batch in the log."""
    zookeeper.delete("/kiwi/JPY")
    bench.stopping.set()
    with pytest.raises(StoppedError):
        bench.feed(*SAMPLE_ORDERS)
    assert bench.rows("SELECT batch FROM head") == [(0,)]


def test_bad_messages_get_a_failed_result_and_a_dead_letter(bench: Bench, app_settings: Settings) -> None:
    """A poison message neither stops the batch nor gets lost."""
    bench.feed(b"\x00poison", SAMPLE_ORDERS[0], None, b'{"user_id": 1}')
    assert bench.rows("SELECT success, reason, user_id FROM result ORDER BY id") == [
        (0, "malformed", None),
        (1, None, 123456),
        (0, "malformed", None),
        (0, "malformed", None),
    ]
    consumer = KafkaConsumer(
        app_settings.dead_letter_topic,
        bootstrap_servers=app_settings.kafka_bootstrap,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        consumer_timeout_ms=10_000,
    )
    letters = [next(consumer) for _ in range(3)]
    consumer.close()
    assert [letter.value for letter in letters] == [b"\x00poison", b"", b'{"user_id": 1}']
    headers = dict(letters[2].headers)
    assert headers["id"] == str(3 << 12).encode()
    assert b"/initiator: missing" in headers["detail"]


def test_too_many_bad_messages_halt_before_anything_is_settled(
    engine: Engine, zookeeper: KazooClient, app_settings: Settings
) -> None:
    """The limit counts over batches, and a restart forgets nothing."""
    open_shop(engine, zookeeper)
    strict = app_settings.model_copy(update={"bad_window_orders": 10, "bad_share_max": 0.5})
    new_bench(engine, zookeeper, strict).feed(*[b"bad"] * 4, SAMPLE_ORDERS[0])
    restarted = new_bench(engine, zookeeper, strict, token=2)
    with pytest.raises(TooManyBadMessagesError, match="KIWI_BAD_SHARE_MAX"):
        restarted.feed(*[b"bad"] * 2)
    assert restarted.rows("SELECT batch, orders FROM head") == [(1, 5)]


def test_an_outage_longer_than_the_limit_is_raised(
    engine: Engine, zookeeper: KazooClient, app_settings: Settings, fail_once: Callable[[str], None]
) -> None:
    """Retries have a limit; the batch stays in the log for the next start."""
    open_shop(engine, zookeeper)
    hasty = new_bench(engine, zookeeper, app_settings.model_copy(update={"retry_seconds_max": 0.001}))
    fail_once("before")
    with pytest.raises(OperationalError):
        hasty.feed(*SAMPLE_ORDERS)
    assert hasty.rows("SELECT batch FROM head") == [(0,)]
