"""Where Kafka's log ends: tells an order that is still in the queue from one that never was."""

import asyncio
from typing import Any, Final

from kafka.errors import KafkaError, UnknownTopicOrPartitionError

from api.threads import DependencyError, Threads
from settlement.kafka_log import connect_log, list_partitions
from settlement.orderid import Place
from settlement.settings import Settings

_REQUEST_MS: Final = 3_000
_TIMEOUT_SECONDS: Final = 8


class LogEnds:
    """Asks Kafka for the end of each partition, at most one question at a time."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._threads = Threads("kafka", 1, _TIMEOUT_SECONDS)
        self._consumer: Any = None  # used in its one thread only
        self._ends: dict[int, int] = {}
        self._asking = asyncio.Lock()
        self._next: asyncio.Task[dict[int, int]] | None = None

    async def start(self) -> None:
        """Nothing to do: the connection is made with the first question."""

    async def stop(self) -> None:
        """Disconnect."""
        if self._consumer is not None:
            await self._threads.run(self._consumer.close)
        self._threads.close()

    async def contains(self, place: Place) -> bool:
        """Return whether there is a message at this place; raises `DependencyError` while Kafka does not answer."""
        if place.offset < self._ends.get(place.partition, 0):
            return True  # the log only grows
        return place.offset < (await self.read()).get(place.partition, 0)

    async def read(self) -> dict[int, int]:
        """Return the ends by partition, asked for after this call began; callers share the question."""
        if self._next is None:
            self._next = asyncio.create_task(self._ask())
        return await asyncio.shield(self._next)

    async def _ask(self) -> dict[int, int]:
        async with self._asking:
            self._next = None  # whoever comes from now on needs a later answer
            self._ends = await self._threads.run(self._read)
            return self._ends

    def _read(self) -> dict[int, int]:
        try:
            if self._consumer is None:
                self._consumer = connect_log(self._settings, client_id="kiwi-api-ends", request_ms=_REQUEST_MS)
            partitions = list_partitions(self._consumer, self._settings.topic)
            if not partitions:
                raise UnknownTopicOrPartitionError
            ends = self._consumer.end_offsets(partitions, timeout_ms=_REQUEST_MS)
            return {partition.partition: end for partition, end in ends.items()}
        except KafkaError as error:
            if self._consumer is not None:
                self._consumer.close()
            self._consumer = None
            raise DependencyError("kafka", type(error).__name__) from error
