"""The batches that were committed, read from the ledger: which part of the log each covers, and what it took."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import Connection, text

from settlement.ledger import OffsetRange

BATCHES_MAX: Final = 10_000
"""Most batches that one reading returns."""

_BATCHES: Final = text(
    "SELECT number, orders, succeeded, malformed, rates_zxid, fetch_ms, decode_ms, decide_ms, write_ms, committed_at"
    " FROM batch WHERE number > :after ORDER BY number LIMIT :most"
)
_RANGES: Final = text(
    "SELECT batch, partition_id, start_offset, end_offset FROM batch_range WHERE batch > :after AND batch <= :last"
    " ORDER BY batch, partition_id"
)


@dataclass(frozen=True)
class BatchRecord:
    """One committed batch.

    Attributes:
        orders: messages that it settled, whatever became of them.
        rates_zxid: the ZooKeeper transaction that wrote its rates.
        fetch_ms: and the others: milliseconds of each step. `write_ms` ends before the COMMIT itself.
        committed_at: the database's clock at the transaction's last statement, UTC.
        ranges: what of the log it covers.
    """

    number: int
    orders: int
    succeeded: int
    malformed: int
    rates_zxid: int
    fetch_ms: float
    decode_ms: float
    decide_ms: float
    write_ms: float
    committed_at: datetime
    ranges: tuple[OffsetRange, ...]


def read_batches(connection: Connection, *, after: int, most: int = BATCHES_MAX) -> list[BatchRecord]:
    """Return the batches that follow number `after`, in order; ask again after the last one until none is left.

    Raises:
        sqlalchemy.exc.DBAPIError: the database is away or refused.
    """
    rows = connection.execute(_BATCHES, {"after": after, "most": most}).mappings().all()
    if not rows:
        return []
    ranges: defaultdict[int, list[OffsetRange]] = defaultdict(list)
    for part in connection.execute(_RANGES, {"after": after, "last": rows[-1]["number"]}):
        ranges[part.batch].append(OffsetRange(part.partition_id, part.start_offset, part.end_offset))
    return [
        BatchRecord(
            **row | {"committed_at": row["committed_at"].replace(tzinfo=UTC)}, ranges=tuple(ranges[row["number"]])
        )
        for row in map(dict, rows)
    ]
