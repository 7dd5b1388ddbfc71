"""Recomputes every batch from the log and compares its results, row by row, with the stored ones."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from typing import Final

from settlement.audit.books import FACTORS, Books, Tally, fixed, turnover
from settlement.audit.history import compare_batch
from settlement.audit.keys import Keys
from settlement.audit.log import LogRange, LogReader, Message, receive
from settlement.audit.report import Findings
from settlement.audit.shop import SOLD, Shop
from settlement.audit.snapshot import BatchRecord, LedgerSnapshot
from settlement.audit.user_orders import UserOrders
from settlement.currency import CODES
from settlement.orderid import order_id

COLUMNS: Final = ("id", "user_id", "initiator", "success", "paid", "reason", "duplicate_of", "batch")

_SPAN_ORDERS: Final = 20_000
_SPANS_AHEAD: Final = 2
_NO_MONEY: Final = "0.00"

Span = list[BatchRecord]
Lines = dict[int, list[str]]
"""Results as text, per partition, in their order of settlement."""


class Replay:
    """The state of a recomputation: the shop, the keys and the books as the batches so far have left them."""

    def __init__(self, ledger: LedgerSnapshot, log: LogReader, mark: int, findings: Findings) -> None:
        self.shop = Shop(ledger.changes(), findings)
        self.keys = Keys(findings)
        self.books = Books(mark)
        self.user_orders = UserOrders()
        self._ledger = ledger
        self._log = log
        self._findings = findings
        self._positions: dict[int, int] = {}

    def run(self, records: Iterable[BatchRecord], progress: Callable[[int], object]) -> None:
        """Recompute and compare these batches, reading the log ahead; `progress` is told the orders done.

        Raises:
            LogUnreadableError: the log does not hold what was settled.
        """
        ahead: deque[tuple[Span, dict[LogRange, Future[bytes]]]] = deque()
        for span in spans(records):
            ahead.append((span, {part: self._log.request(part) for part in merge_ranges(span)}))
            if len(ahead) > _SPANS_AHEAD:
                self._replay_span(*ahead.popleft())
                progress(self.books.tally.orders)
        while ahead:
            self._replay_span(*ahead.popleft())
            progress(self.books.tally.orders)

    def _replay_span(self, span: Span, reading: dict[LogRange, Future[bytes]]) -> None:
        messages = {part.partition: receive(future) for part, future in reading.items()}
        starts = {part.partition: part.start for part in reading}
        named = {message[6] for some in messages.values() for message in some if message[6] is not None}
        self.keys.expect(self._ledger.claims(named))
        lines: Lines = {part.partition: [] for part in reading}
        for record in span:
            batch = [
                message
                for partition, start, end in record.ranges
                for message in messages[partition][start - starts[partition] : end - starts[partition]]
            ]
            batch.sort()
            self._replay_batch(record, batch, lines)
        for part in reading:
            found = "\n".join(filter(None, self._ledger.results(part)))
            if "\n".join(lines[part.partition]) != found:
                compare_results(lines[part.partition], found.splitlines(), self._findings)

    def _replay_batch(self, record: BatchRecord, messages: list[Message], lines: Lines) -> None:
        rates = dict(zip(CODES, record.rates, strict=True))
        self.shop.advance(record.number)
        self.keys.begin_batch(self._positions)
        tally = Tally(orders=len(messages))
        for message in messages:
            lines[message[1]].append(self._settle(message, rates, tally, record.number))
        amount = turnover(tally.paid, rates)
        compare_batch(record, tally, amount, self.shop.version, self._findings)
        self.books.add(record.number, tally, amount)
        for part in record.ranges:
            self._positions[part.partition] = part.end

    def _settle(self, message: Message, rates: dict[str, int], tally: Tally, batch: int) -> str:
        """Return the result that this message must have, as text."""
        _, partition, offset, user, initiator, bought, key, content = message
        order = order_id(partition, offset)
        if user is None:
            tally.malformed += 1
            return f"{order},-,-,0,{_NO_MONEY},malformed,-,{batch}"
        self.user_orders.add(user, order, batch)
        if key is not None and (repetition := self.keys.repetition(order, key, content)):
            reason, owner = repetition
            return f"{order},{user},{initiator},0,{_NO_MONEY},{reason},{owner},{batch}"
        paid, reason = self.shop.sell(bought, initiator, rates)
        if reason is not SOLD:
            return f"{order},{user},{initiator},0,{_NO_MONEY},{reason},-,{batch}"
        hundredths = paid * FACTORS[initiator]
        tally.paid[initiator] += hundredths
        tally.succeeded[initiator] += 1
        return f"{order},{user},{initiator},1,{fixed(hundredths, 2)},-,-,{batch}"


def spans(records: Iterable[BatchRecord]) -> Iterator[Span]:
    """Group batches so that each group is worth a round trip."""
    span: Span = []
    orders = 0
    for record in records:
        span.append(record)
        orders += record.orders
        if orders >= _SPAN_ORDERS:
            yield span
            span, orders = [], 0
    if span:
        yield span


def merge_ranges(span: Span) -> list[LogRange]:
    """Return what successive batches cover together, one range per partition."""
    merged: dict[int, LogRange] = {}
    for record in span:
        for part in record.ranges:
            start = merged.get(part.partition, part).start
            merged[part.partition] = LogRange(part.partition, start, part.end)
    return list(merged.values())


def compare_results(expected: list[str], found: list[str], findings: Findings) -> None:
    """Name what differs between the results that must be and those that are."""
    expected_rows, found_rows = _by_order(expected), _by_order(found)
    for order in sorted(expected_rows.keys() | found_rows.keys()):
        must, has = expected_rows.get(order), found_rows.get(order)
        where = f"order {order}"
        if must is None or has is None:
            findings.add("result", where, ",".join(must) if must else "no row", ",".join(has) if has else "no row")
            continue
        for column, must_value, has_value in zip(COLUMNS, must, has, strict=True):
            findings.compare(f"result.{column}", where, must_value, has_value)


def _by_order(lines: list[str]) -> dict[int, list[str]]:
    rows = [line.split(",") for line in lines]
    return {int(row[0]): row for row in rows}
