"""Refusals by reason among the last orders, counted within ranges of ids: no index, and hardly more than the window.

An id is `offset << 12 | partition`, so the last offsets of a partition are one range of ids. Partitions that are about
equally long share it.
"""

from typing import Final

from sqlalchemy import Connection, text

from settlement.orderid import order_id
from settlement.refusal import LABELS

WINDOW_ORDERS: Final = 20_000

_COUNT: Final = text("SELECT reason, COUNT(*) AS orders FROM result WHERE id >= :low AND id < :high GROUP BY reason")


def count_refusals(connection: Connection, positions: dict[int, int]) -> tuple[int, dict[str, int]]:
    """Return how many of the last orders were looked at, and every reason with its number among them.

    Args:
        connection: in whose transaction to look.
        positions: the first unsettled offset of each partition.
    """
    looked_at, counts = 0, dict.fromkeys(LABELS, 0)
    for start, end in last_offsets(positions):
        for row in connection.execute(_COUNT, {"low": order_id(0, start), "high": order_id(0, end)}):
            looked_at += row.orders
            if row.reason is not None:
                counts[row.reason] += row.orders
    return looked_at, counts


def last_offsets(positions: dict[int, int]) -> list[tuple[int, int]]:
    """Return ranges [start, end) of offsets that hold each partition's share of the window, none twice."""
    share = WINDOW_ORDERS // max(len(positions), 1)
    ranges: list[tuple[int, int]] = []
    for start, end in sorted((max(end - share, 0), end) for end in positions.values()):
        if ranges and start <= ranges[-1][1]:
            ranges[-1] = (ranges[-1][0], max(ranges[-1][1], end))
        else:
            ranges.append((start, end))
    return ranges
