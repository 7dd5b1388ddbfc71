"""From the batches of the ledger: when each accepted order was settled, how fast that went, and what each step took."""

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np

from generator.accepted import offsets_of, partitions_of
from generator.orders import Integers
from generator.tally import Microseconds
from settlement.batches import BatchRecord

UNSETTLED: Final = -1
_OFFSET_BITS: Final = 51


class BatchSteps(msgspec.Struct, frozen=True):
    """The batches that settled a run's orders.

    Attributes:
        batches: how many.
        orders: how many orders they settled, also other senders'.
        fetch_ms_mean: and the others: mean milliseconds of each step; fetching may overlap with the batch before.
        busy_orders_per_second: orders per second of decoding, deciding and writing: what the settling thread can do.
    """

    batches: int
    orders: int
    orders_mean: float
    orders_max: int
    fetch_ms_mean: float
    decode_ms_mean: float
    decide_ms_mean: float
    write_ms_mean: float
    busy_orders_per_second: float


def settling_batches(ids: Integers, batches: Sequence[BatchRecord]) -> Integers:
    """Return the index in `batches` of each order's batch, or `UNSETTLED`.

    A batch is known by its ranges of offsets; no row of the results is needed.
    """
    ranges = sorted(
        (part.partition << _OFFSET_BITS | part.start, part.partition << _OFFSET_BITS | part.end, index)
        for index, batch in enumerate(batches)
        for part in batch.ranges
        if part.end > part.start
    )
    if not ranges:
        return np.full(len(ids), UNSETTLED, np.int64)
    starts, ends, indices = np.array(ranges, np.int64).T
    keys = partitions_of(ids) << _OFFSET_BITS | offsets_of(ids)
    at = np.searchsorted(starts, keys, side="right") - 1
    return np.where((at >= 0) & (keys < ends[at]), indices[at], UNSETTLED)


def settle_moments(indices: Integers, batches: Sequence[BatchRecord]) -> Microseconds:
    """Return when each order was settled (epoch microseconds), or `UNSETTLED`."""
    committed = [round(batch.committed_at.timestamp() * 1_000_000) for batch in batches]
    return np.array([*committed, UNSETTLED], np.int64)[indices]


def settle_rate(moments: Microseconds) -> float | None:
    """Return orders per second from the first commit to the last; None if there was but one.

    Those of the first commit do not count: the time that they took lies before it.
    """
    settled = moments[moments != UNSETTLED]
    if not len(settled) or settled.min() == settled.max():
        return None
    return float(np.count_nonzero(settled > settled.min()) / (settled.max() - settled.min()) * 1_000_000)


def batch_steps(batches: Sequence[BatchRecord]) -> BatchSteps | None:
    """Return what the steps of these batches took; None of none."""
    if not batches:
        return None
    columns = [(b.orders, b.fetch_ms, b.decode_ms, b.decide_ms, b.write_ms) for b in batches]
    orders, fetch, decode, decide, write = np.array(columns, np.float64).T
    busy_seconds = float((decode + decide + write).sum()) / 1000
    return BatchSteps(
        batches=len(batches),
        orders=int(orders.sum()),
        orders_mean=round(float(orders.mean()), 1),
        orders_max=int(orders.max()),
        fetch_ms_mean=round(float(fetch.mean()), 3),
        decode_ms_mean=round(float(decode.mean()), 3),
        decide_ms_mean=round(float(decide.mean()), 3),
        write_ms_mean=round(float(write.mean()), 3),
        busy_orders_per_second=round(float(orders.sum()) / busy_seconds, 1) if busy_seconds else 0,
    )
