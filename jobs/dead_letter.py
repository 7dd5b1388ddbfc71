"""The dead-letter topic: bad messages with their reason, at least once, before their batch commits."""

from collections.abc import Sequence
from typing import Final

from kafka import KafkaProducer
from kafka.errors import KafkaError

from jobs.decode import BadMessage
from settlement.settings import Settings

_SEND_SECONDS: Final = 30
_DETAIL_CHARACTERS_MAX: Final = 500


class DeadLetterUnavailableError(Exception):
    """Kafka did not acknowledge the dead letters; the batch must be tried again."""


class DeadLetters:
    """Sends bad messages; a batch that is tried again sends them again, so readers go by the header `id`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._producer: KafkaProducer | None = None

    def send(self, messages: Sequence[BadMessage]) -> None:
        """Send all and wait until Kafka has them.

        Raises:
            DeadLetterUnavailableError: Kafka is away or refused.
        """
        if not messages:
            return
        try:
            producer = self._producer = self._producer or self._connect()
            sent = [
                producer.send(self._settings.dead_letter_topic, item.value, headers=_headers(item)) for item in messages
            ]
            producer.flush(timeout=_SEND_SECONDS)
            for acknowledgement in sent:
                acknowledgement.get(timeout=_SEND_SECONDS)
        except KafkaError as error:
            raise DeadLetterUnavailableError(f"{len(messages)} dead letters: {error!r}") from error

    def _connect(self) -> KafkaProducer:
        return KafkaProducer(
            bootstrap_servers=self._settings.kafka_bootstrap.split(","), max_block_ms=_SEND_SECONDS * 1000
        )


def _headers(message: BadMessage) -> list[tuple[str, bytes]]:
    return [
        ("id", str(message.order_id).encode()),
        ("reason", b"malformed"),
        ("detail", message.detail[:_DETAIL_CHARACTERS_MAX].encode()),
    ]
