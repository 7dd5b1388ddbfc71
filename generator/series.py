"""A run over time: accepted and settled orders in bins, and the lag between them."""

from typing import Final

import numpy as np

from generator.report import Series
from generator.settled import UNSETTLED
from generator.tally import Microseconds

_BINS_MAX: Final = 150
_BIN_SECONDS: Final = (0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 300, 600, 1_800, 3_600, 21_600, 86_400)


def make_series(started: int, acknowledged: Microseconds, settled: Microseconds) -> Series:
    """Return the series of a run.

    Args:
        started: epoch microseconds of the first bin's beginning; earlier events count into it.
        acknowledged: of each accepted order.
        settled: of each accepted order, or `UNSETTLED`.
    """
    settled = settled[settled != UNSETTLED]
    last = max([int(events.max()) for events in (acknowledged, settled) if len(events)], default=started)
    seconds = max((last - started) / 1_000_000, 0)
    width = next((each for each in _BIN_SECONDS if seconds / each < _BINS_MAX), _BIN_SECONDS[-1])
    bins = int(seconds / width) + 1
    accepted_bins, settled_bins = (
        np.bincount(np.clip((events - started) // round(width * 1_000_000), 0, bins - 1), minlength=bins)
        for events in (acknowledged, settled)
    )
    lag = np.cumsum(accepted_bins - settled_bins)
    return Series(float(width), accepted_bins.tolist(), settled_bins.tolist(), lag.tolist())
