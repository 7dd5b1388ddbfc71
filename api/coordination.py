"""ZooKeeper as the API reads it: the rates, and what settlement says of itself."""

import time
from collections.abc import Callable
from typing import Final, ParamSpec, TypeVar

from kazoo.client import KazooClient
from kazoo.exceptions import KazooException

from api.threads import DependencyError, Threads
from settlement.rate_store import read_snapshot
from settlement.rates import Snapshot
from settlement.settings import Settings
from settlement.status import Status, read_status

_SESSION_SECONDS: Final = 10
_TIMEOUT_SECONDS: Final = 6

P = ParamSpec("P")
T = TypeVar("T")


class Coordination:
    """One ZooKeeper client a worker; it connects, and connects again, in threads of its own."""

    def __init__(self, settings: Settings) -> None:
        self._age_seconds_max = settings.rates_age_seconds_max
        self._threads = Threads("zookeeper", 2, _TIMEOUT_SECONDS)
        self._client = KazooClient(
            hosts=settings.zookeeper_hosts,
            timeout=_SESSION_SECONDS,
            connection_retry={"max_tries": -1, "delay": 0.2, "max_delay": 2},
        )

    async def start(self) -> None:
        """Begin to connect; reading fails until that is done."""
        self._client.start_async()

    async def stop(self) -> None:
        """Disconnect."""
        await self._threads.run(self._disconnect)
        self._threads.close()

    async def rates(self) -> Snapshot:
        """Return the rates that a batch would be settled at now.

        Raises:
            settlement.rates.RatesUnavailableError: there are none that may price an order.
            DependencyError: ZooKeeper is away.
        """
        now_ms = time.time_ns() // 1_000_000
        return await self._run(
            lambda: read_snapshot(self._client, age_seconds_max=self._age_seconds_max, now_ms=now_ms)
        )

    async def status(self) -> Status | None:
        """Return what settlement last said of itself; raises `DependencyError` while ZooKeeper is away."""
        return await self._run(lambda: read_status(self._client))

    async def _run(self, read: Callable[[], T]) -> T:
        if not self._client.connected:  # a call would wait for the connection
            raise DependencyError("zookeeper", "not connected")
        try:
            return await self._threads.run(read)
        except KazooException as error:
            raise DependencyError("zookeeper", type(error).__name__) from error

    def _disconnect(self) -> None:
        self._client.stop()
        self._client.close()
