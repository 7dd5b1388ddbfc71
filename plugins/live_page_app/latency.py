"""Accepted to settled over the last batches, from what each recorded of its oldest and its newest message."""

from bisect import bisect_left
from itertools import accumulate
from typing import Final

from plugins.live_page_app.recent_batches import RecentBatch
from plugins.live_page_app.snapshot import Latency

LATENCY_BATCHES: Final = 100
_POINTS: Final = 20


def approximate(batches: list[RecentBatch]) -> Latency | None:
    """Return percentiles over the orders of the last batches, as if each batch's had come evenly; None if unknown."""
    measured = [batch for batch in batches[-LATENCY_BATCHES:] if batch.oldest_ms is not None and batch.orders]
    if not measured:
        return None
    points = sorted(point for batch in measured for point in _points(batch))
    weights = list(accumulate(weight for _, weight in points))
    p50, p99 = (points[bisect_left(weights, weights[-1] * share)][0] for share in (0.5, 0.99))
    return Latency(p50, p99, sum(batch.orders for batch in measured), len(measured))


def batch_latency_ms(batch: RecentBatch) -> int | None:
    """Return how long its oldest message waited for the commit."""
    return None if batch.oldest_ms is None else max(round(batch.committed_ms - batch.oldest_ms), 0)


def _points(batch: RecentBatch) -> list[tuple[float, float]]:
    """Return (latency, orders) of evenly spread messages between the oldest and the newest."""
    oldest = batch.oldest_ms or 0
    newest = oldest if batch.newest_ms is None else batch.newest_ms
    step = (newest - oldest) / (_POINTS - 1)
    return [(max(batch.committed_ms - oldest - step * point, 0.0), batch.orders / _POINTS) for point in range(_POINTS)]
