"""The audit finds a settled ledger right, and every kind of tampering with it."""

import json
import multiprocessing
from decimal import Decimal
from io import StringIO
from threading import Thread

import pytest
import stamina
from kafka import KafkaAdminClient, TopicPartition
from kazoo.client import KazooClient
from rich.console import Console
from sqlalchemy import Engine, text

from settlement.audit import AuditReport, audit, print_report
from settlement.catalogue import SAMPLE, Commodity, change_prices, restock_commodities
from settlement.currency import Currency
from settlement.rate_store import write_rates
from settlement.settings import Settings
from settlement.topic import TopicUnfitError, describe_topic, ensure_topics
from tests.integration.settling import open_shop, order_text
from tests.integration.topic_run import TopicRun

DEAR = Commodity(9, "dear", Decimal(100_000_000), Currency.EUR, 10**15)
TOO_LARGE = [(9, 1_000_000)] * 24  # 2.4 x 10^15 EUR, 1.08 x 10^18 fen at the start rates

FIRST_ORDERS = (
    order_text(123456, "CNY", [(1, 2), (3, 1)], key="a"),
    order_text(7777, "CNY", [(1, 8), (2, 5), (3, 8)]),
    b'{"userid":"8888","initiator":"USD","time":"1","items":[{"id":"4","number":"5"}]}',
    order_text(6666, "JPY", [(3, 800)], key="short"),
    order_text(4444, "EUR", [(1, 1)]),
    order_text(123456, "CNY", [(3, 1), (1, 1), (1, 1)], key="a", time_ms=9),
    b"no order at all",
    order_text(1, "CNY", TOO_LARGE),
    order_text(123456, "USD", [(1, 2), (3, 1)], key="a"),
    order_text(5, "JPY", [(1, 1), (77, 1)]),
    None,
    order_text(6666, "JPY", [(3, 800)], key="short"),
)
LATER_ORDERS = (
    order_text(123456, "CNY", [(1, 2), (3, 1)], key="a"),
    order_text(2, "EUR", [(3, 700)]),
    order_text(2, "EUR", [(3, 700)]),
    order_text(3, "JPY", [(1, 3), (4, 7)]),
)


@pytest.fixture
def run(engine: Engine, zookeeper: KazooClient, app_settings: Settings) -> TopicRun:
    """A ledger with several batches, every kind of refusal, restocking, a new price and new rates."""
    open_shop(engine, zookeeper, (*SAMPLE, DEAR))
    settled = TopicRun(engine, zookeeper, app_settings)
    settled.send(FIRST_ORDERS)
    settled.settle(batch_orders=5)
    restock_commodities(engine, {3: 200, 4: -3})
    change_prices(engine, {1: Decimal("0.01")})
    write_rates(zookeeper, {Currency.JPY: (171_234, 10**15)}, "test")
    settled.send(LATER_ORDERS)
    settled.settle(batch_orders=3)
    return settled


def execute(run: TopicRun, *statements: str) -> None:
    """Change the ledger behind everybody's back."""
    with run.engine.begin() as connection:
        for statement in statements:
            assert connection.execute(text(statement)).rowcount != 0


def found(report: AuditReport) -> set[str]:
    """Return what the differences are about."""
    return {difference.what for difference in report.differences}


def test_a_settled_ledger_is_right(run: TopicRun) -> None:
    """Every kind of outcome, recomputed from the log, is what the ledger has."""
    calls: list[tuple[int, int]] = []
    report = audit(run.settings, lambda done, total: calls.append((done, total)))
    assert (report.verdict, report.differences, report.notes) == ("audit: 0 differences", (), ())
    assert report.counts["orders recomputed"] == len(FIRST_ORDERS) + len(LATER_ORDERS)
    assert calls[-1] == (16, 16)
    with run.engine.connect() as connection:
        reasons = set(connection.execute(text("SELECT DISTINCT reason FROM result")).scalars())
    assert reasons == {
        None,
        "malformed",
        "unknown_commodity",
        "insufficient_stock",
        "amount_too_large",
        "duplicate",
        "key_reused",
    }


def test_an_empty_ledger_is_right(app_settings: Settings) -> None:
    """Before anything was settled there is nothing to differ."""
    report = audit(app_settings)
    assert (report.difference_count, report.counts["orders recomputed"]) == (0, 0)
    assert report.notes == ("ZooKeeper has no total yet; it was not compared",)


