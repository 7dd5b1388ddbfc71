"""The ledger: one transaction per batch, its offsets inside, guarded by the head row.

The transaction advances the single head row by compare-and-set on batch number, fencing token and catalogue
version, loads the results, takes the stock, moves the log positions, adds to the totals and records the batch. Whatever
does not match rolls all of it back, and the caller reads its state again.
"""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import pyarrow as pa
from sqlalchemy import Connection, text

from settlement import user_orders
from settlement.bulk_load import load_rows
from settlement.currency import CODES, DIGITS
from settlement.head import Head, read_head, require_token
from settlement.idempotency import KeyedOrder, insert_keys
from settlement.money import AMOUNT_DIGITS, RATE_DIGITS, to_decimal, turnover_cny
from settlement.rates import Snapshot

_STOCK_ROWS_MAX: Final = 20_000

_TAKE_STOCK: Final = text(
    "UPDATE commodity JOIN JSON_TABLE(:taken, '$[*]' COLUMNS (id BIGINT PATH '$[0]', units BIGINT PATH '$[1]')) AS sold"
    " ON commodity.id = sold.id SET inventory = inventory - sold.units WHERE inventory >= sold.units"
)

RESULT_COLUMNS: Final = ("id", "user_id", "initiator", "success", "paid", "reason", "duplicate_of", "batch")


class StaleStateError(Exception):
    """The batch was decided on a state that is no longer there; read it again and decide again."""


class LedgerViolationError(Exception):
    """The store does not hold what this process knows it must; a human must look."""


@dataclass(frozen=True)
class OffsetRange:
    """Offsets [start, end) of one partition."""

    partition: int
    start: int
    end: int


@dataclass(frozen=True)
class SettledBatch:
    """All that one transaction writes.

    Attributes:
        number: the head's batch number plus one.
        results: a table with `RESULT_COLUMNS`, already as text for the database.
        user_orders: a table with `user_orders.COLUMNS`, likewise.
        taken: (commodity id, units) of every commodity that was sold.
        keys: first uses of idempotency keys.
        ranges: what of the log this batch covers.
        paid: sum of `paid` of the successes per initiator currency, minor units.
        succeeded_per_currency: how many orders they were.
        malformed: how many messages were no valid orders.
        accepted_ms: Kafka's timestamps of the oldest and the newest message, epoch milliseconds.
        step_ms: milliseconds of fetching, decoding and deciding.
    """

    number: int
    catalogue_version: int
    results: pa.Table
    user_orders: pa.Table
    taken: Sequence[tuple[int, int]]
    keys: list[KeyedOrder]
    ranges: Sequence[OffsetRange]
    snapshot: Snapshot
    paid: tuple[int, ...]
    succeeded_per_currency: tuple[int, ...]
    malformed: int
    accepted_ms: tuple[int, int]
    step_ms: dict[str, float]

    @property
    def orders(self) -> int:
        """How many messages the batch settles."""
        return int(self.results.num_rows)

    @property
    def amount_cny(self) -> Decimal:
        """What the batch adds to the total."""
        return to_decimal(turnover_cny(self.paid, self.snapshot.rates), AMOUNT_DIGITS)


def write_batch(connection: Connection, batch: SettledBatch, token: int) -> Head:
    """Write a batch within the connection's transaction and return the head as it then is.

    Raises:
        FencedError: another holder has taken over.
        StaleStateError: the batch was decided on an older catalogue, or its number is taken.
        BulkLoadError, LedgerViolationError: a guard of the store did not hold.
        sqlalchemy.exc.DBAPIError: the database failed.
    """
    began = time.perf_counter()
    _advance_head(connection, batch, token)
    load_rows(connection, "result", RESULT_COLUMNS, batch.results)
    load_rows(connection, "user_orders", user_orders.COLUMNS, batch.user_orders)
    _take_stock(connection, batch.taken)
    insert_keys(connection, batch.keys)
    _move_positions(connection, batch.ranges)
    _add_totals(connection, batch)
    _record_batch(connection, batch, token, (time.perf_counter() - began) * 1000)
    return read_head(connection)


