"""Blocking clients (SQL, ZooKeeper, Kafka's consumer) behind small pools of threads, with limits on all waits."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

_WAITING_PER_THREAD: Final = 16


class DependencyError(Exception):
    """A server behind the API cannot be asked now.

    Attributes:
        dependency: `database`, `kafka` or `zookeeper`.
    """

    def __init__(self, dependency: str, detail: str) -> None:
        super().__init__(f"{dependency}: {detail}")
        self.dependency = dependency


class Threads:
    """A few threads for one dependency; calls beyond a bounded queue are refused."""

    def __init__(self, dependency: str, threads: int, timeout_seconds: float) -> None:
        self._dependency = dependency
        self._timeout_seconds = timeout_seconds
        self._calls = 0
        self._calls_max = threads * (1 + _WAITING_PER_THREAD)
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix=dependency)

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what the function returns in one of the threads.

        Raises:
            DependencyError: too many calls are waiting, or this one took too long (its thread ends by itself).
        """
        if self._calls >= self._calls_max:
            raise DependencyError(self._dependency, f"{self._calls} calls are waiting for it already")
        self._calls += 1
        call = asyncio.wrap_future(self._executor.submit(function, *args, **kwargs))
        call.add_done_callback(self._ended)
        try:
            return await asyncio.wait_for(asyncio.shield(call), self._timeout_seconds)
        except TimeoutError:
            raise DependencyError(self._dependency, f"no answer within {self._timeout_seconds:g} s") from None

    def _ended(self, call: "asyncio.Future[T]") -> None:
        self._calls -= 1
        if not call.cancelled():
            call.exception()  # taken here, so that one nobody waits for any more is not reported as lost

    def close(self) -> None:
        """Take no more calls; those running end by themselves."""
        self._executor.shutdown(wait=False, cancel_futures=True)
