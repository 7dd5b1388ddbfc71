"""The ledger as one consistent snapshot of the database, read in bounded pages while settlement goes on."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice
from typing import Any, Final, Self

from sqlalchemy import Row, bindparam, text

from settlement.audit.log import LogRange
from settlement.currency import CODES
from settlement.database import create_database_engine
from settlement.orderid import PARTITION_BITS, PARTITION_MASK
from settlement.settings import Settings

_PAGE_ROWS: Final = 1_000
_RESULT_ROWS_MAX: Final = 5_000
_SCAN_ROWS: Final = 250_000
_LISTED_MAX: Final = 20
_LISTS_PAGE: Final = 200  # lists of orders by user; one is as long as a batch at most
_ID_MIN: Final = -(2**63)
_TEXT_BYTES_MAX: Final = 1_000_000  # 5,000 results of at most 130 bytes; below every server's packet limit

_RESULT_TEXT: Final = (
    "CONCAT_WS(',', id, COALESCE(user_id, '-'), COALESCE(initiator, '-'), success, paid, COALESCE(reason, '-'),"
    " COALESCE(duplicate_of, '-'), batch)"
)
"""One result as text, the same that the replay writes: comparing 5,000 rows is then one comparison of two strings."""

_RESULTS: Final = text(
    f"SELECT GROUP_CONCAT({_RESULT_TEXT} SEPARATOR '\n') FROM result"  # noqa: S608 - constants of ours
    f" WHERE id BETWEEN :low AND :high AND id & {PARTITION_MASK} = :partition"
)
_CLAIMS: Final = text(
    "SELECT key_hash, content_hash, order_id FROM idempotency_key WHERE key_hash IN :hashes"
).bindparams(bindparam("hashes", expanding=True))
_BATCHES: Final = text("SELECT * FROM batch WHERE number > :after ORDER BY number LIMIT :rows")
_RANGES: Final = text(
    "SELECT batch, partition_id, start_offset, end_offset FROM batch_range"
    " WHERE batch BETWEEN :first AND :last ORDER BY batch, partition_id"
)
_NEXT_VERSION: Final = text("SELECT MIN(version) FROM catalogue_change WHERE version > :after")
_CHANGES: Final = text(
    "SELECT * FROM catalogue_change WHERE version = :version AND commodity_id > :after"
    " ORDER BY commodity_id LIMIT :rows"
)
_USER_ORDERS: Final = text(
    "SELECT bucket, batch, orders FROM user_orders WHERE bucket > :bucket OR (bucket = :bucket AND batch > :batch)"
    " ORDER BY bucket, batch LIMIT :rows"
)
_COMMODITIES: Final = text("SELECT * FROM commodity WHERE id > :after ORDER BY id LIMIT :rows")


@dataclass(frozen=True)
class BatchRecord:
    """What the ledger says of one batch; rates in millionths, money as the database's exact text."""

    number: int
    fencing_token: int
    catalogue_version: int
    orders: int
    succeeded: int
    malformed: int
    rates: tuple[int, ...]
    paid: tuple[str, ...]
    amount_cny: str
    ranges: tuple[LogRange, ...]


