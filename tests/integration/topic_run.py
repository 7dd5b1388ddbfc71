"""A real topic settled by the real settler, fetched by a plain consumer instead of by Spark."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from threading import Event

import pyarrow as pa
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kazoo.client import KazooClient
from sqlalchemy import Engine

from jobs.cursor import LogCursor
from jobs.dead_letter import DeadLetters
from jobs.fetched import FetchedBatch
from jobs.settler import Settler
from settlement.head import claim, read_head, read_positions
from settlement.settings import Settings
from settlement.topic import describe_topic
from settlement.total import publish_total


@dataclass(frozen=True)
class TopicRun:
    """One topic, its ledger, and its ZooKeeper tree."""

    engine: Engine
    zookeeper: KazooClient
    settings: Settings

    def send(self, values: Iterable[bytes | None]) -> None:
        """Append messages, in turn to each partition, and wait until Kafka has them."""
        producer = KafkaProducer(bootstrap_servers=self.settings.kafka_bootstrap)
        try:
            for index, value in enumerate(values):
                key = b"null" if value is None else None  # the client refuses a message without both
                producer.send(self.settings.topic, value, key, partition=index % self.settings.topic_partitions)
            producer.flush(timeout=30)
        finally:
            producer.close()

    def settle(self, batch_orders: int = 1_000, token: int = 1, publish: bool = True) -> None:
        """Settle everything that is in the log, in batches of so many messages, and publish the total."""
        claim(self.engine, token, describe_topic(self.settings).topic_id)
        settler = Settler(
            self.engine, self.zookeeper, DeadLetters(self.settings), self.settings, token, Event(), lambda *_: None
        )
        with self.engine.connect() as connection:
            positions = read_positions(connection)
        cursor = LogCursor(positions)
        unsettled = self._fetch(positions)
        for start in range(0, unsettled.num_rows, batch_orders):
            fresh, ranges = cursor.advance(unsettled.slice(start, batch_orders))
            settler.settle(FetchedBatch.of(fresh, ranges, 0.0))
        if publish:
            self.publish()

    def publish(self) -> None:
        """Publish the ledger's total as the job does."""
        with self.engine.connect() as connection:
            head = read_head(connection)
        publish_total(self.zookeeper, head.batch, head.amount_cny)

    def _fetch(self, positions: dict[int, int]) -> pa.Table:
        consumer = KafkaConsumer(bootstrap_servers=self.settings.kafka_bootstrap, group_id=None)
        try:
            places = [TopicPartition(self.settings.topic, part) for part in range(self.settings.topic_partitions)]
            consumer.assign(places)
            ends = consumer.end_offsets(places)
            for place in places:
                consumer.seek(place, positions.get(place.partition, 0))
            missing = sum(ends[place] - positions.get(place.partition, 0) for place in places)
            records: list[object] = []
            while len(records) < missing:
                for some in consumer.poll(timeout_ms=10_000).values():
                    records += some
            return _table(records)
        finally:
            consumer.close()


def _table(records: Sequence[object]) -> pa.Table:
    def column(name: str) -> list[object]:
        return [getattr(record, name) for record in records]

    return pa.table(
        {
            "value": pa.array(column("value"), pa.binary()),
            "partition": pa.array(column("partition"), pa.int32()),
            "offset": pa.array(column("offset"), pa.int64()),
            "timestamp": pa.array(column("timestamp"), pa.timestamp("ms", "UTC")),
        }
    )
