"""The steps of one batch: rates, keys, decision, dead letters, commit. Every failure throws the memory away."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from threading import Event
from typing import Final

import numpy as np
import stamina
from kazoo.client import KazooClient
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError, InterfaceError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from jobs.bad_window import BadMessageWindow
from jobs.dead_letter import DeadLetters, DeadLetterUnavailableError
from jobs.fetched import FetchedBatch
from jobs.result_rows import result_rows, sum_paid, user_rows
from settlement.catalogue import read_stock
from settlement.decide import decide
from settlement.head import Head, lock_head, read_head, require_token
from settlement.idempotency import KeyedOrder, Repetition, resolve_keys
from settlement.ledger import SettledBatch, StaleStateError, write_batch
from settlement.rate_store import read_snapshot
from settlement.rates import RatesUnavailableError, Snapshot
from settlement.settings import Settings
from settlement.stock import Stock

log = logging.getLogger(__name__)

_HOLD_POLL_SECONDS: Final = 0.25
_WINDOW_BATCHES_MAX: Final = 1_000


class StoppedError(Exception):
    """Asked to stop while holding; the batch was not settled and stays in the log."""


@dataclass
class _Memory:
    """What is known of the ledger between two batches; thrown away at any doubt."""

    head: Head
    stock: Stock


class Settler:
    """Settles batches one after the other under one fencing token."""

    def __init__(
        self,
        engine: Engine,
        zookeeper: KazooClient,
        dead_letters: DeadLetters,
        settings: Settings,
        token: int,
        stopping: Event,
        report: Callable[[Head | None, str], None],
    ) -> None:
        """Take what a batch needs; `report` hears of each new head and of why settlement holds ("" = it does not)."""
        self._engine = engine
        self._zookeeper = zookeeper
        self._dead_letters = dead_letters
        self._settings = settings
        self._token = token
        self._stopping = stopping
        self._report = report
        self._memory: _Memory | None = None
        self._window = BadMessageWindow(settings.bad_share_max, settings.bad_window_orders)

    def settle(self, fetched: FetchedBatch) -> None:
        """Settle a batch; transient faults are retried up to `retry_seconds_max`.

        Raises:
            FencedError: another driver has taken over.
            StoppedError: asked to stop while rates were missing.
            TooManyBadMessagesError, LedgerViolationError, BulkLoadError: a human must look.
            sqlalchemy.exc.SQLAlchemyError: the database stayed away.
        """
        tried: int | None = None
        limit = self._settings.retry_seconds_max
        for attempt in stamina.retry_context(on=self._may_retry, attempts=None, timeout=limit, wait_max=2.0):
            with attempt:
                memory = self._memory = self._memory or self._load()
                if memory.head.batch == tried:
                    log.warning("batch %d had been committed, only its answer was lost", tried)
                    break
                tried = memory.head.batch + 1
                try:
                    self._settle_once(fetched, memory)
                except BaseException:
                    self._memory = None
                    raise
        assert self._memory is not None
        self._report(self._memory.head, "")

    def _may_retry(self, error: Exception) -> bool:
        return _is_transient(error) and not self._stopping.is_set()

    def _settle_once(self, fetched: FetchedBatch, memory: _Memory) -> None:
        decoded = fetched.decoded
        self._window.check(len(decoded.orders.ids), len(decoded.bad))
        snapshot = self._await_rates()
        self._dead_letters.send(decoded.bad)
        began = time.perf_counter()
        with self._engine.begin() as connection:
            head = lock_head(connection, self._token)
            if head != memory.head:  # the catalogue changed; nobody can change it again before we commit
                memory.head, memory.stock = head, read_stock(connection)
            batch = _decide(fetched, memory, snapshot, *resolve_keys(connection, decoded.keyed))
            decided = time.perf_counter()
            batch.step_ms["decide"] = (decided - began) * 1000
            memory.head = write_batch(connection, batch, self._token)
        step_ms = batch.step_ms | {"commit": (time.perf_counter() - decided) * 1000}
        log.info(
            "batch %d: %d orders, %d succeeded, %d malformed, ms %s",
            batch.number,
            batch.orders,
            sum(batch.succeeded_per_currency),
            batch.malformed,
            {step: round(ms, 1) for step, ms in step_ms.items()},
        )
        self._window.add(batch.orders, batch.malformed)

    def _await_rates(self) -> Snapshot:
        """Return a usable snapshot; hold settlement, visibly, until there is one."""
        age_seconds_max = self._settings.rates_age_seconds_max
        last = ""
        while True:
            try:
                now_ms = time.time_ns() // 1_000_000
                return read_snapshot(self._zookeeper, age_seconds_max=age_seconds_max, now_ms=now_ms)
            except RatesUnavailableError as error:
                if str(error) != last:
                    last = str(error)
                    log.warning("settlement holds: %s", last)
                    self._report(None, last)
            if self._stopping.wait(_HOLD_POLL_SECONDS):
                raise StoppedError(last)

    def _load(self) -> _Memory:
        with self._engine.connect() as connection:
            head = read_head(connection)
            require_token(head, self._token)
            self._window.load(_last_batches(connection))
            # The head is read before the stock: a change in between makes the batch stale, never wrong.
            return _Memory(head, read_stock(connection))


def _decide(
    fetched: FetchedBatch,
    memory: _Memory,
    snapshot: Snapshot,
    repetitions: list[Repetition],
    keys: list[KeyedOrder],
) -> SettledBatch:
    orders = fetched.decoded.orders
    if repetitions:
        refusals = orders.refusals.copy()
        refusals[[item.position for item in repetitions]] = [item.refusal for item in repetitions]
        orders = replace(orders, refusals=refusals)
    decision = decide(orders, memory.stock, snapshot.rates)
    number = memory.head.batch + 1
    paid, succeeded = sum_paid(orders, decision)
    sold = np.flatnonzero(decision.taken)
    return SettledBatch(
        number=number,
        catalogue_version=memory.head.catalogue_version,
        results=result_rows(number, orders, decision, repetitions),
        user_orders=user_rows(number, orders),
        taken=list(zip(memory.stock.ids[sold].tolist(), decision.taken[sold].tolist(), strict=True)),
        keys=keys,
        ranges=fetched.ranges,
        snapshot=snapshot,
        paid=paid,
        succeeded_per_currency=succeeded,
        malformed=len(fetched.decoded.bad),
        accepted_ms=fetched.accepted_ms,
        step_ms=dict(fetched.step_ms),
    )


def _last_batches(connection: Connection) -> list[tuple[int, int]]:
    rows = connection.execute(
        text("SELECT orders, malformed FROM batch ORDER BY number DESC LIMIT :most"), {"most": _WINDOW_BATCHES_MAX}
    )
    return [(row.orders, row.malformed) for row in rows][::-1]


def _is_transient(error: Exception) -> bool:
    """Tell what may go away by itself; everything else is a fault that more tries only repeat."""
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    transient = (OperationalError, InterfaceError, InternalError, PoolTimeoutError)
    return isinstance(error, (*transient, DeadLetterUnavailableError, StaleStateError))