TAMPERINGS = {
    "a paid": ("UPDATE result SET paid = paid + 0.01 WHERE success ORDER BY id LIMIT 1", "result.paid"),
    "a success": ("UPDATE result SET success = 1 WHERE reason = 'insufficient_stock' LIMIT 1", "result.success"),
    "a user": ("UPDATE result SET user_id = 7778 WHERE user_id = 7777", "result.user_id"),
    "an initiator": ("UPDATE result SET initiator = 'EUR' WHERE user_id = 7777", "result.initiator"),
    "a reason": (
        "UPDATE result SET reason = 'insufficient_stock' WHERE reason = 'unknown_commodity'",
        "result.reason",
    ),
    "a lost reason": ("UPDATE result SET reason = NULL WHERE reason = 'malformed' LIMIT 1", "result.reason"),
    "a swapped duplicate_of": (
        "UPDATE result SET duplicate_of = duplicate_of + 1 WHERE reason = 'duplicate' LIMIT 1",
        "result.duplicate_of",
    ),
    "a lost duplicate_of": (
        "UPDATE result SET duplicate_of = NULL WHERE reason = 'key_reused'",
        "result.duplicate_of",
    ),
    "a wrong batch": ("UPDATE result SET batch = batch + 1 WHERE user_id = 7777", "result.batch"),
    "a missing row": ("DELETE FROM result WHERE user_id = 7777", "result"),
    "an extra row ahead": (
        "INSERT INTO result SELECT (id | 1 << 40), 1, 'CNY', 1, 5, NULL, NULL, 1 FROM head",
        "result",
    ),
    "an extra row of another partition": (
        "INSERT INTO result SELECT (id | 9), 1, 'CNY', 1, 5, NULL, NULL, 1 FROM head",
        "result",
    ),
    "an extra row below zero": ("INSERT INTO result SELECT -id, 1, 'CNY', 1, 5, NULL, NULL, 1 FROM head", "result"),
    "a lost list of a user": ("DELETE FROM user_orders WHERE bucket = 7777 % 4096", "user_orders"),
    "a list in another bucket": (
        "UPDATE user_orders SET bucket = bucket + 1 WHERE bucket = 7777 % 4096",
        "user_orders.bucket",
    ),
    "a list of another batch": (
        "UPDATE user_orders SET batch = batch + 9 WHERE bucket = 7777 % 4096 ORDER BY batch DESC",
        "user_orders",
    ),
    "an order in another user's list": (
        "UPDATE user_orders SET orders = REPLACE(orders, '[7777,', '[3681,') WHERE bucket = 7777 % 4096",
        "user_orders",
    ),
    "a stock": ("UPDATE commodity SET inventory = inventory + 1 WHERE id = 3", "commodity.inventory"),
    "a price": ("UPDATE commodity SET price = price + 1 WHERE id = 2", "commodity.price"),
    "a currency": ("UPDATE commodity SET currency = 'USD' WHERE id = 2", "commodity.currency"),
    "a name": ("UPDATE commodity SET name = 'Bee' WHERE id = 2", "commodity.name"),
    "a missing commodity": ("DELETE FROM commodity WHERE id = 2", "commodity"),
    "an extra commodity": ("INSERT INTO commodity VALUES (10, 'X', 1, 'CNY', 1)", "commodity"),
    "a restocking that nobody recorded": (
        "UPDATE catalogue_change SET inventory_delta = 201 WHERE kind = 'restock' AND commodity_id = 3",
        "commodity.inventory",
    ),
    "a restocking moved behind the sale": (
        "UPDATE catalogue_change SET after_batch = after_batch + 2 WHERE version > 1",
        "result.success",
    ),
    "a forgotten change": ("DELETE FROM catalogue_change WHERE kind = 'price'", "head.catalogue_version"),
    "a total": ("UPDATE total SET paid = paid + 0.01 WHERE initiator = 'CNY'", "total.paid"),
    "a count of a total": ("UPDATE total SET orders = orders + 1 WHERE initiator = 'JPY'", "total.orders"),
    "a missing total": ("DELETE FROM total WHERE initiator = 'JPY'", "total"),
    "the head's amount": ("UPDATE head SET amount_cny = amount_cny + 0.00000001", "head.amount_cny"),
    "the head's orders": ("UPDATE head SET orders = orders - 1", "head.orders"),
    "the head's batch": ("UPDATE head SET batch = batch + 1", "head.batch"),
    "the head's catalogue version": (
        "UPDATE head SET catalogue_version = catalogue_version + 1",
        "head.catalogue_version",
    ),
    "the head's fencing token": ("UPDATE head SET fencing_token = 0", "head.fencing_token"),
    "the topic's id": ("UPDATE head SET topic_id = 'another'", "head.topic_id"),
    "a batch's amount": ("UPDATE batch SET amount_cny = amount_cny + 0.00000001 WHERE number = 1", "batch.amount_cny"),
    "a batch's sum": ("UPDATE batch SET paid_jpy = paid_jpy + 1 WHERE number = 2", "batch.paid_jpy"),
    "a batch's count": ("UPDATE batch SET orders = orders + 1 WHERE number = 2", "batch.orders"),
    "a batch's successes": ("UPDATE batch SET succeeded = succeeded + 1 WHERE number = 2", "batch.succeeded"),
    "a batch's bad ones": ("UPDATE batch SET malformed = malformed + 1 WHERE number = 2", "batch.malformed"),
    "a batch's catalogue version": (
        "UPDATE batch SET catalogue_version = 2 WHERE number = 1",
        "batch.catalogue_version",
    ),
    "a batch's token": ("UPDATE batch SET fencing_token = 9 WHERE number = 1", "batch.fencing_token"),
    "a batch's rate": ("UPDATE batch SET rate_usd = 12.000001 WHERE number = 1", "result.paid"),
    "a batch without a rate": ("UPDATE batch SET rate_usd = 0 WHERE number = 1", "batch.rate"),
    "a missing batch": ("DELETE FROM batch WHERE number = 2", "batch.number"),
    "a gap in the ranges": (
        "UPDATE batch_range SET start_offset = start_offset + 1 WHERE batch = 2 AND partition_id = 0",
        "batch_range.start_offset",
    ),
    "an overlap of ranges": (
        "UPDATE batch_range SET start_offset = start_offset - 1 WHERE batch = 2 AND partition_id = 0",
        "batch_range.start_offset",
    ),
    "a range beyond the log": (
        "UPDATE batch_range SET end_offset = end_offset + 99 WHERE batch = 5",
        "the log",
    ),
    "a missing range": ("DELETE FROM batch_range WHERE batch = 2 AND partition_id = 0", "batch_range.start_offset"),
    "an extra range": ("INSERT INTO batch_range VALUES (99, 0, 0, 5)", "batch_range"),
    "a log position": ("UPDATE log_position SET next_offset = next_offset + 1 WHERE partition_id = 1", "log_position"),
    "an extra log position": ("INSERT INTO log_position VALUES (7, 1)", "log_position"),
    "a key's owner": (
        "UPDATE idempotency_key SET order_id = order_id + 4096 ORDER BY order_id LIMIT 1",
        "idempotency_key",
    ),
    "a key's content": ("UPDATE idempotency_key SET content_hash = key_hash LIMIT 1", "idempotency_key"),
    "a missing key": ("DELETE FROM idempotency_key LIMIT 1", "idempotency_key"),
    "an extra key": (
        "INSERT INTO idempotency_key SELECT REPEAT('x', 16), REPEAT('y', 16), 0 FROM head",
        "idempotency_key",
    ),
}


