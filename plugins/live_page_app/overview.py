"""Puts one snapshot together from the three servers, at most once a second, for however many viewers."""

import asyncio
import time
from collections.abc import Callable
from typing import Final, TypeVar

from plugins.live_page_app import clock, verdict
from plugins.live_page_app.bounded import AwayError, Bounded
from plugins.live_page_app.coordination_reader import Coordination, CoordinationReader
from plugins.live_page_app.latency import approximate, batch_latency_ms
from plugins.live_page_app.ledger_reader import LedgerReader, LedgerReading
from plugins.live_page_app.log_reader import LogReader, LogReading
from plugins.live_page_app.recent_batches import RecentBatch, settled_at
from plugins.live_page_app.snapshot import Batch, Driver, Flow, History, Snapshot
from settlement.database import create_database_engine
from settlement.settings import Settings

CACHE_SECONDS: Final = 1.0
_BATCHES_SHOWN: Final = 12

T = TypeVar("T")


class Overview:
    """The page's numbers; lives in one event loop, connects with the first question."""

    def __init__(self, settings: Settings) -> None:
        url = settings.database_url.get_secret_value()
        self._ledger = LedgerReader(lambda: create_database_engine(url, pool_size=1))
        self._log = LogReader(settings)
        self._coordination = CoordinationReader(settings)
        self._threads = {name: Bounded(name) for name in ("ledger", "kafka", "zookeeper")}
        self._last: Snapshot | None = None
        self._read_at = float("-inf")
        self._reading: asyncio.Task[Snapshot] | None = None

    async def snapshot(self) -> Snapshot:
        """Return a snapshot no older than a second; callers share the reading."""
        if self._last and time.monotonic() - self._read_at < CACHE_SECONDS:
            return self._last
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._read())
        return await asyncio.shield(self._reading)

    async def _read(self) -> Snapshot:
        away: dict[str, str] = {}
        coordination_soon = asyncio.create_task(self._ask("zookeeper", away, self._coordination.read))
        ledger = await self._ask("ledger", away, self._ledger.read)
        # After the ledger, so that no order is settled that was not accepted before.
        now_ms = time.time_ns() // 1_000_000
        edges = clock.edges(now_ms)
        log = await self._ask("kafka", away, lambda: self._log.read(edges))
        self._last = assemble(now_ms, away, ledger, log, await coordination_soon)
        self._read_at = time.monotonic()
        return self._last

    async def _ask(self, name: str, away: dict[str, str], read: Callable[[], T]) -> T | None:
        try:
            return await self._threads[name].run(read)
        except AwayError as error:
            away[name] = str(error)
            return None


def assemble(
    now_ms: int,
    away: dict[str, str],
    ledger: LedgerReading | None,
    log: LogReading | None,
    coordination: Coordination | None,
) -> Snapshot:
    """Return the snapshot of whatever could be read."""
    edges = clock.edges(now_ms)
    nothing: list[int | None] = [None] * len(edges)
    accepted = log.counts if log else nothing
    settled = settled_at(edges, ledger.batches, ledger.totals.orders) if ledger else nothing
    flow = Flow(
        accepted=log.accepted if log else None,
        settled=ledger.totals.orders if ledger else None,
        lag=_lag(ledger, log),
        accept_per_second=clock.recent_rate(accepted, log.accepted if log else None, edges, now_ms),
        settle_per_second=clock.recent_rate(settled, ledger.totals.orders if ledger else None, edges, now_ms),
    )
    return Snapshot(
        at_ms=now_ms,
        away=away,
        verdict=(
            verdict.judge(coordination.status, flow.lag, now_ms)
            if coordination
            else verdict.unknown(away.get("zookeeper", "no answer"))
        ),
        driver=_driver(coordination) if coordination else None,
        flow=flow,
        history=History(clock.BIN_SECONDS, edges[-1], clock.per_second(accepted), clock.per_second(settled)),
        latency=approximate(ledger.batches) if ledger else None,
        totals=ledger.totals if ledger else None,
        refusals=ledger.refusals if ledger else None,
        batches=[_batch(batch) for batch in ledger.batches[: -_BATCHES_SHOWN - 1 : -1]] if ledger else None,
        rates=coordination.rates if coordination else None,
        audit=coordination.audit if coordination else None,
    )


def _lag(ledger: LedgerReading | None, log: LogReading | None) -> int | None:
    if ledger is None or log is None:
        return None
    return sum(max(end - ledger.positions.get(partition, 0), 0) for partition, end in log.ends.items())


def _driver(coordination: Coordination) -> Driver:
    line = coordination.line
    heartbeat_ms = coordination.status.at_ms if coordination.status else None
    return Driver(heartbeat_ms, line[0] if line else None, max(len(line) - 1, 0))


def _batch(batch: RecentBatch) -> Batch:
    return Batch(*batch[:8], committed_ms=round(batch.committed_ms), latency_ms=batch_latency_ms(batch))
