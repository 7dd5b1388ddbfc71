"""kafka-python's producer, so set that using it never blocks the event loop."""

import time
from contextlib import suppress
from functools import partial
from typing import Any, Final

from kafka import KafkaProducer
from kafka.errors import KafkaError, KafkaTimeoutError

from settlement.order import Order, encode_order
from settlement.settings import Settings

_CONNECT_SECONDS: Final = 3
_CLOSE_SECONDS: Final = 30
_POLL_SECONDS: Final = 0.05
_BATCH_BYTES: Final = 262_144  # with crc32c installed this doubles what one producer sends


class Producer:
    """One connected, idempotent producer. After a failed delivery it is closed and replaced, never mended."""

    def __init__(self, producer: KafkaProducer, topic: str, partitions: int) -> None:
        self._producer = producer
        self._send = partial(producer.send, topic)
        self.partitions = partitions

    def send(self, order: Order) -> Any:
        """Hand an order to the producer's thread; never blocks.

        Raises:
            kafka.errors.KafkaError: the topic vanished or the producer is closed; the order was not sent.
        """
        return self._send(encode_order(order), partition=order.user_id % self.partitions)

    def close(self) -> None:
        """Send what is left, then leave; blocks until Kafka has answered or given up on everything."""
        closed = False
        while not closed:
            # A timeout says that its thread still tries to reach Kafka; it may not be abandoned before it ends.
            with suppress(KafkaTimeoutError):
                self._producer.close(timeout=_CLOSE_SECONDS)
                closed = True

    def flush(self, seconds: float) -> None:
        """Wait until Kafka has answered for everything sent.

        Raises:
            kafka.errors.KafkaTimeoutError: not in time.
        """
        self._producer.flush(seconds)


def connect_producer(settings: Settings) -> Producer:
    """Return a producer that knows the topic's partitions; blocks for a few seconds at most.

    Raises:
        kafka.errors.KafkaError: Kafka is away or has no such topic.
    """
    ack_ms = int(settings.api_ack_seconds_max * 1000)
    producer = KafkaProducer(
        bootstrap_servers=settings.kafka_bootstrap.split(","),
        client_id="kiwi-api",
        acks="all",
        enable_idempotence=True,
        allow_auto_create_topics=False,
        batch_size=_BATCH_BYTES,
        linger_ms=0,
        delivery_timeout_ms=ack_ms,
        request_timeout_ms=max(ack_ms // 2, 1),
        max_block_ms=0,  # send() raises at once instead of waiting for metadata: it runs in the event loop
        bootstrap_timeout_ms=_CONNECT_SECONDS * 1000,
        reconnect_backoff_max_ms=1000,
        metrics_enabled=False,
    )
    try:
        return Producer(producer, settings.topic, _await_partitions(producer, settings.topic))
    except BaseException:
        producer.close(timeout=1)
        raise


def _await_partitions(producer: KafkaProducer, topic: str) -> int:
    deadline = time.monotonic() + _CONNECT_SECONDS
    while True:
        try:
            return len(producer.partitions_for(topic))
        except KafkaTimeoutError:  # with max_block_ms=0 it only asks; the answer comes a moment later
            if time.monotonic() > deadline:
                raise KafkaError(f"Kafka does not know the topic {topic!r}") from None
            time.sleep(_POLL_SECONDS)
