"""The writer thread: it settles one batch while Spark fetches the next.

Spark is told that a batch is done as soon as it is queued. That is exact only because the ledger's offsets, never
Spark's checkpoint, are the truth: whatever is queued when the process dies is fetched again.
"""

import logging
import queue
from collections.abc import Callable
from threading import Event, Thread
from typing import Final

from jobs.fetched import FetchedBatch
from jobs.settler import StoppedError

log = logging.getLogger(__name__)

_POLL_SECONDS: Final = 0.1


class Writer:
    """Settles batches in the order in which they are handed over, at most one waiting."""

    def __init__(self, settle: Callable[[FetchedBatch], None], wake: Event) -> None:
        """Start the thread; `wake` is set when it fails."""
        self.error: BaseException | None = None
        self._settle = settle
        self._wake = wake
        self._queue: queue.Queue[FetchedBatch] = queue.Queue(maxsize=1)
        self._closing = Event()
        self._thread = Thread(target=self._run, name="writer", daemon=True)
        self._thread.start()

    def submit(self, batch: FetchedBatch) -> bool:
        """Hand a batch over, waiting for room; return False if the writer takes no more, because it fails or closes."""
        while self.error is None and not self._closing.is_set():
            try:
                self._queue.put(batch, timeout=_POLL_SECONDS)
            except queue.Full:
                continue
            return True
        return False

    def fail(self, error: BaseException) -> None:
        """Take no more batches and wake the main thread, which decides what follows."""
        self.error = self.error or error
        self._wake.set()

    def close(self, timeout_seconds: float) -> bool:
        """Finish the batch in hand and leave the waiting one in the log; return whether that was done in time."""
        self._closing.set()
        self._thread.join(timeout_seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while not self._closing.is_set():
            try:
                batch = self._queue.get(timeout=_POLL_SECONDS)
            except queue.Empty:
                continue
            try:
                self._settle(batch)
            except StoppedError as stop:
                log.info("stopped while holding: %s", stop)
                return
            except BaseException as error:  # noqa: BLE001 # handed to the main thread
                self.fail(error)
                return
