"""Who may settle: a ZooKeeper lock whose holding yields a fencing token.

kazoo's lock waits in line for the node before its own, and puts an identity into the node's name, so that a create
whose reply was lost finds its own node again. The token is the creation zxid of the lock's node: it only grows. The
ledger remembers the newest one, so that a holder that slept through its session's end can commit nothing.
"""

import os
import socket
from threading import Event

from kazoo.client import KazooClient
from kazoo.exceptions import CancelledError
from kazoo.protocol.states import KazooState
from kazoo.recipe.lock import Lock

from settlement.zookeeper import LOCK_PATH


def identity() -> str:
    """Return how this process is named in the lock: host and process id."""
    return f"{socket.gethostname()}-{os.getpid()}"


class SettlementLock:
    """The right to settle. `lost` is set when the session that held it has ended; the process must then leave."""

    def __init__(self, client: KazooClient) -> None:
        self.lost = Event()
        self._client = client
        self._held = False
        self._lock: Lock = client.Lock(LOCK_PATH, identity())
        client.add_listener(self._watch)

    def acquire(self) -> int | None:
        """Stand by until this process may settle; return its fencing token, or None when cancelled."""
        try:
            self._lock.acquire()
        except CancelledError:
            return None
        self._held = True
        _, stat = self._client.get(f"{LOCK_PATH}/{self._lock.node}")
        return int(stat.czxid)

    def cancel(self) -> None:
        """Make a waiting `acquire` return; safe to call at any time from any thread."""
        if not self._held:
            self._lock.cancel()

    def release(self) -> None:
        """Let the next in line settle."""
        self._held = False
        self._lock.release()

    def contenders(self) -> list[str]:
        """Return the identities in line; the first one holds the lock."""
        return list(self._lock.contenders())

    def _watch(self, state: str) -> None:
        if state == KazooState.LOST and self._held:
            self.lost.set()
