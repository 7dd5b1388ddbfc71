"""The limit on bad messages: a bad deployment must halt the job, not send the whole log to the dead letters."""

from collections import deque
from collections.abc import Iterable


class TooManyBadMessagesError(Exception):
    """More of the last messages are malformed than the settings allow; a human must look."""


class BadMessageWindow:
    """Counts malformed messages over the last batches that together hold a window of messages."""

    def __init__(self, share_max: float, window_orders: int) -> None:
        self._share_max = share_max
        self._window_orders = window_orders
        self._batches: deque[tuple[int, int]] = deque()

    def load(self, batches: Iterable[tuple[int, int]]) -> None:
        """Start from the ledger's last batches, oldest first, so that a restart forgets nothing."""
        self._batches.clear()
        for orders, malformed in batches:
            self.add(orders, malformed)

    def check(self, orders: int, malformed: int) -> None:
        """Raise `TooManyBadMessagesError` if this batch on top of the last ones would break the limit."""
        held = [*self._batches, (orders, malformed)]
        bad = sum(count for _, count in held)
        window = max(self._window_orders, sum(count for count, _ in held))
        if bad > self._share_max * window:
            raise TooManyBadMessagesError(
                f"{bad} of the last {window} messages are no valid orders, KIWI_BAD_SHARE_MAX is {self._share_max}."
                " Nothing of this batch was settled. Stop the sender, or raise KIWI_BAD_SHARE_MAX to let them go to the"
                " dead letters, then start the job again"
            )

    def add(self, orders: int, malformed: int) -> None:
        """Count a committed batch and forget the oldest ones beyond the window."""
        self._batches.append((orders, malformed))
        while sum(count for count, _ in self._batches) - self._batches[0][0] >= self._window_orders:
            self._batches.popleft()
