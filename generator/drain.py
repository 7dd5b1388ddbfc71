"""Waits until settlement has passed every accepted order, and says what is the matter when it stands still."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from kazoo.exceptions import KazooException
from kazoo.handlers.threading import KazooTimeoutError
from msgspec import MsgspecError
from sqlalchemy.exc import SQLAlchemyError

from generator.accepted import AcceptedOrders
from generator.ledger import Ledger
from settlement.status import read_status
from settlement.zookeeper import connect_zookeeper

_POLL_SECONDS: Final = 0.2
_STILL_SECONDS: Final = 10
_ZOOKEEPER_SECONDS: Final = 3
_SILENT_SECONDS: Final = 15  # a driver that lives writes its status more often


@dataclass(frozen=True)
class Drain:
    """How the waiting ended.

    Attributes:
        settled: accepted orders that the ledger's positions have passed.
        problem: why not all, or empty.
    """

    settled: int
    problem: str = ""


class SettledCount:
    """How many of the accepted orders are settled, read from the ledger at most a few times a second."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._read_at = float("-inf")
        self.fault = ""
        self.value = 0

    def read(self, accepted: AcceptedOrders) -> int:
        """Return the count; while the ledger is away, the last one, and `fault` says why."""
        now = time.monotonic()
        if now - self._read_at >= _POLL_SECONDS:
            try:
                self.value = accepted.count_below(self._ledger.positions())
                self.fault = ""
            except SQLAlchemyError as error:
                self.fault = f"the ledger is away (KIWI_DATABASE_URL): {getattr(error, 'orig', None) or error}"
            self._read_at = time.monotonic()
        return self.value


def await_drain(
    accepted: AcceptedOrders,
    count: SettledCount,
    *,
    seconds_max: float,
    describe: Callable[[], str],
    show: Callable[[int, int, str], None],
    stopping: Callable[[], bool],
) -> Drain:
    """Wait until all are settled, for `seconds_max` at most.

    Args:
        accepted: the orders.
        count: how to find out.
        seconds_max: the limit.
        describe: says what settlement says of itself; asked when nothing was settled for a while.
        show: takes the number settled so far, the number accepted, and a remark.
        stopping: asked whether to wait no longer.
    """
    began = moved = time.monotonic()
    remark, settled = "", count.value
    while True:
        now = time.monotonic()
        if count.read(accepted) != settled:
            settled, moved, remark = count.value, now, ""
        elif now - moved >= _STILL_SECONDS:
            remark = f"nothing settled for {now - moved:.0f} s: {count.fault or describe()}"
        show(settled, len(accepted), remark)
        if settled == len(accepted):
            return Drain(settled)
        if stopping():
            return Drain(settled, "the waiting was ended by hand")
        if now - began >= seconds_max:
            return Drain(settled, f"not all settled within {seconds_max:g} s; {count.fault or describe()}")
        time.sleep(_POLL_SECONDS)


class SettlementStatus:
    """What the settlement job says of itself in ZooKeeper, asked anew every few seconds at most."""

    def __init__(self, zookeeper_hosts: str) -> None:
        self._hosts = zookeeper_hosts
        self._asked_at = float("-inf")
        self._said = ""

    def describe(self) -> str:
        """Return a sentence; never raises."""
        if time.monotonic() - self._asked_at >= _STILL_SECONDS:
            self._said = _ask(self._hosts)
            self._asked_at = time.monotonic()
        return self._said


def _ask(hosts: str) -> str:
    try:
        client = connect_zookeeper(hosts, connect_seconds=_ZOOKEEPER_SECONDS)
    except (KazooException, KazooTimeoutError) as error:
        return f"ZooKeeper at KIWI_ZOOKEEPER_HOSTS={hosts} does not tell why ({type(error).__name__})"
    try:
        status = read_status(client)
    except (KazooException, MsgspecError) as error:
        return f"ZooKeeper does not tell why ({type(error).__name__}: {error})"
    finally:
        client.stop()
        client.close()
    if status is None:
        return "no settlement job has ever reported; start one (on one machine: `make up`)"
    age = max(time.time() - status.at_ms / 1000, 0)
    when = f"{age:.0f} s ago" if age < _SILENT_SECONDS else f"{age:.0f} s ago, and has been silent since,"
    return f"settlement said {when} that it is {status.state} at batch {status.batch} {status.detail}".rstrip()