class LedgerSnapshot:
    """Reads the ledger as of one moment; nothing that settlement commits later shows."""

    def __init__(self, settings: Settings) -> None:
        self._engine = create_database_engine(settings.database_url.get_secret_value(), pool_size=1)

    def __enter__(self) -> Self:
        self._connection = self._engine.connect().execution_options(isolation_level="REPEATABLE READ")
        self._connection.exec_driver_sql(f"SET SESSION group_concat_max_len = {_TEXT_BYTES_MAX}")
        self._connection.exec_driver_sql("START TRANSACTION WITH CONSISTENT SNAPSHOT")
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()
        self._engine.dispose()

    def head(self) -> Row[Any] | None:
        """Return the head row."""
        return self._connection.execute(text("SELECT * FROM head WHERE id = 1")).one_or_none()

    def totals(self) -> dict[str, tuple[str, int]]:
        """Return what was paid (exact text) and by how many orders, per initiator currency."""
        rows = self._connection.execute(text("SELECT initiator, paid, orders FROM total"))
        return {row.initiator: (exact(row.paid), row.orders) for row in rows}

    def positions(self) -> dict[int, int]:
        """Return the first unsettled offset per partition."""
        rows = self._connection.execute(text("SELECT partition_id, next_offset FROM log_position"))
        return {row.partition_id: row.next_offset for row in rows}

    def count(self, table: str) -> int:
        """Return how many rows one of our tables has."""
        return int(self._connection.execute(text(f"SELECT COUNT(*) FROM {table}")).scalar_one())  # noqa: S608

    def batches(self) -> Iterator[BatchRecord]:
        """Return every batch in its order, each with its ranges."""
        after = 0
        while page := self._connection.execute(_BATCHES, {"after": after, "rows": _PAGE_ROWS}).all():
            limits = {"first": page[0].number, "last": page[-1].number}
            ranges: dict[int, list[LogRange]] = {}
            for batch, *part in self._connection.execute(_RANGES, limits):
                ranges.setdefault(batch, []).append(LogRange(*part))
            yield from (_batch(row, ranges.get(row.number, ())) for row in page)
            after = page[-1].number

    def results(self, part: LogRange) -> Iterator[str]:
        """Return the results of a range as text: comma-separated rows, each on its line, `-` for NULL."""
        for start in range(part.start, part.end, _RESULT_ROWS_MAX):
            end = min(start + _RESULT_ROWS_MAX, part.end)
            limits = {
                "low": start << PARTITION_BITS,
                "high": (end << PARTITION_BITS) - 1,
                "partition": part.partition,
            }
            yield self._connection.execute(_RESULTS, limits).scalar_one() or ""

    def claims(self, key_hashes: Iterable[bytes]) -> dict[bytes, tuple[bytes, int]]:
        """Return what the ledger says of these keys: the content and the id of the order that owns each."""
        claims: dict[bytes, tuple[bytes, int]] = {}
        remaining = iter(key_hashes)
        while page := list(islice(remaining, _PAGE_ROWS)):
            for key, content, order in self._connection.execute(_CLAIMS, {"hashes": page}):
                claims[key] = (content, order)
        return claims

    def changes(self) -> Iterator[Row[Any]]:
        """Return every change of the catalogue in version order."""
        version = 0
        while version := self._connection.execute(_NEXT_VERSION, {"after": version}).scalar_one():
            after = _ID_MIN
            limits = {"version": version, "rows": _PAGE_ROWS}
            while page := self._connection.execute(_CHANGES, limits | {"after": after}).all():
                yield from page
                after = page[-1].commodity_id

    def commodities(self) -> Iterator[Row[Any]]:
        """Return the whole catalogue by ascending id."""
        after = _ID_MIN
        while page := self._connection.execute(_COMMODITIES, {"after": after, "rows": _PAGE_ROWS}).all():
            yield from page
            after = page[-1].id

    def user_orders(self) -> Iterator[Row[Any]]:
        """Return every list of orders by user."""
        after = {"bucket": 0, "batch": 0}
        while page := self._connection.execute(_USER_ORDERS, after | {"rows": _LISTS_PAGE}).all():
            yield from page
            after = {"bucket": page[-1].bucket, "batch": page[-1].batch}

    def strays(self, positions: Mapping[int, int]) -> tuple[int, list[int]]:
        """Return how many results lie outside the settled part of the log, and the first ids of those."""
        inside = " OR ".join(
            f"(id & {PARTITION_MASK} = {partition:d} AND id BETWEEN 0 AND {(end << PARTITION_BITS) - 1:d})"
            for partition, end in positions.items()
        )
        stray = f"NOT ({inside or 'FALSE'})"
        page = (
            f"SELECT MAX(id), SUM({stray}) FROM"  # noqa: S608 - constants and integers
            f" (SELECT id FROM result WHERE id > :after ORDER BY id LIMIT {_SCAN_ROWS}) AS page"
        )
        listed = f"SELECT id FROM result WHERE id > :after AND id <= :last AND {stray} LIMIT {_LISTED_MAX}"  # noqa: S608
        count, ids, after = 0, list[int](), _ID_MIN
        while True:
            last, found = self._connection.execute(text(page), {"after": after}).one()
            if last is None:
                return count, ids[:_LISTED_MAX]
            if found:
                count += int(found)
                ids += self._connection.execute(text(listed), {"after": after, "last": last}).scalars()
            after = last


def exact(value: Decimal) -> str:
    """Return a decimal of the database as it is, with all its digits."""
    return f"{value:f}"


def _batch(row: Row[Any], ranges: Sequence[LogRange]) -> BatchRecord:
    fields = row._asdict()
    return BatchRecord(
        number=row.number,
        fencing_token=row.fencing_token,
        catalogue_version=row.catalogue_version,
        orders=row.orders,
        succeeded=row.succeeded,
        malformed=row.malformed,
        rates=tuple(int(exact(fields[f"rate_{code.lower()}"]).replace(".", "")) for code in CODES),
        paid=tuple(exact(fields[f"paid_{code.lower()}"]) for code in CODES),
        amount_cny=exact(row.amount_cny),
        ranges=tuple(ranges),
    )
