"""Puts malformed messages straight into the topic, past the API, so that settlement's own checks are exercised."""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

from kafka import KafkaProducer
from kafka.errors import KafkaError

from generator.orders import Draft
from generator.tally import Tally
from settlement.orderid import order_id

_CONNECT_MS: Final = 5_000
_CLOSE_SECONDS: Final = 5


class PoisonSender:
    """A producer of one process; partitions take turns."""

    def __init__(self, bootstrap: str, topic: str, tally: Tally) -> None:
        """Connect.

        Raises:
            kafka.errors.KafkaError: Kafka is away or has no such topic.
        """
        self._topic = topic
        self._tally = tally
        self._next = 0
        self._producer = KafkaProducer(
            bootstrap_servers=bootstrap.split(","),
            client_id="kiwi-generator",
            acks="all",
            linger_ms=0,
            allow_auto_create_topics=False,
            bootstrap_timeout_ms=_CONNECT_MS,
            max_block_ms=_CONNECT_MS,
        )
        self._partitions = sorted(self._producer.partitions_for(topic))

    async def send(self, drafts: Sequence[Draft], due: float) -> None:
        """Append each message; an acknowledged one counts as accepted under the id that follows from its place."""
        self._tally.counts.sent += len(drafts)
        await asyncio.gather(*(self._send(draft, due) for draft in drafts))

    async def _send(self, draft: Draft, due: float) -> None:
        sent = time.monotonic()
        partition = self._partitions[self._next % len(self._partitions)]
        self._next += 1
        try:
            key = b"poison" if draft.body is None else None  # the client refuses a message that has neither
            place = await _bridge(self._producer.send(self._topic, draft.body, key=key, partition=partition))
        except KafkaError as error:
            self._tally.counts.outcome_unknown += 1
            self._tally.counts.faults["poison"] = f"{type(error).__name__}: {error}"
            return
        self._tally.accept(order_id(place.partition, place.offset), draft.kind, due, sent, time.monotonic())

    def close(self) -> None:
        """Disconnect."""
        self._producer.close(timeout=_CLOSE_SECONDS)


def _bridge(future: Any) -> asyncio.Future[Any]:
    """Return an asyncio future that ends as kafka-python's does, in whatever thread that happens."""
    loop = asyncio.get_running_loop()
    bridged: asyncio.Future[Any] = loop.create_future()

    def end(set_outcome: Callable[[Any], None], outcome: Any) -> None:
        if not bridged.done():
            set_outcome(outcome)

    future.add_callback(lambda place: loop.call_soon_threadsafe(end, bridged.set_result, place))
    future.add_errback(lambda error: loop.call_soon_threadsafe(end, bridged.set_exception, error))
    return bridged