@pytest.mark.parametrize(("statement", "what"), TAMPERINGS.values(), ids=TAMPERINGS)
def test_tampering_is_found(run: TopicRun, statement: str, what: str) -> None:
    """Each change of a single value, made behind the ledger's back, is reported by its name."""
    execute(run, statement)
    report = audit(run.settings)
    assert what in found(report)
    assert report.verdict == f"audit: {report.difference_count} differences"


def test_processes_read_the_log_as_threads_do(run: TopicRun, monkeypatch: pytest.MonkeyPatch) -> None:
    """A long log is decoded by processes of its own; they come to the same results and are gone afterwards."""
    monkeypatch.setattr("settlement.audit.log._PROCESSES_FROM_MESSAGES", 1)
    report = audit(run.settings)
    assert (report.difference_count, report.counts["orders recomputed"]) == (0, 16)
    assert not multiprocessing.active_children()


def test_an_audit_runs_while_settlement_goes_on(run: TopicRun) -> None:
    """What is committed during an audit does not show in it, and every moment's ledger is right."""
    run.send(LATER_ORDERS * 100)
    settling = Thread(target=run.settle, kwargs={"batch_orders": 7})
    settling.start()
    reports = [audit(run.settings)]
    while settling.is_alive():
        reports.append(audit(run.settings))
    settling.join()
    reports.append(audit(run.settings))
    assert [report.differences for report in reports] == [()] * len(reports)
    assert reports[-1].counts["orders recomputed"] == len(FIRST_ORDERS) + 101 * len(LATER_ORDERS)


