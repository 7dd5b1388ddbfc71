"""One audit from beginning to end."""

import gc
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from kafka.errors import KafkaError

from settlement.audit.books import AMOUNT_DIGITS, fixed
from settlement.audit.history import History
from settlement.audit.log import LogRange, LogReader, LogUnreadableError, collect_rarely
from settlement.audit.published import Published, compare_published, read_published
from settlement.audit.replay import Replay
from settlement.audit.report import AuditReport, Findings
from settlement.audit.snapshot import BatchRecord, LedgerSnapshot, exact
from settlement.currency import CODES
from settlement.kafka_log import read_log_bounds
from settlement.settings import Settings
from settlement.topic import TopicUnfitError, describe_topic

Progress = Callable[[int, int], object]
"""Told the orders done so far and how many there are."""

_NO_LOG: Final[dict[int, LogRange]] = {}


def audit(settings: Settings, progress: Progress | None = None) -> AuditReport:
    """Recompute the whole ledger from Kafka's log and compare everything as of one moment; settlement may go on.

    Memory is bounded by the catalogue and the largest batch, not by the ledger. A server that is away is a difference
    (Kafka) or a note (ZooKeeper), never silence.

    Raises:
        sqlalchemy.exc.DBAPIError: the database is away, or holds no ledger.
    """
    began = time.monotonic()
    findings = Findings()
    published = read_published(settings, findings)
    with _rare_collections(), LedgerSnapshot(settings) as ledger:
        counts = _Audit(settings, ledger, findings).run(published, progress or _silent)
    return AuditReport(tuple(findings.kept), findings.count, counts, tuple(findings.notes), time.monotonic() - began)


class _Audit:
    """The parts of one audit, in their order."""

    def __init__(self, settings: Settings, ledger: LedgerSnapshot, findings: Findings) -> None:
        self._settings = settings
        self._ledger = ledger
        self._findings = findings
        self._complete = True

    def run(self, published: Published | None, progress: Progress) -> dict[str, int]:
        head = self._ledger.head()
        if head is None:
            self._findings.add("head", "the ledger", "one row", "no row")
            return {}
        mark = published.batch if published else 0
        history = History(mark, self._findings)
        bounds = self._bounds(head.topic_id)
        with LogReader(self._settings, head.orders) as log:
            replay = Replay(self._ledger, log, mark, self._findings)
            try:
                replay.run(self._recomputable(history, bounds), lambda done: progress(done, head.orders))
            except LogUnreadableError as error:
                self._stop("the log", "every message that was settled", str(error))
        replay.shop.advance(head.batch + 1)
        self._compare_head(head, history, replay)
        self._compare_rows(history, replay)
        if published:
            books = replay.books if self._complete else history.books
            compare_published(published, books, head.batch, self._findings)
        return _counts(history, replay)

    def _bounds(self, topic_id: str | None) -> dict[int, LogRange]:
        """Return what of the log can be read; nothing if it is not the log that was settled."""
        if topic_id is None:
            return _NO_LOG
        try:
            found = describe_topic(self._settings).topic_id
            self._findings.compare("head.topic_id", f"topic {self._settings.topic}", found, topic_id)
            if found != topic_id:
                return _NO_LOG
            bounds = read_log_bounds(self._settings)
            return {partition: LogRange(partition, *offsets) for partition, offsets in bounds.items()}
        except (TopicUnfitError, KafkaError) as error:
            self._findings.add("the log", f"topic {self._settings.topic}", "a log that can be read", error)
            return _NO_LOG

    def _recomputable(self, history: History, bounds: dict[int, LogRange]) -> Iterator[BatchRecord]:
        """Check every batch's record, and give those that can be recomputed: up to the first that cannot."""
        for record in self._ledger.batches():
            follows = history.follows(record)
            if not self._complete:
                continue
            lacking = [part for part in record.ranges if not _holds(bounds.get(part.partition), part)]
            if follows and not lacking:
                yield record
            elif lacking:
                found = bounds.get(lacking[0].partition, "nothing")
                self._stop(f"batch {record.number}", lacking[0], found)
            else:
                self._stop(f"batch {record.number}", "a batch that continues the log", "one that does not")

    def _stop(self, where: str, expected: object, found: object) -> None:
        self._complete = False
        self._findings.add("the log", where, expected, found)
        self._findings.note("not everything could be recomputed; stocks, keys and counts of orders were not compared")

    def _compare_head(self, head: Any, history: History, replay: Replay) -> None:
        books = replay.books if self._complete else history.books
        compare = self._findings.compare
        compare("head.batch", "the ledger", history.number, head.batch)
        compare("head.orders", "the ledger", books.tally.orders, head.orders)
        compare("head.amount_cny", "the ledger", fixed(books.amount, AMOUNT_DIGITS), exact(head.amount_cny))
        if head.fencing_token < history.fencing_token:
            self._findings.add("head.fencing_token", "the ledger", f">= {history.fencing_token}", head.fencing_token)
        compare("head.catalogue_version", "the ledger", replay.shop.version, head.catalogue_version)
        totals = self._ledger.totals()
        compare("total", "its currencies", sorted(CODES), sorted(totals))
        for code in CODES:
            paid, orders = totals.get(code, ("no row", 0))
            compare("total.paid", code, fixed(books.tally.paid[code], 2), paid)
            if self._complete:
                compare("total.orders", code, books.tally.succeeded[code], orders)

    def _compare_rows(self, history: History, replay: Replay) -> None:
        compare = self._findings.compare
        positions = self._ledger.positions()
        for partition in sorted(history.ends.keys() | positions.keys()):
            end = history.ends.get(partition, "no row")
            compare("log_position", f"partition {partition}", end, positions.get(partition, "no row"))
        compare("batch_range", "rows", history.range_count, self._ledger.count("batch_range"))
        stray_count, strays = self._ledger.strays(history.ends)
        for order in strays:
            self._findings.add("result", f"order {order}", "no row", "a row without a settled message")
        self._findings.count += stray_count - len(strays)
        if self._complete:
            replay.shop.compare(self._ledger.commodities())
            replay.user_orders.compare(self._ledger.user_orders(), self._findings)
            replay.keys.compare(self._ledger.count("idempotency_key"))


@contextmanager
def _rare_collections() -> Iterator[None]:
    before = gc.get_threshold()
    collect_rarely()
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _silent(_done: int, _total: int) -> None:
    """Show no progress."""


def _holds(bounds: LogRange | None, part: LogRange) -> bool:
    return bounds is not None and bounds.start <= part.start and part.end <= bounds.end


def _counts(history: History, replay: Replay) -> dict[str, int]:
    tally = replay.books.tally
    return {
        "batches": history.number,
        "orders settled": history.books.tally.orders,
        "orders recomputed": tally.orders,
        "of these succeeded": sum(tally.succeeded.values()),
        "of these malformed": tally.malformed,
        "idempotency keys proven": replay.keys.proven,
        "commodities": len(replay.shop.articles),
        "catalogue version": replay.shop.version,
    }
