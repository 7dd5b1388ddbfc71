"""Percentiles: those of HdrHistogram, fed in bulk, are those of the exact values to three digits."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.latency import measure


@given(st.lists(st.integers(0, 10**10), min_size=1, max_size=300))
def test_percentiles_agree_with_the_exact_ones(latencies: list[int]) -> None:
    """Each percentile is the value of its rank, within a thousandth, and the maximum is exact."""
    found = measure(np.array(latencies, np.int64))
    assert found is not None
    ordered = sorted(latencies)
    for name, percent in (("p50_ms", 50), ("p90_ms", 90), ("p99_ms", 99), ("p999_ms", 99.9)):
        rank = max(int(percent / 100 * len(ordered) + 0.5), 1)
        near = ordered[max(rank - 2, 0) : rank + 1]  # where rounding decides the rank, a neighbour will do
        assert near[0] * 0.999 - 1 <= getattr(found, name) * 1000 <= near[-1] * 1.001 + 1
    assert found.max_ms == ordered[-1] / 1000
    assert found.orders == len(ordered)


def test_a_large_sample_has_its_percentiles() -> None:
    """A hundred thousand values from 1 us to 100 ms, evenly: p50 is 50 ms, p99.9 is 99.9 ms."""
    found = measure(np.arange(1, 100_001, dtype=np.int64))
    assert found is not None
    measured = [found.p50_ms, found.p90_ms, found.p99_ms, found.p999_ms, found.mean_ms]
    assert measured == pytest.approx([50, 90, 99, 99.9, 50], rel=0.002)


def test_the_curve_ends_where_the_sample_does() -> None:
    """Ten orders show no 99.9th percentile; the curve ends at the maximum, and never falls."""
    found = measure(np.arange(10, dtype=np.int64) * 1_000)
    assert found is not None
    assert [percentile for percentile, _ in found.curve_ms] == [0, 10, 25, 50, 75, 90, 100]
    values = [value for _, value in found.curve_ms]
    assert values == sorted(values)
    assert values[-1] == 9


def test_what_was_settled_before_its_acknowledgement_arrived_took_no_time() -> None:
    """A value below zero counts as zero."""
    found = measure(np.array([-5_000, -1], np.int64))
    assert found is not None
    assert (found.p50_ms, found.max_ms, found.mean_ms) == (0, 0, 0)


def test_nothing_has_no_latency() -> None:
    """Of no order there is no distribution."""
    assert measure(np.array([], np.int64)) is None
