"""From the futures of kafka-python's thread to the event loop: one wake-up for many orders."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from settlement.order import Order
from settlement.orderid import Place

Places = list[Place | None]
"""Where each order stands in the log; None where it is unknown whether Kafka has it."""


class Delivery:
    """The orders of one request, or of several small ones, on their way to Kafka."""

    __slots__ = ("_entries", "_futures", "_loop", "_open", "orders", "resolved", "started")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.started = loop.time()
        self.resolved = False
        self.orders: list[Order] = []
        self._entries: list[tuple[int, asyncio.Future[Places]]] = []
        self._futures: list[Any] = []
        self._open: list[Any] = []

    def join(self, orders: Sequence[Order]) -> "asyncio.Future[Places]":
        """Take in the orders of one request; their places will be known when all of the delivery's are."""
        waiter: asyncio.Future[Places] = self._loop.create_future()
        self.orders.extend(orders)
        self._entries.append((len(orders), waiter))
        return waiter

    def sent(self, future: Any) -> None:
        """Note what `KafkaProducer.send` returned for the next of the orders."""
        self._futures.append(future)

    def when_answered(self, notify: "Callable[[Delivery], None]") -> None:
        """Have `notify` called, in any thread, once Kafka has answered for all that was sent.

        Only ever one callback is registered. Answers come in the order of sending: when the last has one, all
        the others of its partition have theirs.
        """
        self._open = self._futures.copy()

        def advance(_: object = None) -> None:
            while self._open:
                if not self._open[-1].is_done:
                    self._open[-1].add_both(advance)
                    return
                self._open.pop()
            notify(self)

        advance()

    def resolve(self) -> bool:
        """Give every request that still waits the places known by now; return whether nothing sent has failed."""
        self.resolved = True
        places: Places = [_place(future) for future in self._futures]
        delivered = None not in places
        places.extend([None] * (len(self.orders) - len(places)))  # never sent: the producer failed, or the client left
        start = 0
        for orders, waiter in self._entries:
            if not waiter.done():
                waiter.set_result(places[start : start + orders])
            start += orders
        return delivered

    def refuse(self, error: Exception) -> None:
        """Give every request this error; nothing was sent."""
        for _, waiter in self._entries:
            if not waiter.done():
                waiter.set_exception(error)


def _place(future: Any) -> Place | None:
    if not future.is_done or future.exception is not None:
        return None
    return Place(future.value.partition, future.value.offset)


class WakeUps:
    """Carries answered deliveries from the producer's thread to the event loop, many with one wake-up."""

    def __init__(self, loop: asyncio.AbstractEventLoop, finish: Callable[[Delivery], None]) -> None:
        self._loop = loop
        self._finish = finish
        self._queue: deque[Delivery] = deque()
        self._scheduled = False

    def put(self, delivery: Delivery) -> None:
        """Hand over a delivery; called in any thread."""
        self._queue.append(delivery)
        if not self._scheduled:
            self._scheduled = True
            self._loop.call_soon_threadsafe(self._drain)

    def _drain(self) -> None:
        self._scheduled = False  # before the queue is emptied, so that nothing put later is forgotten
        while self._queue:
            self._finish(self._queue.popleft())
