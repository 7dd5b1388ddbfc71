"""Decided orders as the text rows that the ledger loads."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from settlement.bulk_load import NULL
from settlement.currency import CODES, DIGITS, Currency
from settlement.decide import Decision, OrderBatch
from settlement.idempotency import Repetition
from settlement.ledger import RESULT_COLUMNS
from settlement.refusal import Refusal
from settlement.stock import Ints
from settlement.user_orders import user_order_rows

_REASONS: Final = pa.array([NULL, *(refusal.label for refusal in Refusal if refusal is not Refusal.NONE)])
_CODES: Final = pa.array(CODES)
_WHOLE_UNITS: Final = pa.array([digits == 0 for digits in DIGITS])


def result_rows(batch: int, orders: OrderBatch, decision: Decision, repetitions: Sequence[Repetition]) -> pa.Table:
    """Return one row per order with the ledger's `RESULT_COLUMNS`, all text."""
    malformed = pa.array(orders.refusals == Refusal.MALFORMED)
    whole = _WHOLE_UNITS.take(pa.array(orders.initiators))
    paid = pc.if_else(whole, _text(pa.array(decision.paid)), _text(_hundredths(decision.paid)))
    rows = len(orders.ids)
    columns = {
        "id": _text(pa.array(orders.ids)),
        "user_id": pc.if_else(malformed, NULL, _text(pa.array(orders.user_ids))),
        "initiator": pc.if_else(malformed, NULL, _CODES.take(pa.array(orders.initiators))),
        "success": pc.if_else(pa.array(decision.refusals == Refusal.NONE), "1", "0"),
        "paid": paid,
        "reason": _REASONS.take(pa.array(decision.refusals)),
        "duplicate_of": _duplicate_of(rows, repetitions),
        "batch": pa.repeat(pa.scalar(str(batch)), rows),
    }
    return pa.table([columns[name] for name in RESULT_COLUMNS], names=list(RESULT_COLUMNS))


def user_rows(batch: int, orders: OrderBatch) -> pa.Table:
    """Return the rows that list the batch's orders by user; a malformed message has none."""
    readable = orders.refusals != Refusal.MALFORMED
    return user_order_rows(orders.user_ids[readable], orders.ids[readable], batch)


def sum_paid(orders: OrderBatch, decision: Decision) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return, per initiator currency, the sum of `paid` in minor units (exact at any size) and the successes."""
    sums, counts = [], []
    for currency in Currency:
        chosen = (orders.initiators == currency) & (decision.refusals == Refusal.NONE)
        high, low = np.divmod(decision.paid[chosen], 10**9)
        sums.append(int(high.sum()) * 10**9 + int(low.sum()))
        counts.append(int(chosen.sum()))
    return tuple(sums), tuple(counts)


def _text(values: pa.Array) -> pa.Array:
    return values.cast(pa.string())


def _hundredths(values: Ints) -> pa.Array:
    """Return non-negative integers of hundredths as decimals, without going through floating point."""
    wide = np.zeros((len(values), 2), np.int64)  # little-endian 128 bits each
    wide[:, 0] = values
    return pa.Array.from_buffers(pa.decimal128(20, 2), len(values), [None, pa.py_buffer(wide)])


def _duplicate_of(rows: int, repetitions: Sequence[Repetition]) -> pa.Array:
    if not repetitions:
        return pa.repeat(pa.scalar(NULL), rows)
    texts = np.full(rows, NULL, dtype=object)
    for repetition in repetitions:
        texts[repetition.position] = str(repetition.first_order_id)
    return pa.array(texts, pa.string())
