"""Where the orders' log begins and ends, as any broker tells, by a consumer of no group that commits nothing."""

from typing import Any, Final

from kafka import KafkaConsumer, TopicPartition

from settlement.settings import Settings

_REQUEST_MS: Final = 10_000


def connect_log(settings: Settings, *, client_id: str, request_ms: int) -> Any:
    """Return a consumer to ask for offsets with; it connects within `request_ms`, and each answer may take as long.

    Raises:
        kafka.errors.KafkaError: the cluster is away.
    """
    return KafkaConsumer(
        bootstrap_servers=settings.kafka_bootstrap.split(","),
        client_id=client_id,
        group_id=None,
        enable_auto_commit=False,
        allow_auto_create_topics=False,
        request_timeout_ms=request_ms,
        bootstrap_timeout_ms=request_ms,
        reconnect_backoff_max_ms=1000,
        metrics_enabled=False,
    )


def list_partitions(consumer: Any, topic: str) -> list[TopicPartition]:
    """Return the partitions in order; none if there is no such topic."""
    return [TopicPartition(topic, number) for number in sorted(consumer.partitions_for_topic(topic) or ())]


def read_log_bounds(settings: Settings) -> dict[int, tuple[int, int]]:
    """Return, per partition of the orders' topic, the first offset that is still there and the end of the log.

    Raises:
        kafka.errors.KafkaError: the cluster is away.
    """
    consumer = connect_log(settings, client_id="kiwi-log-bounds", request_ms=_REQUEST_MS)
    try:
        partitions = list_partitions(consumer, settings.topic)
        first, end = consumer.beginning_offsets(partitions), consumer.end_offsets(partitions)
        return {part.partition: (first[part], end[part]) for part in partitions}
    finally:
        consumer.close()
