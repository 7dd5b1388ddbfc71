"""The log of orders as the API sees it: bounded, never blocking, reconnecting by itself."""

import asyncio
import logging
import threading
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from kafka.errors import KafkaError

from api.delivery import Delivery, Places, WakeUps
from api.producer import Producer, connect_producer
from settlement.order import Order
from settlement.orderid import Place
from settlement.settings import Settings

logger = logging.getLogger(__name__)

_SLICE_ORDERS: Final = 200
"""Sent in one go; a longer list lets other requests run in between."""

_GROUP_SECONDS: Final = 0.01
"""Least time between two groups: a round trip takes 1 ms of processor time, an order in it 0.05 ms."""

_RECONNECT_SECONDS: Final = 0.5
_WATCH_SECONDS: Final = 0.25
_GRACE_SECONDS: Final = 1


class LogUnavailableError(Exception):
    """Kafka cannot be reached; nothing was sent."""


class TooMuchInFlightError(Exception):
    """More orders wait for Kafka than memory is set aside for; nothing was sent."""


class OrderLog(Protocol):
    """Where orders are appended."""

    async def append(self, orders: Sequence[Order]) -> Sequence[Place | None]:
        """Append orders and return the place of each once it is durable.

        None says that the outcome is unknown: the order may or may not be in the log.

        Raises:
            LogUnavailableError: nothing was sent.
            TooMuchInFlightError: nothing was sent.
        """
        ...

    def check(self) -> None:
        """Raise `LogUnavailableError` unless orders can be appended now."""
        ...

    async def start(self) -> None:
        """Begin to connect."""
        ...

    async def stop(self) -> None:
        """Send what is left and disconnect."""
        ...


class KafkaOrderLog:
    """The real log. Must be started in the worker's own event loop, after the fork.

    Single orders travel in groups: while Kafka is answering for one group the next gathers.
    """

    def __init__(self, settings: Settings, show_in_flight: Callable[[int], None] = lambda _: None) -> None:
        self._settings = settings
        self._show_in_flight = show_in_flight
        self._in_flight = 0
        self._pending: dict[Delivery, Producer | None] = {}  # oldest first; counted until Kafka has answered
        self._gathering: Delivery | None = None
        self._group: Delivery | None = None
        self._next_group_at = 0.0
        self._producer: Producer | None = None
        self._reason = "not connected yet"
        self._retired = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Connect in the background; until that is done, and whenever it is lost, orders are refused."""
        self._loop = asyncio.get_running_loop()
        self._wake_ups = WakeUps(self._loop, self._finish)
        self._tasks = [asyncio.create_task(self._keep_connected()), asyncio.create_task(self._watch_deadlines())]

    async def stop(self) -> None:
        """Wait until Kafka has answered for everything sent, with the usual time limit."""
        for task in self._tasks:
            task.cancel()
        producer, self._producer = self._producer, None
        self._reason = "shutting down"
        if producer:
            try:
                await asyncio.to_thread(producer.flush, self._settings.api_ack_seconds_max)
            except KafkaError:
                logger.exception("%d orders are left without an answer from Kafka", self._in_flight)

    def check(self) -> None:
        """Raise `LogUnavailableError` unless there is a connected producer."""
        if self._producer is None:
            raise LogUnavailableError(self._reason)

    async def append(self, orders: Sequence[Order]) -> Sequence[Place | None]:
        """Send all or nothing, then await Kafka's answers; see `OrderLog.append`."""
        self.check()
        if self._in_flight + len(orders) > self._settings.api_orders_in_flight_max:
            raise TooMuchInFlightError
        self._in_flight += len(orders)
        if len(orders) == 1:
            return await self._gather(orders)
        return await self._send_bulk(orders)

    def _gather(self, orders: Sequence[Order]) -> "asyncio.Future[Places]":
        if self._gathering is None:
            self._gathering = self._open_delivery()
            self._schedule_group()
        return self._gathering.join(orders)

    def _schedule_group(self) -> None:
        if self._gathering is not None and self._group is None:
            self._loop.call_at(self._next_group_at, self._send_group)

    def _send_group(self) -> None:
        if self._gathering is None or self._group is not None:
            return
        self._group, self._gathering = self._gathering, None
        self._next_group_at = self._loop.time() + _GROUP_SECONDS
        self._hand_over(self._group, self._group.orders)
        self._group.when_answered(self._wake_ups.put)

    async def _send_bulk(self, orders: Sequence[Order]) -> Places:
        delivery = self._open_delivery()
        waiter = delivery.join(orders)
        try:
            for start in range(0, len(orders), _SLICE_ORDERS):
                self._hand_over(delivery, orders[start : start + _SLICE_ORDERS])
                await asyncio.sleep(0)
        finally:
            delivery.when_answered(self._wake_ups.put)
        return await waiter

    def _open_delivery(self) -> Delivery:
        delivery = Delivery(self._loop)
        self._pending[delivery] = self._producer
        return delivery

    def _hand_over(self, delivery: Delivery, orders: Sequence[Order]) -> None:
        producer = self._pending[delivery]
        if producer is None or producer is not self._producer:
            return  # it failed meanwhile: what was not sent is not
        try:
            for order in orders:
                delivery.sent(producer.send(order))
        except KafkaError as error:
            self._retire(producer, type(error).__name__)

    def _finish(self, delivery: Delivery) -> None:
        """Take note that Kafka has answered for a delivery."""
        producer = self._pending.pop(delivery)
        self._in_flight -= len(delivery.orders)
        if delivery is self._group:
            self._group = None
        if not delivery.resolve():
            self._retire(producer, "orders were not acknowledged")
        self._schedule_group()

    def _retire(self, producer: Producer | None, reason: str) -> None:
        """Put a fresh producer in the place of one that failed; whatever state it is in, it is not ours to mend."""
        if producer is None or producer is not self._producer:
            return
        logger.warning("replacing the Kafka producer: %s", reason)
        self._producer, self._reason = None, reason
        gathering, self._gathering, self._group = self._gathering, None, None
        if gathering:
            gathering.refuse(LogUnavailableError(reason))
            self._finish(gathering)
        self._retired.set()
        threading.Thread(target=producer.close, name="retired-producer", daemon=True).start()

    async def _keep_connected(self) -> None:
        while True:
            try:
                self._producer = await asyncio.to_thread(connect_producer, self._settings)
            except Exception as error:  # noqa: BLE001 - whatever it was, the next try may succeed
                self._reason = type(error).__name__  # clients read this: no addresses
                logger.warning("Kafka cannot be reached: %s", error)
                await asyncio.sleep(_RECONNECT_SECONDS)
                continue
            logger.info("connected to Kafka, %d partitions", self._producer.partitions)
            await self._retired.wait()
            self._retired.clear()

    async def _watch_deadlines(self) -> None:
        # The producer keeps its own time limit, except while it has no producer id; this one always holds.
        while True:
            await asyncio.sleep(_WATCH_SECONDS)
            self._show_in_flight(self._in_flight)
            limit = self._loop.time() - self._settings.api_ack_seconds_max - _GRACE_SECONDS
            for delivery, producer in list(self._pending.items()):
                if delivery.started > limit:
                    break
                if not delivery.resolved:
                    delivery.resolve()
                    self._retire(producer, "orders were not acknowledged in time")
