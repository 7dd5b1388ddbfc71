"""The order of settlement, and what the cursor drops or refuses."""

import pyarrow as pa
import pytest

from jobs.cursor import GapError, LogCursor
from settlement.ledger import OffsetRange


def _messages(*rows: tuple[int, int, int]) -> pa.Table:
    """Return messages from (timestamp in ms, partition, offset)."""
    timestamps, partitions, offsets = zip(*rows, strict=True)
    return pa.table(
        {
            "value": pa.array([b""] * len(rows), pa.binary()),
            "partition": pa.array(partitions, pa.int32()),
            "offset": pa.array(offsets, pa.int64()),
            "timestamp": pa.array([time * 1000 for time in timestamps], pa.timestamp("us", "UTC")),
        }
    )


def _places(messages: pa.Table) -> list[tuple[int, int]]:
    return list(zip(messages["partition"].to_pylist(), messages["offset"].to_pylist(), strict=True))


def test_messages_are_settled_by_time_then_partition_then_offset() -> None:
    """The broker's clock decides; partition and offset break ties."""
    fresh, ranges = LogCursor({}).advance(_messages((5, 1, 0), (5, 1, 1), (3, 0, 0), (5, 0, 1), (9, 0, 2)))
    assert _places(fresh) == [(0, 0), (0, 1), (1, 0), (1, 1), (0, 2)]
    assert ranges == [OffsetRange(0, 0, 3), OffsetRange(1, 0, 2)]


def test_batches_follow_each_other_without_gap() -> None:
    """The cursor remembers where the last batch ended, for partitions that were idle too."""
    cursor = LogCursor({0: 10, 2: 4})
    assert cursor.advance(_messages((1, 0, 10), (1, 0, 11)))[1] == [OffsetRange(0, 10, 12)]
    assert cursor.advance(_messages((2, 2, 4), (2, 0, 12)))[1] == [OffsetRange(0, 12, 13), OffsetRange(2, 4, 5)]


def test_what_was_seen_before_is_dropped() -> None:
    """An overlap leaves only what is new; a whole replay leaves nothing."""
    cursor = LogCursor({0: 2})
    fresh, ranges = cursor.advance(_messages((1, 0, 0), (2, 0, 1), (3, 0, 2)))
    assert (_places(fresh), ranges) == ([(0, 2)], [OffsetRange(0, 2, 3)])
    fresh, ranges = cursor.advance(_messages((1, 0, 0), (2, 0, 1), (3, 0, 2)))
    assert (fresh.num_rows, ranges) == (0, [])


@pytest.mark.parametrize("offsets", [(3, 4), (2, 4), (2, 3, 5)])
def test_a_missing_offset_is_refused(offsets: tuple[int, ...]) -> None:
    """At the front or in the middle."""
    with pytest.raises(GapError, match="next offset is 2"):
        LogCursor({0: 2}).advance(_messages(*((offset, 0, offset) for offset in offsets)))
