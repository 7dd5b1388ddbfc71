"""Spark's part: executors read Kafka's partitions and hand Arrow buffers to the driver, batch after batch."""

import json
import logging
import time
from collections.abc import Callable
from typing import Any, Final

import pyarrow as pa
from pyspark.java_gateway import ensure_callback_server_started
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.streaming.query import StreamingQuery

from jobs.cursor import LogCursor
from jobs.fetched import FetchedBatch
from jobs.writer import Writer
from settlement.settings import Settings

log = logging.getLogger(__name__)

_CONSUMER: Final = {
    "kafka.max.poll.records": "20000",
    "kafka.max.partition.fetch.bytes": str(4 * 1024 * 1024),
    "kafka.receive.buffer.bytes": str(1024 * 1024),
}


def create_session() -> SparkSession:
    """Return the session that spark-submit prepared; all settings come from its properties file."""
    return SparkSession.builder.appName("kiwi-settlement").getOrCreate()


class TermSignal:
    """Makes the JVM hand SIGTERM to us instead of shutting down under a batch.

    spark-submit's process is the JVM, and on Kubernetes it alone gets the signal.
    """

    def __init__(self, session: SparkSession, on_term: Callable[[], None]) -> None:
        """Install the handler; it lives as long as the JVM."""
        self._on_term = on_term
        jvm: Any = session.sparkContext._jvm  # noqa: SLF001 # the only way to the JVM's own classes
        gateway: Any = session.sparkContext._gateway  # noqa: SLF001
        ensure_callback_server_started(gateway)  # type: ignore[no-untyped-call] # of pyspark
        jvm.sun.misc.Signal.handle(jvm.sun.misc.Signal("TERM"), self)

    def handle(self, _signal: object) -> None:
        """Be called by the JVM."""
        self._on_term()

    class Java:
        """What py4j must implement in the JVM for us."""

        implements: Final = ["sun.misc.SignalHandler"]


def _fetch(batch: DataFrame, cursor: LogCursor) -> FetchedBatch:
    began = time.perf_counter()
    table: pa.Table = batch.toArrow()
    fetch_ms = (time.perf_counter() - began) * 1000
    return FetchedBatch.of(*cursor.advance(table), fetch_ms)


def start_stream(
    session: SparkSession,
    settings: Settings,
    positions: dict[int, int],
    partitions: int,
    checkpoint: str,
    writer: Writer,
) -> StreamingQuery:
    """Start fetching at the ledger's positions; every batch is decoded and handed to the writer.

    Args:
        session: of this driver.
        settings: name the topic and the largest batch.
        positions: the ledger's next offset of each partition.
        partitions: how many the topic has.
        checkpoint: an empty folder for each start, since only the ledger knows what was settled.
        writer: takes the batches.
    """
    starting = {str(partition): positions.get(partition, 0) for partition in range(partitions)}
    messages = (
        session.readStream.format("kafka")
        .options(
            **_CONSUMER,
            **{
                "kafka.bootstrap.servers": settings.kafka_bootstrap,
                "subscribe": settings.topic,
                "startingOffsets": json.dumps({settings.topic: starting}),
                "maxOffsetsPerTrigger": str(settings.batch_orders_max),
                "failOnDataLoss": "true",
            },
        )
        .load()
        .select("value", "partition", "offset", "timestamp")
    )
    cursor = LogCursor(positions)

    def hand_over(batch: DataFrame, _batch_id: int) -> None:
        try:
            fetched = _fetch(batch, cursor)
        except BaseException as error:  # noqa: BLE001 # Spark would hide its type; the main thread decides
            writer.fail(error)
        else:
            if fetched.ranges:
                writer.submit(fetched)

    return messages.writeStream.foreachBatch(hand_over).option("checkpointLocation", checkpoint).start()
