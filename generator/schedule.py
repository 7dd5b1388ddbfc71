"""When each request of one process is meant to be sent: an open loop, which does not wait for slow answers."""

from dataclasses import dataclass, field
from typing import NamedTuple


class Slot(NamedTuple):
    """One request: the moment it is meant for (monotonic seconds) and how many orders it carries."""

    due: float
    orders: int


@dataclass
class Schedule:
    """The requests of one process, evenly spaced; the processes take turns.

    Attributes:
        orders: how many the process sends; None = until `seconds` are over.
        seconds: time limit of a schedule without a number of orders.
        interval_seconds: between two requests of this process; 0 = each as soon as its sender is free.
        phase_seconds: of the first request after the start.
        request_orders: orders a request; the last may carry fewer.
    """

    orders: int | None
    seconds: float
    interval_seconds: float
    phase_seconds: float
    request_orders: int
    started: float = field(default=0, init=False)
    _requests: int = field(default=0, init=False)

    def begin(self, started: float) -> None:
        """Fix the moment that all due times count from."""
        self.started = started

    def take(self, now: float) -> Slot | None:
        """Return the next request, or None when there is none left."""
        sent = self._requests * self.request_orders
        if self.orders is not None and sent >= self.orders:
            return None
        if self.orders is None and now >= self.started + self.seconds:
            return None
        due = self.started + self.phase_seconds + self._requests * self.interval_seconds
        self._requests += 1
        size = self.request_orders if self.orders is None else min(self.request_orders, self.orders - sent)
        return Slot(due if self.interval_seconds else max(now, self.started), size)


def schedule_of(
    process: int, processes: int, *, orders: int | None, seconds: float, rate: float, request_orders: int
) -> Schedule:
    """Return the schedule of one of several processes that together send `orders` at `rate` per second."""
    spacing = request_orders / rate if rate else 0.0
    mine = None if orders is None else orders // processes + (process < orders % processes)
    return Schedule(mine, seconds, spacing * processes, spacing * process, request_orders)
