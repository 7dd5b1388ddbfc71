"""Percentiles of latencies, by HdrHistogram."""

from typing import Final

import msgspec
import numpy as np
from hdrh.histogram import HdrHistogram

from generator.tally import Microseconds

_MICROSECONDS_MAX: Final = 24 * 3_600_000_000
_DIGITS: Final = 3
_EXACT_BITS: Final = 11  # three digits are told apart by the first eleven bits
CURVE: Final = (0, 10, 25, 50, 75, 90, 95, 97.5, 99, 99.5, 99.75, 99.9, 99.95, 99.99, 99.999)


class Latency(msgspec.Struct, frozen=True):
    """The distribution of a latency, in milliseconds, to three digits.

    Attributes:
        curve_ms: the value at each percentile of `CURVE` that so many orders can show.
    """

    orders: int
    mean_ms: float
    p50_ms: float
    p90_ms: float
    p99_ms: float
    p999_ms: float
    max_ms: float
    curve_ms: list[tuple[float, float]]


def measure(latencies: Microseconds) -> Latency | None:
    """Return the distribution; None of nothing. Values below zero count as zero, above a day as a day."""
    if not len(latencies):
        return None
    histogram = HdrHistogram(1, _MICROSECONDS_MAX, _DIGITS)
    values = np.clip(latencies, 0, _MICROSECONDS_MAX)
    # What falls into one bucket of the histogram is recorded at once: two million single calls would take seconds.
    spare_bits = np.maximum(np.frexp(np.maximum(values, 1))[1] - _EXACT_BITS, 0)
    for value, count in zip(*np.unique(values >> spare_bits << spare_bits, return_counts=True), strict=True):
        histogram.record_value(int(value), int(count))
    reach = 100 * (1 - 1 / len(values))
    points = [*(point for point in CURVE if point <= reach), 100.0]
    at = histogram.get_percentile_to_value_dict([50, 90, 99, 99.9, *points])
    top = float(values.max()) / 1000
    return Latency(
        orders=len(values),
        mean_ms=round(float(values.mean()) / 1000, 3),
        **{
            f"p{name}_ms": min(at[point] / 1000, top)
            for name, point in (("50", 50), ("90", 90), ("99", 99), ("999", 99.9))
        },
        max_ms=top,
        curve_ms=[(point, min(at[point] / 1000, top)) for point in points],
    )
