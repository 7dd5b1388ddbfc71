"""The audit's own arithmetic and rules, against exact fractions and the sequential model of the tests."""

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settlement.audit.books import Books, Tally, fixed, round_half_even, turnover, unfixed
from settlement.audit.history import History
from settlement.audit.keys import Keys
from settlement.audit.log import LogRange, aggregate, decode_message
from settlement.audit.replay import compare_results, merge_ranges, spans
from settlement.audit.report import KEPT_MAX, AuditReport, Findings
from settlement.audit.shop import SOLD, Article, Shop
from settlement.audit.snapshot import BatchRecord
from settlement.currency import CODES
from settlement.order import Line, encode_order
from tests.unit import oracles, strategies

KEY, OTHER_KEY = b"k" * 16, b"o" * 16
CONTENT, OTHER_CONTENT = b"c" * 16, b"d" * 16


def shop_of(articles: list[oracles.Article]) -> Shop:
    """Return a shop with these articles, as if seeded."""
    shop = Shop(iter(()), Findings())
    for article in articles:
        hundredths = article.price * (100 if CODES[article.currency] == "JPY" else 1)
        shop.articles[article.id] = Article("", hundredths, CODES[article.currency], article.stock)
    return shop


@given(st.data(), strategies.rates)
def test_the_audit_sells_as_the_sequential_model(data: st.DataObject, rates: tuple[int, ...]) -> None:
    """Refusals, prices and stock of the replayed shop are those of the model on exact fractions."""
    articles = data.draw(strategies.shops())
    purchases = [item for item in data.draw(strategies.purchases(articles)) if item.refusal == "none"]
    shop, by_code = shop_of(articles), dict(zip(CODES, rates, strict=True))
    outcomes = []
    for purchase in purchases:
        bought = aggregate(tuple(Line(*line) for line in purchase.lines))
        paid, reason = shop.sell(bought, CODES[purchase.initiator], by_code)
        outcomes.append(("none" if reason is SOLD else reason, paid))
    assert outcomes == oracles.settle(articles, purchases, rates)


@given(st.integers(0, 10**40), st.integers(1, 10**20))
def test_the_audit_rounds_as_fractions_do(numerator: int, denominator: int) -> None:
    """Half goes to even."""
    assert round_half_even(numerator, denominator) == round(Fraction(numerator, denominator))
    assert round_half_even(denominator, 2) == round(Fraction(denominator, 2))


@given(st.integers(0, 10**30), st.integers(1, 10))
def test_fixed_texts_round_trip(value: int, digits: int) -> None:
    """An integer survives the way to a column's text and back."""
    assert unfixed(fixed(value, digits)) == value
    assert Fraction(fixed(value, digits)) == Fraction(value, 10**digits)


def test_turnover_by_hand() -> None:
    """1.00 USD and 100 yen at the start rates are 6.00 and 7.50 CNY; a third of a fen rounds at the eighth digit."""
    rates = {"CNY": 2_000_000, "USD": 12_000_000, "JPY": 150_000, "EUR": 9_000_000}
    assert turnover({"CNY": 0, "USD": 100, "JPY": 10_000, "EUR": 0}, rates) == 1_350_000_000
    assert turnover({"CNY": 0, "USD": 1, "JPY": 0, "EUR": 0}, rates | {"CNY": 3_000_000, "USD": 1_000_000}) == 333_333


def test_books_remember_the_amount_at_a_mark() -> None:
    """The running amount as of ZooKeeper's batch is kept while later batches are added."""
    books = Books(mark=2)
    for batch in (1, 2, 3):
        books.add(batch, Tally(orders=1), 10)
    assert (books.amount, books.amount_at_mark, books.tally.orders) == (30, 20, 3)


def keys(claims: dict[bytes, tuple[bytes, int]], settled: int = 10) -> tuple[Keys, Findings]:
    """Return keys with the ledger's claims, in a batch before which `settled` offsets of partition 0 were settled."""
    findings = Findings()
    subject = Keys(findings)
    subject.expect(claims)
    subject.begin_batch({0: settled})
    return subject, findings


def test_a_first_use_proves_its_row() -> None:
    """The order that the ledger names as owner shows the key and the content: one row is proven."""
    subject, findings = keys({KEY: (CONTENT, 11 << 12)})
    assert subject.repetition(11 << 12, KEY, CONTENT) is None
    assert (subject.proven, findings.count) == (1, 0)


