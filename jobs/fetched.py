"""A micro-batch on its way from Kafka to the ledger."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import pyarrow as pa
import pyarrow.compute as pc

from jobs.decode import DecodedBatch, decode
from settlement.ledger import OffsetRange


@dataclass(frozen=True)
class FetchedBatch:
    """A decoded micro-batch.

    Attributes:
        decoded: its orders.
        ranges: what of the log it covers.
        accepted_ms: Kafka's timestamps of the oldest and the newest message, epoch milliseconds.
        step_ms: milliseconds that it took to get here.
    """

    decoded: DecodedBatch
    ranges: Sequence[OffsetRange]
    accepted_ms: tuple[int, int]
    step_ms: dict[str, float]

    @classmethod
    def of(cls, messages: pa.Table, ranges: Sequence[OffsetRange], fetch_ms: float) -> Self:
        """Decode messages (columns value, partition, offset, timestamp) that are in their order of settlement."""
        began = time.perf_counter()
        decoded = decode(messages)
        extent = pc.min_max(messages["timestamp"].cast(pa.timestamp("ms", "UTC")).cast(pa.int64()))
        step_ms = {"fetch": fetch_ms, "decode": (time.perf_counter() - began) * 1000}
        return cls(decoded, ranges, (extent["min"].as_py() or 0, extent["max"].as_py() or 0), step_ms)
