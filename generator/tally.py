"""What became of the orders of one process, and how that travels to the main process."""

from collections import Counter
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from generator.orders import Kind

Microseconds = npt.NDArray[np.int64]

_MICROSECONDS: Final = 1_000_000


@dataclass
class Counts:
    """Orders by what the API made of them; an accepted one is counted in the columns.

    Attributes:
        sent: orders of which a first try was made.
        bad_rejected: malformed orders that were rejected, as they must be.
        bad_accepted: malformed orders that were accepted, as they must not be.
        good_rejected: orders without a fault that were rejected.
        gave_up: orders that were surely not taken, however often they were tried.
        outcome_unknown: orders that may or may not have been taken, and that must not be sent again.
        retries: further tries.
        statuses: rejected orders by the status of the answer.
        faults: the latest reason of each kind of failure, for people to read.
    """

    sent: int = 0
    bad_rejected: int = 0
    bad_accepted: int = 0
    good_rejected: int = 0
    gave_up: int = 0
    outcome_unknown: int = 0
    retries: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    faults: dict[str, str] = field(default_factory=dict)

    @property
    def rejected(self) -> int:
        """Orders that the API rejected."""
        return self.bad_rejected + self.good_rejected

    def __add__(self, other: "Counts") -> "Counts":
        """Return the sum; of the reasons, those of `other` prevail."""
        return Counts(
            self.sent + other.sent,
            self.bad_rejected + other.bad_rejected,
            self.bad_accepted + other.bad_accepted,
            self.good_rejected + other.good_rejected,
            self.gave_up + other.gave_up,
            self.outcome_unknown + other.outcome_unknown,
            self.retries + other.retries,
            self.statuses + other.statuses,
            self.faults | other.faults,
        )


@dataclass(frozen=True)
class Columns:
    """Accepted orders as arrays of equal length; times are epoch microseconds.

    Attributes:
        due: when the schedule meant the order to be sent.
        sent: when its request was sent, at the last try.
        acknowledged: when the answer had arrived.
    """

    ids: npt.NDArray[np.int64]
    kinds: npt.NDArray[np.int8]
    due: Microseconds
    sent: Microseconds
    acknowledged: Microseconds

    def __len__(self) -> int:
        return len(self.ids)


class News(NamedTuple):
    """What a process tells: all its counts so far, and the orders accepted since the last time.

    `end` says that nothing follows, and `aborted` why it ended early.
    """

    counts: Counts
    accepted: Columns
    end: bool = False
    aborted: str = ""


class Tally:
    """Counts of one process, and its accepted orders since they were last taken."""

    def __init__(self, epoch_seconds: float) -> None:
        """Start at zero; `epoch_seconds` is what turns the monotonic clock into the time of day."""
        self.counts = Counts()
        self._epoch_seconds = epoch_seconds
        self._rows: list[tuple[int, Kind, float, float, float]] = []

    def accept(self, order: int, kind: Kind, due: float, sent: float, acknowledged: float) -> None:
        """Count an order as accepted under this id; the times are monotonic seconds."""
        self._rows.append((order, kind, due, sent, acknowledged))
        if kind is Kind.BAD:
            self.counts.bad_accepted += 1

    def reject(self, kind: Kind, status: int) -> None:
        """Count an order as rejected with this HTTP status."""
        self.counts.statuses[status] += 1
        if kind is Kind.BAD:
            self.counts.bad_rejected += 1
        else:
            self.counts.good_rejected += 1

    def news(self, *, end: bool = False, aborted: str = "") -> News:
        """Return what happened since the last time, as a copy that another thread may read."""
        return News(deepcopy(self.counts), self._take(), end, aborted)

    def _take(self) -> Columns:
        rows, self._rows = self._rows, []
        ids, kinds, *times = zip(*rows, strict=True) if rows else ((), (), (), (), ())
        due, sent, acknowledged = map(self._microseconds, times)
        return Columns(np.array(ids, np.int64), np.array(kinds, np.int8), due, sent, acknowledged)

    def _microseconds(self, seconds: tuple[float, ...]) -> Microseconds:
        return ((np.array(seconds, np.float64) + self._epoch_seconds) * _MICROSECONDS).astype(np.int64)
