"""Kafka as the page reads it: the log's ends, and how many orders had been accepted at each edge of the history.

The broker's time index answers the second question for any moment of the past, so the page needs no sampling of its
own; what it answered of a moment that is over never changes and is asked once.
"""

import logging
import time
from dataclasses import dataclass
from typing import Any, Final

from kafka.errors import KafkaError

from plugins.live_page_app.bounded import AwayError
from settlement.kafka_log import connect_log, list_partitions
from settlement.settings import Settings

_REQUEST_MS: Final = 2_000
_ASKING_SECONDS: Final = 0.7  # what is left is asked the next time


@dataclass(frozen=True)
class LogReading:
    """The log at one moment; `counts` are accepted orders at each edge, None where not asked yet."""

    ends: dict[int, int]
    counts: list[int | None]

    @property
    def accepted(self) -> int:
        """How many orders were ever accepted: the topic keeps all of them, from offset 0."""
        return sum(self.ends.values())


class LogReader:
    """Used from one thread at a time."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._consumer: Any = None
        self._counts: dict[int, int] = {}

    def read(self, edges: list[int]) -> LogReading:
        """Return the ends and the counts at these edges, which lie in the past, oldest first.

        Raises:
            AwayError: Kafka does not answer, or has no such topic.
        """
        try:
            return self._read(edges)
        except KafkaError as error:
            self.close()
            raise AwayError(str(error)[:200]) from error  # it begins with its name

    def close(self) -> None:
        """Disconnect; the next reading connects anew."""
        if self._consumer is not None:
            self._consumer.close()
        self._consumer = None

    def _read(self, edges: list[int]) -> LogReading:
        if self._consumer is None:
            self._consumer = self._connect()
        topic = self._settings.topic
        partitions = list_partitions(self._consumer, topic)
        if not partitions:
            raise AwayError(f"there is no topic {topic} yet: trigger provision_check")
        ends = self._consumer.end_offsets(partitions, timeout_ms=_REQUEST_MS)
        if sum(ends.values()) < max(self._counts.values(), default=0):
            self._counts = {}  # the topic was recreated
        deadline = time.monotonic() + _ASKING_SECONDS
        for edge in reversed(edges):
            if edge in self._counts or time.monotonic() > deadline:
                continue
            found = self._consumer.offsets_for_times(dict.fromkeys(partitions, edge), timeout_ms=_REQUEST_MS)
            # No message as late as the edge: all that came until now came before it.
            self._counts[edge] = sum(found[part].offset if found.get(part) else end for part, end in ends.items())
        self._counts = {edge: count for edge, count in self._counts.items() if edge >= edges[0]}
        return LogReading(
            {part.partition: end for part, end in ends.items()}, [self._counts.get(edge) for edge in edges]
        )

    def _connect(self) -> Any:
        # One that is away would fill the web server's log, and the page says so already.
        logging.getLogger("kafka").setLevel(logging.CRITICAL)
        return connect_log(self._settings, client_id="kiwi-live-page", request_ms=_REQUEST_MS)
