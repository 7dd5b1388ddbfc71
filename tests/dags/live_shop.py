"""A shop whose orders really go through Kafka, settled when the test says so."""

import os
import time
from typing import Any

import pyarrow as pa
from kafka import KafkaProducer
from kazoo.client import KazooClient
from sqlalchemy import Engine

from settlement.head import read_positions
from settlement.settings import Settings
from settlement.status import State, Status, write_status
from tests.integration.settling import Bench, messages, new_bench, open_shop

HOLDER = f"driver-{os.getpid()}"


class LiveShop:
    """The original's four commodities at the start rates; orders go to partition 0."""

    def __init__(self, engine: Engine, zookeeper: KazooClient, settings: Settings) -> None:
        open_shop(engine, zookeeper)
        self.bench: Bench = new_bench(engine, zookeeper, settings)
        self._zookeeper = zookeeper
        self._settings = settings
        self._waiting: list[tuple[bytes, int]] = []

    def accept(self, *values: bytes) -> None:
        """Put orders into the topic."""
        producer: Any = KafkaProducer(bootstrap_servers=self._settings.kafka_bootstrap)
        try:
            sent = [producer.send(self._settings.topic, value, partition=0) for value in values]
            stamps = [future.get(20).timestamp for future in sent]
        finally:
            producer.close()
        self._waiting += zip(values, stamps, strict=True)

    def settle(self) -> None:
        """Settle all that waits as one batch, and send a heartbeat."""
        values, stamps = zip(*self._waiting, strict=True)
        with self.bench.engine.connect() as connection:
            table = messages(values, read_positions(connection).get(0, 0))
        microseconds = pa.array([stamp * 1000 for stamp in stamps], pa.timestamp("us", "UTC"))
        self.bench.settler.settle(self.bench.fetch(table.set_column(3, "timestamp", microseconds)))
        self._waiting = []
        self.beat("settling")

    def beat(self, state: State, detail: str = "") -> None:
        """Send the heartbeat of a driver."""
        batch = self.bench.heads[-1].batch if self.bench.heads else 0
        write_status(self._zookeeper, Status(state, HOLDER, batch, detail, time.time_ns() // 1_000_000))
