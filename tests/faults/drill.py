"""What a fault drill needs: a stack of its own, a load that never loses track, kills, and a recount."""

import json
import os
import random
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Event, Thread
from typing import Final

import psutil
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from local.connections import Connections
from local.job import job_service
from local.service import Service
from local.stack import Stack
from local.wanted import read_wanted
from settlement.audit import AuditReport, audit
from settlement.orderid import place_of
from settlement.settings import Settings

_REQUEST_ORDERS: Final = 50
_REQUEST_SECONDS: Final = 30
_PAUSE_SECONDS: Final = 0.02
_WAIT_SECONDS_MAX: Final = 120


def await_condition(what: str, holds: Callable[[], bool], seconds_max: float = _WAIT_SECONDS_MAX) -> float:
    """Wait until a condition holds; return the seconds that it took. Whatever cannot be asked yet does not hold."""
    began = time.monotonic()
    tick = Event()
    while True:
        try:
            if holds():
                return time.monotonic() - began
        except (SQLAlchemyError, OSError) as error:  # the server asked is the one that was killed
            last = repr(error)
        else:
            last = "no"
        waited = time.monotonic() - began
        assert waited < seconds_max, f"not after {waited:.0f} s: {what} ({last})"
        tick.wait(_PAUSE_SECONDS)


@dataclass
class Load:
    """Sends orders until it is stopped; each has a key, and is sent again until it is acknowledged."""

    api_url: str
    seed: int
    accepted: list[int] = field(default_factory=list)
    resent: int = 0
    _stopping: Event = field(default_factory=Event)

    def __post_init__(self) -> None:
        self._draw = random.Random(self.seed)
        self._thread = Thread(target=self._run, name="load", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Finish the request in hand."""
        self._stopping.set()
        self._thread.join(_WAIT_SECONDS_MAX)
        assert not self._thread.is_alive(), "the load does not end"

    def _run(self) -> None:
        request = 0
        while not self._stopping.is_set():
            request += 1
            waiting = [self._order(f"{self.seed}-{request}-{line}") for line in range(_REQUEST_ORDERS)]
            while waiting:
                waiting = self._send(waiting)
                self.resent += len(waiting)
                self._stopping.wait(_PAUSE_SECONDS)

    def _order(self, key: str) -> dict[str, object]:
        chosen = self._draw.sample(range(1, 101), self._draw.randint(1, 4))
        return {
            "user_id": self._draw.randrange(500),
            "initiator": self._draw.choice(["CNY", "USD", "JPY", "EUR"]),
            "time": 0,
            "items": [{"id": commodity, "number": self._draw.randint(1, 5)} for commodity in chosen],
            "idempotency_key": key,
        }

    def _send(self, orders: list[dict[str, object]]) -> list[dict[str, object]]:
        """Send orders and return those that must be sent again."""
        request = urllib.request.Request(f"{self.api_url}/orders", data=json.dumps(orders).encode())  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=_REQUEST_SECONDS) as answer:  # noqa: S310 # our own stack
                outcomes = json.loads(answer.read())
        except (OSError, ValueError):
            return orders
        self.accepted += [outcome["id"] for outcome in outcomes if outcome["status"] == 202]
        return [order for order, outcome in zip(orders, outcomes, strict=True) if outcome["status"] != 202]


def signal_all(pids: list[int], number: signal.Signals) -> None:
    """Send a signal to those of the processes that are still there."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


class Drill:
    """A running stack under fault; `engine` may read, `locker` may lock the head row, too."""

    def __init__(self, stack: Stack, settings: Settings, engine: Engine, locker: Engine) -> None:
        self.stack = stack
        self.settings = settings
        self.engine = engine
        self._locker = locker

    def batch(self) -> int:
        """Return the last committed batch."""
        with self.engine.connect() as connection:
            return int(connection.execute(text("SELECT batch FROM head")).scalar_one())

    def fencing_token(self) -> int:
        """Return the newest token that the ledger has seen."""
        with self.engine.connect() as connection:
            return int(connection.execute(text("SELECT fencing_token FROM head")).scalar_one())

    def pids(self, service: str) -> list[int]:
        """Return a service's processes: its main one, then that one's descendants."""
        main = self.stack.supervisor.state(service).pid
        assert main, f"{service} is not running"
        family = [psutil.Process(main), *psutil.Process(main).children(recursive=True)]
        return [process.pid for process in family if process.status() != psutil.STATUS_ZOMBIE]

    def driver(self) -> tuple[int, int]:
        """Return the process ids of the driver's JVM and of its Python."""
        jvm, *children = self.pids("settlement")
        python = next(child for child in children if "settle.py" in " ".join(psutil.Process(child).cmdline()))
        return jvm, python

    def pause_driver_in_transaction(self) -> list[int]:
        """Stop the driver's processes at a moment when it holds the head row; return them."""
        pids = self.pids("settlement")
        while True:
            await_condition("the driver is in a transaction", self._head_is_locked)
            signal_all(pids, signal.SIGSTOP)
            if self._head_is_locked():
                return pids
            signal_all(pids, signal.SIGCONT)

    def _head_is_locked(self) -> bool:
        with self._locker.connect() as connection:
            try:
                connection.execute(text("SELECT batch FROM head FOR UPDATE NOWAIT"))
            except OperationalError:
                return True
        return False

    def settlement_service(self) -> Service:
        """Return how the stack runs the job, to start one more."""
        wanted = read_wanted(self.stack.home)
        assert wanted is not None
        return job_service(Connections.of(self.stack.home, self.stack.settings), wanted)

    def await_next_commit(self) -> float:
        """Wait until the ledger answers, and then until it grows; return the seconds that it took."""
        seconds = await_condition("the ledger answers", lambda: self.batch() >= 0)
        after = self.batch()
        return seconds + await_condition("settling", lambda: self.batch() > after)

    def await_drain(self, accepted: list[int]) -> None:
        """Wait until everything accepted is settled."""
        ends: dict[int, int] = {}
        for order in accepted:
            partition, offset = place_of(order)
            ends[partition] = max(ends.get(partition, 0), offset + 1)

        def drained() -> bool:
            with self.engine.connect() as connection:
                rows = connection.execute(text("SELECT partition_id, next_offset FROM log_position")).all()
            positions = {row.partition_id: row.next_offset for row in rows}
            return all(positions.get(partition, 0) >= end for partition, end in ends.items())

        await_condition("everything accepted is settled", drained)

    def recount(self, accepted: list[int]) -> AuditReport:
        """Drain, check that each accepted order has one result, and audit the whole ledger."""
        self.await_drain(accepted)
        assert len(set(accepted)) == len(accepted), "an id was given out twice"
        with self.engine.connect() as connection:
            settled = set(connection.execute(text("SELECT id FROM result")).scalars())
        assert set(accepted) <= settled
        report = audit(self.settings)
        assert report.difference_count == 0, report.differences
        return report
