"""An order log in memory, with the contract of the real one (`test_api_order_log` runs it on both)."""

import asyncio
from collections.abc import Sequence

from api.order_log import LogUnavailableError, TooMuchInFlightError
from settlement.order import Order, encode_order
from settlement.orderid import Place


class MemoryOrderLog:
    """Keeps the messages of each partition.

    Attributes:
        partitions: the messages by partition.
        available: whether it takes anything.
        acknowledging: whether what it takes is acknowledged; otherwise the outcome is unknown.
        gate: unset, it lets every order wait for its acknowledgement.
    """

    def __init__(self, partitions: int = 2, in_flight_max: int = 1_000) -> None:
        self.partitions: list[list[bytes]] = [[] for _ in range(partitions)]
        self.available = True
        self.acknowledging = True
        self.gate = asyncio.Event()
        self.gate.set()
        self._in_flight_max = in_flight_max

    async def start(self) -> None:
        """Nothing to connect."""

    async def stop(self) -> None:
        """Nothing to send."""

    def check(self) -> None:
        """Raise `LogUnavailableError` if it was made unavailable."""
        if not self.available:
            raise LogUnavailableError("made unavailable")

    async def append(self, orders: Sequence[Order]) -> Sequence[Place | None]:
        """Append all orders."""
        self.check()
        if len(orders) > self._in_flight_max:
            raise TooMuchInFlightError
        places = [self._append(order) for order in orders]
        await self.gate.wait()
        return places if self.acknowledging else [None] * len(places)

    def _append(self, order: Order) -> Place:
        number = order.user_id % len(self.partitions)
        self.partitions[number].append(encode_order(order))
        return Place(number, len(self.partitions[number]) - 1)
