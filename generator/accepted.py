"""The accepted orders of a whole run, in arrays: two million take some 70 MB."""

from typing import Any, Final

import numpy as np

from generator.orders import Integers
from generator.tally import Columns
from settlement.orderid import PARTITION_BITS, PARTITION_MASK

_FIRST_CAPACITY: Final = 65_536
_NAMES: Final = ("ids", "kinds", "due", "sent", "acknowledged")


class AcceptedOrders:
    """Columns that grow."""

    def __init__(self) -> None:
        self._size = 0
        self._buffers: dict[str, Any] = {name: np.empty(0, np.int8 if name == "kinds" else np.int64) for name in _NAMES}

    def __len__(self) -> int:
        return self._size

    def append(self, more: Columns) -> None:
        """Add orders."""
        size = self._size + len(more)
        for name, buffer in self._buffers.items():
            if size > len(buffer):
                grown = np.empty(max(size, 2 * len(buffer), _FIRST_CAPACITY), buffer.dtype)
                grown[: self._size] = buffer[: self._size]
                self._buffers[name] = buffer = grown
            buffer[self._size : size] = getattr(more, name)
        self._size = size

    @property
    def columns(self) -> Columns:
        """The orders so far, as views."""
        return Columns(**{name: buffer[: self._size] for name, buffer in self._buffers.items()})

    def count_below(self, positions: dict[int, int]) -> int:
        """Return how many stand before the first unsettled offset of their partition."""
        ids = self.columns.ids
        return int(np.count_nonzero(offsets_of(ids) < next_offsets(positions)[partitions_of(ids)]))


def partitions_of(ids: Integers) -> Integers:
    """Return the partition of each order."""
    return ids & PARTITION_MASK


def offsets_of(ids: Integers) -> Integers:
    """Return the offset of each order."""
    return ids >> PARTITION_BITS


def next_offsets(positions: dict[int, int]) -> Integers:
    """Return the first unsettled offset of every partition there may be, 0 where none was settled."""
    table = np.zeros(PARTITION_MASK + 1, np.int64)
    table[list(positions)] = list(positions.values())
    return table