@pytest.mark.parametrize(("content", "reason"), [(CONTENT, "duplicate"), (OTHER_CONTENT, "key_reused")])
def test_repetitions_are_told_by_their_content(content: bytes, reason: str) -> None:
    """A repetition of an earlier batch's key, or of one met in this batch, names the owner."""
    subject, findings = keys({KEY: (CONTENT, 3 << 12), OTHER_KEY: (CONTENT, 11 << 12)})
    assert subject.repetition(12 << 12, KEY, content) == (reason, 3 << 12)
    assert subject.repetition(11 << 12, OTHER_KEY, CONTENT) is None
    assert subject.repetition(12 << 12, OTHER_KEY, content) == (reason, 11 << 12)
    assert findings.count == 0


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {KEY: (OTHER_CONTENT, 11 << 12)},
        {KEY: (CONTENT, 12 << 12)},
        {KEY: (CONTENT, 10 << 12)},
        {KEY: (CONTENT, 5 << 12 | 1)},
        {KEY: (CONTENT, -4096)},
    ],
    ids=["no row", "other content", "later order", "order of this batch not met", "other partition", "no order"],
)
def test_false_claims_are_found(claims: dict[bytes, tuple[bytes, int]]) -> None:
    """A claim that the owner's own message does not bear out is a difference, and the order owns its key."""
    subject, findings = keys(claims)
    assert subject.repetition(11 << 12, KEY, CONTENT) is None
    assert (subject.proven, findings.count) == (0, 1)
    assert subject.repetition(13 << 12, KEY, CONTENT) == ("duplicate", 11 << 12)


def test_a_row_that_no_order_proves_is_found() -> None:
    """A claim for an earlier order that never showed the key leaves a row over."""
    subject, findings = keys({KEY: (CONTENT, 3 << 12)})
    subject.repetition(11 << 12, KEY, CONTENT)
    subject.compare(stored=1)
    assert [item.what for item in findings.kept] == ["idempotency_key"]


def record(number: int, *ranges: LogRange, **changes: Any) -> BatchRecord:
    """Return a batch's record with sums of nothing."""
    values: dict[str, Any] = {
        "number": number,
        "fencing_token": 1,
        "catalogue_version": 1,
        "orders": sum(part.end - part.start for part in ranges),
        "succeeded": 0,
        "malformed": 0,
        "rates": (1, 1, 1, 1),
        "paid": ("0.00",) * 4,
        "amount_cny": "0.00000000",
        "ranges": ranges,
    }
    return BatchRecord(**values | changes)


def test_batches_that_continue_the_log_are_accepted() -> None:
    """Numbers in line, ranges end to end in each partition."""
    findings = Findings()
    history = History(0, findings)
    assert history.follows(record(1, LogRange(0, 0, 5), LogRange(1, 0, 3)))
    assert history.follows(record(2, LogRange(1, 3, 9)))
    assert (history.ends, findings.count) == ({0: 5, 1: 9}, 0)


@pytest.mark.parametrize(
    ("second", "what", "replayable"),
    [
        (record(3, LogRange(0, 5, 6)), "batch.number", True),
        (record(2, LogRange(0, 6, 7)), "batch_range.start_offset", False),
        (record(2, LogRange(0, 4, 7)), "batch_range.start_offset", False),
        (record(2, LogRange(0, 5, 5)), "batch_range.end_offset", False),
        (record(2, LogRange(1, 1, 2)), "batch_range.start_offset", False),
        (record(2), "batch_range", False),
        (record(2, LogRange(0, 5, 6), fencing_token=0), "batch.fencing_token", True),
        (record(2, LogRange(0, 5, 6), catalogue_version=0), "batch.catalogue_version", True),
        (record(2, LogRange(0, 5, 6), rates=(1, 0, 1, 1)), "batch.rate", False),
    ],
)
def test_batches_that_do_not_follow_are_named(second: BatchRecord, what: str, replayable: bool) -> None:
    """A gap, an overlap, an empty range, an older token or a rate of zero is a difference."""
    findings = Findings()
    history = History(0, findings)
    history.follows(record(1, LogRange(0, 0, 5)))
    assert history.follows(second) is replayable
    assert [item.what for item in findings.kept] == [what]


def change(version: int, after_batch: int, kind: str, **values: Any) -> Any:
    """Return one row of the catalogue's changes."""
    empty = {"commodity_id": 1, "name": None, "price": None, "currency": None, "inventory_delta": 0}
    return SimpleNamespace(**empty | values, version=version, after_batch=after_batch, kind=kind)


def seed(version: int = 1) -> Any:
    """Return the change that adds commodity 1."""
    return change(version, 0, "seed", name="A", price=Decimal("66.00"), currency="USD", inventory_delta=123)


