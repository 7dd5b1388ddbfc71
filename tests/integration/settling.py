"""A settler on real servers, fed by hand instead of by Spark."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Event

import numpy as np
import pyarrow as pa
from kazoo.client import KazooClient
from sqlalchemy import Engine, Row, text

from jobs.cursor import LogCursor
from jobs.dead_letter import DeadLetters
from jobs.fetched import FetchedBatch
from jobs.settler import Settler
from settlement.catalogue import SAMPLE, Commodity, seed_commodities
from settlement.head import Head, claim, read_positions
from settlement.order import Line, Order, encode_order
from settlement.rate_refresh import refresh_rates
from settlement.rate_sources import fixed
from settlement.settings import Settings


def order_text(
    user_id: int, initiator: str, lines: Sequence[tuple[int, int]], key: str | None = None, time_ms: int = 0
) -> bytes:
    """Return the canonical text of an order with (commodity id, number) lines."""
    items = tuple(Line(commodity_id, number) for commodity_id, number in lines)
    return encode_order(Order(user_id, initiator, time_ms, items, key))  # type: ignore[arg-type] # a code of ours


def messages(values: Sequence[bytes | None], start: int = 0, partition: int = 0) -> pa.Table:
    """Return messages as Spark hands them over, one millisecond apart."""
    offsets = np.arange(start, start + len(values), dtype=np.int64)
    return pa.table(
        {
            "value": pa.array(values, pa.binary()),
            "partition": np.full(len(values), partition, np.int32),
            "offset": offsets,
            "timestamp": pa.array(offsets * 1000, pa.timestamp("us", "UTC")),
        }
    )


@dataclass
class Bench:
    """A settler and what it reported; `feed` settles values that follow the ledger's position of partition 0."""

    engine: Engine
    zookeeper: KazooClient
    settings: Settings
    settler: Settler
    token: int
    stopping: Event
    heads: list[Head] = field(default_factory=list)
    holds: list[str] = field(default_factory=list)

    def fetch(self, table: pa.Table) -> FetchedBatch:
        """Return a batch as the stream would have made it from the ledger's positions."""
        with self.engine.connect() as connection:
            cursor = LogCursor(read_positions(connection))
        fresh, ranges = cursor.advance(table)
        return FetchedBatch.of(fresh, ranges, 0.0)

    def feed(self, *values: bytes | None) -> None:
        """Settle these values as the next messages of partition 0."""
        with self.engine.connect() as connection:
            start = read_positions(connection).get(0, 0)
        self.settler.settle(self.fetch(messages(values, start)))

    def rows(self, query: str) -> list[Row[tuple[object, ...]]]:
        """Return what a query of the ledger finds."""
        with self.engine.connect() as connection:
            return list(connection.execute(text(query)).all())

    def inventory(self, commodity_id: int) -> int:
        """Return a commodity's stock."""
        ((inventory,),) = self.rows(f"SELECT inventory FROM commodity WHERE id = {commodity_id}")
        assert isinstance(inventory, int)
        return inventory


def new_bench(engine: Engine, zookeeper: KazooClient, settings: Settings, token: int = 1) -> Bench:
    """Return a settler that has claimed the ledger with this fencing token."""
    claim(engine, token, "topic-of-the-test")
    stopping = Event()
    heads: list[Head] = []
    holds: list[str] = []

    def report(head: Head | None, detail: str) -> None:
        if head:
            heads.append(head)
        if detail:
            holds.append(detail)

    settler = Settler(engine, zookeeper, DeadLetters(settings), settings, token, stopping, report)
    return Bench(engine, zookeeper, settings, settler, token, stopping, heads, holds)


def open_shop(engine: Engine, zookeeper: KazooClient, commodities: Sequence[Commodity] = SAMPLE) -> None:
    """Seed commodities and write the start rates."""
    seed_commodities(engine, commodities)
    refresh_rates(zookeeper, fixed(), "fixed")
