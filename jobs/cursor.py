"""Where in the log the next batch must begin: duplicates of what came before are dropped, a gap halts the job."""

import numpy as np
import pyarrow as pa

from settlement.ledger import OffsetRange


class GapError(Exception):
    """Messages are missing between the ledger's position and what Kafka gave; a human must look."""


class LogCursor:
    """The next offset expected of each partition; a partition not seen before starts at 0."""

    def __init__(self, positions: dict[int, int]) -> None:
        self._positions = dict(positions)

    def advance(self, messages: pa.Table) -> tuple[pa.Table, list[OffsetRange]]:
        """Return the messages not seen before, in their order of settlement, and which ranges they fill.

        Order within a batch: broker timestamp, then partition, then offset.

        Raises:
            GapError: an offset is missing.
        """
        partitions, offsets = (messages[name].to_numpy().astype(np.int64) for name in ("partition", "offset"))
        expected = np.zeros(int(partitions.max(initial=0)) + 1, np.int64)
        for partition, offset in self._positions.items():
            if partition < len(expected):
                expected[partition] = offset
        fresh = offsets >= expected[partitions]
        if not fresh.all():
            messages, partitions, offsets = messages.filter(pa.array(fresh)), partitions[fresh], offsets[fresh]
        ranges = [self._range(int(partition), offsets[partitions == partition]) for partition in np.unique(partitions)]
        self._positions.update({part.partition: part.end for part in ranges})
        timestamps = messages["timestamp"].to_numpy().astype(np.int64)
        order = np.lexsort((offsets, partitions, timestamps))
        if (np.diff(order) != 1).any():
            messages = messages.take(pa.array(order))
        return messages, ranges

    def _range(self, partition: int, offsets: "np.typing.NDArray[np.int64]") -> OffsetRange:
        start = self._positions.get(partition, 0)
        end = start + len(offsets)
        if offsets.min() != start or offsets.max() != end - 1:
            raise GapError(
                f"partition {partition}: the ledger's next offset is {start}, but Kafka gave {len(offsets)} messages"
                f" from {offsets.min()} to {offsets.max()}. Messages were deleted or the log was altered; nothing was"
                " settled. Restore the log, or audit and then move log_position by hand"
            )
        return OffsetRange(partition, start, end)