def test_changes_take_effect_after_their_batch() -> None:
    """A change recorded after batch 1 is seen by batch 2 and not before."""
    findings = Findings()
    shop = Shop(iter([seed(), change(2, 1, "restock", inventory_delta=7)]), findings)
    shop.advance(1)
    assert (shop.articles[1], shop.version) == (Article("A", 6600, "USD", 123), 1)
    shop.advance(2)
    assert (shop.articles[1].stock, shop.version, findings.count) == (130, 2, 0)


@pytest.mark.parametrize(
    "changes",
    [
        [change(1, 0, "restock")],
        [seed(), seed(2)],
        [seed(), change(3, 0, "restock")],
        [seed(), change(2, 5, "restock"), change(3, 4, "restock")],
        [seed(), change(2, 0, "restock", inventory_delta=-124)],
    ],
    ids=["restock of nothing", "seeded twice", "missing version", "backwards", "below zero"],
)
def test_impossible_changes_are_found(changes: list[Any]) -> None:
    """What cannot have happened to the catalogue is a difference, and the audit goes on."""
    findings = Findings()
    Shop(iter(changes), findings).advance(9)
    assert findings.count == 1
    assert findings.kept[0].what.startswith("catalogue_change")


def test_differing_results_are_named_column_by_column() -> None:
    """A changed value, a missing row and an extra row are three differences, each with its order."""
    findings = Findings()
    expected = ["1,7,CNY,1,5.00,-,-,1", "2,7,CNY,1,5.00,-,-,1", "3,7,CNY,0,0.00,malformed,-,1"]
    compare_results(
        expected, ["4,7,CNY,1,5.00,-,-,1", "3,7,CNY,0,0.00,malformed,-,1", "1,7,CNY,1,5.01,-,-,1"], findings
    )
    assert [(item.what, item.where) for item in findings.kept] == [
        ("result.paid", "order 1"),
        ("result", "order 2"),
        ("result", "order 4"),
    ]


@given(st.lists(st.integers(1, 60_000), max_size=12))
def test_spans_hold_every_batch_once(sizes: list[int]) -> None:
    """Grouping batches for the way to the servers neither loses nor repeats one, and joins their ranges."""
    records, start = [], 0
    for number, size in enumerate(sizes, 1):
        records.append(record(number, LogRange(0, start, start := start + size)))
    grouped = list(spans(records))
    assert [item for span in grouped for item in span] == records
    assert [part for span in grouped for part in merge_ranges(span)] == [
        LogRange(0, span[0].ranges[0].start, span[-1].ranges[0].end) for span in grouped
    ]


@given(strategies.orders)
def test_a_message_asks_for_what_its_order_says(order: Any) -> None:
    """A decoded message has its place, its buyer, and each commodity once in ascending order."""
    timestamp, partition, offset, user, initiator, bought, key, _ = decode_message(5, 1, 2, encode_order(order))
    assert (timestamp, partition, offset, user, initiator) == (5, 1, 2, order.user_id, order.initiator)
    assert [commodity for commodity, _ in bought] == sorted({line.id for line in order.items})
    assert sum(number for _, number in bought) == sum(line.number for line in order.items)
    assert (key is None) == (order.idempotency_key is None)


@pytest.mark.parametrize("value", [None, b"", b"x", b"{}"])
def test_a_malformed_message_has_no_user(value: bytes | None) -> None:
    """What is no valid order has no buyer, buys nothing, and has no key."""
    assert decode_message(5, 1, 2, value)[3:] == (None, "", (), None, b"")


def test_differences_beyond_the_limit_are_counted() -> None:
    """A ledger that is wrong everywhere does not fill the memory."""
    findings = Findings()
    for order in range(KEPT_MAX + 5):
        findings.compare("result.paid", f"order {order}", "x" * 10_000, "y")
    report = AuditReport(tuple(findings.kept), findings.count, {}, (), 0.0)
    assert (len(report.differences), report.verdict) == (KEPT_MAX, f"audit: {KEPT_MAX + 5} differences")
    assert len(report.differences[0].expected) < 300


def rows() -> Iterator[Any]:
    """Return a stored catalogue that differs from the replayed one in every way."""
    yield SimpleNamespace(id=1, name="B", price=Decimal("66.01"), currency="EUR", inventory=122)
    yield SimpleNamespace(id=2, name="new", price=Decimal("1.00"), currency="EUR", inventory=1)


def test_every_column_of_the_catalogue_is_compared() -> None:
    """Stock, price, currency and name, rows too many and rows too few."""
    findings = Findings()
    shop = Shop(iter([seed(), change(2, 0, "seed", commodity_id=3, name="gone")]), findings)
    shop.advance(1)
    shop.compare(rows())
    assert [item.what.removeprefix("commodity").lstrip(".") for item in findings.kept] == [
        "inventory",
        "price",
        "currency",
        "name",
        "",
        "",
    ]
