"""The last committed batches: records that never change, so each is read once, however many people watch."""

from datetime import UTC, datetime
from typing import Final, NamedTuple

from sqlalchemy import Connection, text

BATCHES_KEPT: Final = 2_000

_BETWEEN: Final = text(
    "SELECT number, orders, succeeded, malformed, fetch_ms, decode_ms, decide_ms, write_ms, committed_at, oldest_ms,"
    " newest_ms FROM batch WHERE number BETWEEN :first AND :last ORDER BY number"
)


class RecentBatch(NamedTuple):
    """A row of `batch`; the two of Kafka's timestamps are null for batches of an older release."""

    number: int
    orders: int
    succeeded: int
    malformed: int
    fetch_ms: float
    decode_ms: float
    decide_ms: float
    write_ms: float
    committed_ms: float
    oldest_ms: int | None
    newest_ms: int | None


class RecentBatches:
    """Used from one thread at a time."""

    def __init__(self) -> None:
        self._kept: list[RecentBatch] = []

    def read(self, connection: Connection, last: int) -> list[RecentBatch]:
        """Return the batches up to number `last`, oldest first; asks for those that are new since the last time."""
        if self._kept and self._kept[-1].number > last:
            self._kept = []  # another ledger
        found = self._ask(connection, self._kept[-1].number if self._kept else 1, last)
        if self._kept and (not found or found[0] != self._kept[-1]):
            found, self._kept = self._ask(connection, 1, last), []
        self._kept = [*self._kept[:-1], *found][-BATCHES_KEPT:]
        return self._kept

    @staticmethod
    def _ask(connection: Connection, first: int, last: int) -> list[RecentBatch]:
        rows = connection.execute(_BETWEEN, {"first": max(first, last - BATCHES_KEPT + 1), "last": last}).all()
        return [RecentBatch._make((*row[:8], _epoch_ms(row.committed_at), *row[9:])) for row in rows]


def settled_at(edges: list[int], batches: list[RecentBatch], settled: int) -> list[int | None]:
    """Return how many orders were settled at each edge; None before the oldest batch that is known.

    Args:
        edges: moments of the past, oldest first.
        batches: the last ones, up to the one that made the count what it is.
        settled: the count.
    """
    known_from = 0.0 if not batches or batches[0].number == 1 else batches[0].committed_ms
    counts: list[int | None] = []
    left, remaining = len(batches), settled
    for edge in reversed(edges):
        while left and batches[left - 1].committed_ms > edge:
            left -= 1
            remaining -= batches[left].orders
        counts.append(remaining if edge >= known_from else None)
    return counts[::-1]


def _epoch_ms(moment: datetime) -> float:
    return moment.replace(tzinfo=UTC).timestamp() * 1000
