"""The bins of the page's history: edges lie on whole multiples, so that every reader shares them."""

from itertools import pairwise
from typing import Final

BIN_SECONDS: Final = 5
BINS: Final = 60
_BIN_MS: Final = BIN_SECONDS * 1000
_SETTLE_MS: Final = 1000  # a message may still get a timestamp this old


def edges(now_ms: int) -> list[int]:
    """Return the edges of the last bins that are over, oldest first, epoch milliseconds."""
    last = (now_ms - _SETTLE_MS) // _BIN_MS * _BIN_MS
    return [last - _BIN_MS * back for back in range(BINS, -1, -1)]


def per_second(counts: list[int | None]) -> list[float | None]:
    """Return the rate in each bin from the running count at each edge."""
    return [
        None if before is None or after is None else max(after - before, 0) / BIN_SECONDS
        for before, after in pairwise(counts)
    ]


def recent_rate(counts: list[int | None], now_count: int | None, edge_ms: list[int], now_ms: int) -> float | None:
    """Return the rate since the edge two bins before the last one."""
    before = counts[-3]
    if before is None or now_count is None:
        return None
    return max(now_count - before, 0) * 1000 / (now_ms - edge_ms[-3])
