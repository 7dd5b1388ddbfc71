"""What is in the orders' topic, read by a plain consumer."""

from typing import Any

from kafka import KafkaConsumer, TopicPartition

from settlement.orderid import Place
from settlement.settings import Settings


def read_log(settings: Settings) -> dict[Place, bytes]:
    """Return every message of the topic by its place."""
    consumer: Any = KafkaConsumer(
        bootstrap_servers=settings.kafka_bootstrap, group_id=None, auto_offset_reset="earliest"
    )
    try:
        partitions = [TopicPartition(settings.topic, number) for number in range(settings.topic_partitions)]
        consumer.assign(partitions)
        ends = consumer.end_offsets(partitions)
        messages: dict[Place, bytes] = {}
        while any(consumer.position(partition) < ends[partition] for partition in partitions):
            for records in consumer.poll(timeout_ms=10_000).values():
                messages |= {Place(record.partition, record.offset): record.value for record in records}
        return messages
    finally:
        consumer.close()