def test_the_total_in_zookeeper_may_lag(run: TopicRun) -> None:
    """A total published as of an earlier batch is compared with the books as of that batch."""
    run.send(LATER_ORDERS)
    run.settle(publish=False)
    assert audit(run.settings).difference_count == 0


@pytest.mark.parametrize(
    ("path", "value"),
    [("/kiwi/txAmount/batch", b"99"), ("/kiwi/txAmount", b"1.00"), ("/kiwi/txAmount", b"nothing")],
    ids=["ahead of the ledger", "another amount", "no number"],
)
def test_tampering_with_zookeepers_total_is_found(run: TopicRun, path: str, value: bytes) -> None:
    """A total that is ahead of the ledger, differs from it or is unreadable is reported, even if written as one."""
    other = {"/kiwi/txAmount": "/kiwi/txAmount/batch", "/kiwi/txAmount/batch": "/kiwi/txAmount"}[path]
    kept, _ = run.zookeeper.get(other)
    transaction = run.zookeeper.transaction()
    transaction.set_data(path, value)
    transaction.set_data(other, kept)
    transaction.commit()
    assert found(audit(run.settings)) == {"/kiwi/txAmount"}


def test_a_total_that_was_not_written_as_one_is_found(run: TopicRun) -> None:
    """Amount and batch in two transactions may belong to different moments."""
    amount, _ = run.zookeeper.get("/kiwi/txAmount")
    run.zookeeper.set("/kiwi/txAmount", amount)
    (difference,) = audit(run.settings).differences
    assert (difference.what, difference.found) == ("/kiwi/txAmount", "two transactions")


def test_an_audit_without_zookeeper_says_what_it_left_out(run: TopicRun) -> None:
    """The ledger is audited all the same, and the report names what was not compared."""
    report = audit(run.settings.model_copy(update={"zookeeper_hosts": "127.0.0.1:1"}))
    assert report.difference_count == 0
    assert report.notes == ("ZooKeeper does not answer; its total was not compared",)


def test_a_log_trimmed_by_retention_is_a_clear_difference(run: TopicRun) -> None:
    """What cannot be recomputed any more is said, with the offsets; the rest of the ledger is still checked."""
    admin = KafkaAdminClient(bootstrap_servers=run.settings.kafka_bootstrap)
    admin.delete_records({TopicPartition(run.settings.topic, 0): 3})
    admin.close()
    execute(run, "UPDATE head SET orders = orders + 1")
    report = audit(run.settings)
    assert found(report) == {"the log", "head.orders"}
    assert "start=3" in report.differences[0].found
    assert "not everything could be recomputed" in report.notes[0]


def test_a_recreated_topic_is_a_clear_difference(run: TopicRun) -> None:
    """A topic of the same name is not the log that was settled; its messages are not even read."""
    admin = KafkaAdminClient(bootstrap_servers=run.settings.kafka_bootstrap)
    before = describe_topic(run.settings).topic_id
    admin.delete_topics([run.settings.topic])
    admin.close()
    for attempt in stamina.retry_context(on=(AssertionError, TopicUnfitError), attempts=None, wait_max=0.1, timeout=30):
        with attempt:
            assert ensure_topics(run.settings).topic_id != before
    assert found(audit(run.settings)) == {"head.topic_id", "the log"}


def test_a_log_out_of_reach_is_a_clear_difference(run: TopicRun) -> None:
    """Without Kafka nothing can be recomputed, and the audit does not say that all is well."""
    report = audit(run.settings.model_copy(update={"kafka_bootstrap": "127.0.0.1:1"}))
    assert found(report) == {"the log"}
    assert report.counts["orders recomputed"] == 0


def test_a_report_is_printed_and_written(run: TopicRun) -> None:
    """The last line is the verdict alone; the JSON has every kept difference, the table shows them as they are."""
    execute(run, "UPDATE commodity SET name = '[bold]X' WHERE id = 2")
    report = audit(run.settings)
    console = Console(file=StringIO(), width=200)
    print_report(report, console)
    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert lines[-1] == "audit: 1 differences"
    assert any("[bold]X" in line for line in lines)
    document = json.loads(report.to_json())
    assert document["verdict"] == "audit: 1 differences"
    assert document["differences"] == [
        {"what": "commodity.name", "where": "commodity 2", "expected": "B", "found": "[bold]X"}
    ]