def _advance_head(connection: Connection, batch: SettledBatch, token: int) -> None:
    advanced = connection.execute(
        text(
            "UPDATE head SET batch = :number, orders = orders + :orders, amount_cny = amount_cny + :amount_cny"
            " WHERE batch = :number - 1 AND fencing_token = :token AND catalogue_version = :version"
        ),
        {
            "number": batch.number,
            "orders": batch.orders,
            "amount_cny": batch.amount_cny,
            "token": token,
            "version": batch.catalogue_version,
        },
    ).rowcount
    if advanced == 1:
        return
    head = read_head(connection)
    require_token(head, token)
    raise StaleStateError(
        f"decided as batch {batch.number} on catalogue version {batch.catalogue_version}, but the ledger stands at"
        f" batch {head.batch}, version {head.catalogue_version}"
    )


def _take_stock(connection: Connection, taken: Sequence[tuple[int, int]]) -> None:
    """Take what was sold; the guard `inventory >= units` and the row count refuse an oversold batch whole."""
    for start in range(0, len(taken), _STOCK_ROWS_MAX):
        rows = taken[start : start + _STOCK_ROWS_MAX]
        changed = connection.execute(_TAKE_STOCK, {"taken": json.dumps(rows)}).rowcount
        if changed != len(rows):
            raise LedgerViolationError(f"only {changed} of {len(rows)} commodities had the units that the batch sold")


def _move_positions(connection: Connection, ranges: Sequence[OffsetRange]) -> None:
    for part in ranges:
        values = {"partition": part.partition, "start": part.start, "end": part.end}
        if part.start == 0:
            connection.execute(text("INSERT INTO log_position VALUES (:partition, :end)"), values)
            continue
        moved = connection.execute(
            text("UPDATE log_position SET next_offset = :end WHERE partition_id = :partition AND next_offset = :start"),
            values,
        ).rowcount
        if moved != 1:
            raise LedgerViolationError(f"partition {part.partition}: the ledger's position is not {part.start}")


def _add_totals(connection: Connection, batch: SettledBatch) -> None:
    connection.execute(
        text("UPDATE total SET paid = paid + :paid, orders = orders + :orders WHERE initiator = :initiator"),
        [
            {"initiator": code, "paid": to_decimal(paid, digits), "orders": orders}
            for code, digits, paid, orders in zip(CODES, DIGITS, batch.paid, batch.succeeded_per_currency, strict=True)
        ],
    )


_RECORD: Final = text(
    "INSERT INTO batch VALUES (:number, :token, :version, :orders, :succeeded, :malformed, :zxid,"
    " :rate_cny, :rate_usd, :rate_jpy, :rate_eur, :paid_cny, :paid_usd, :paid_jpy, :paid_eur, :amount_cny,"
    " :fetch, :decode, :decide, :write, UTC_TIMESTAMP(6), :oldest_ms, :newest_ms)"
)
_RECORD_RANGE: Final = text("INSERT INTO batch_range VALUES (:number, :partition, :start, :end)")


def _record_batch(connection: Connection, batch: SettledBatch, token: int, write_ms: float) -> None:
    values: dict[str, object] = {
        "number": batch.number,
        "token": token,
        "version": batch.catalogue_version,
        "orders": batch.orders,
        "succeeded": sum(batch.succeeded_per_currency),
        "malformed": batch.malformed,
        "zxid": batch.snapshot.zxid,
        "amount_cny": batch.amount_cny,
        "write": write_ms,
        "oldest_ms": batch.accepted_ms[0],
        "newest_ms": batch.accepted_ms[1],
    }
    for code, digits, rate, paid in zip(CODES, DIGITS, batch.snapshot.rates, batch.paid, strict=True):
        values[f"rate_{code.lower()}"] = to_decimal(rate, RATE_DIGITS)
        values[f"paid_{code.lower()}"] = to_decimal(paid, digits)
    connection.execute(_RECORD, values | batch.step_ms)
    connection.execute(
        _RECORD_RANGE,
        [
            {"number": batch.number, "partition": part.partition, "start": part.start, "end": part.end}
            for part in batch.ranges
        ],
    )
