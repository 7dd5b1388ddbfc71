"""Tells ZooKeeper what settlement is doing: a heartbeat each second, and the total after each batch."""

import logging
import time
from threading import Event, Lock, Thread
from typing import Final

from kazoo.client import KazooClient
from kazoo.exceptions import KazooException

from settlement.head import Head
from settlement.lock import identity
from settlement.status import State, Status, write_status
from settlement.total import publish_total

log = logging.getLogger(__name__)

_HEARTBEAT_SECONDS: Final = 1.0


class Publisher:
    """Publishes the newest state from a thread of its own; what ZooKeeper misses while away, it gets afterwards."""

    def __init__(self, client: KazooClient, head: Head) -> None:
        """Publish the ledger's head at once: a start makes good what the last driver left undone."""
        self._client = client
        self._guard = Lock()
        self._head = head
        self._detail = ""
        self._published_batch = -1
        self._wake = Event()
        self._closing = Event()
        self._thread = Thread(target=self._run, name="publisher", daemon=True)
        self._thread.start()

    def report(self, head: Head | None, detail: str) -> None:
        """Take over a new head, or why settlement holds; an empty detail says that it goes on."""
        with self._guard:
            self._head = head or self._head
            self._detail = detail
        self._wake.set()

    def close(self, halted_because: str = "") -> None:
        """Publish for the last time and end the thread."""
        self._closing.set()
        self._wake.set()
        self._thread.join(5)
        if halted_because:
            self._try_publish("halted", halted_because)

    def _run(self) -> None:
        while not self._closing.is_set():
            self._try_publish("holding" if self._detail else "settling", self._detail)
            self._wake.wait(_HEARTBEAT_SECONDS)
            self._wake.clear()
        self._try_publish("holding" if self._detail else "settling", self._detail)

    def _try_publish(self, state: State, detail: str) -> None:
        with self._guard:
            head = self._head
        status = Status(state, identity(), head.batch, detail, time.time_ns() // 1_000_000)
        try:
            if head.batch != self._published_batch:
                publish_total(self._client, head.batch, head.amount_cny)
                self._published_batch = head.batch
            write_status(self._client, status)
        except KazooException as error:
            log.warning("ZooKeeper did not take the status of batch %d: %r", head.batch, error)
