"""ZooKeeper as the page reads it: heartbeat, lock, rates and the outcome of the last audit."""

import logging
import time
from dataclasses import dataclass
from typing import Final

from kazoo.client import KazooClient
from kazoo.exceptions import KazooException
from msgspec import MsgspecError

from plugins.live_page_app.bounded import AwayError
from plugins.live_page_app.snapshot import AuditResult, Rate, Rates
from settlement.audit_outcome import read_outcome
from settlement.currency import CODES
from settlement.rate_store import read_snapshot
from settlement.rates import RatesUnavailableError, format_rate
from settlement.settings import Settings
from settlement.status import Status, read_status
from settlement.zookeeper import LOCK_PATH

_SESSION_SECONDS: Final = 10
_CONNECT_SECONDS: Final = 2.0
_QUIET: Final = logging.getLogger("kiwi.live_page.zookeeper")  # the page says that it is away
_QUIET.setLevel(logging.CRITICAL)


@dataclass(frozen=True)
class Coordination:
    """What stood in ZooKeeper.

    Attributes:
        line: who holds the lock, then who waits for it.
    """

    status: Status | None
    line: list[str]
    rates: Rates
    audit: AuditResult | None


class CoordinationReader:
    """Used from one thread at a time; its client connects again by itself."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client: KazooClient | None = None

    def read(self) -> Coordination:
        """Return what stands there now; raises `AwayError` while ZooKeeper does not answer."""
        client = self._connected()
        try:
            return Coordination(read_status(client), _line(client), self._rates(client), _audit(client))
        except (KazooException, MsgspecError, client.handler.timeout_exception) as error:
            raise AwayError(f"{type(error).__name__} {error}".strip()[:200]) from error

    def _connected(self) -> KazooClient:
        if self._client is None:
            self._client = KazooClient(
                hosts=self._settings.zookeeper_hosts,
                timeout=_SESSION_SECONDS,
                logger=_QUIET,
                connection_retry={"max_tries": -1, "delay": 0.2, "max_delay": 2},
            )
            self._client.start_async().wait(_CONNECT_SECONDS)
        if not self._client.connected:  # a call would wait for the connection
            raise AwayError("not connected")
        return self._client

    def _rates(self, client: KazooClient) -> Rates:
        age_seconds_max = self._settings.rates_age_seconds_max
        try:
            found = read_snapshot(client, age_seconds_max=float("inf"), now_ms=0)
        except RatesUnavailableError as error:
            return Rates([], "", age_seconds_max, str(error))
        rates = [
            Rate(code, format_rate(rate), as_of_ms)
            for code, rate, as_of_ms in zip(CODES, found.rates, found.as_of_ms, strict=True)
        ]
        try:
            found.check_age(age_seconds_max, time.time_ns() // 1_000_000)
        except RatesUnavailableError as error:
            return Rates(rates, found.source, age_seconds_max, str(error))
        return Rates(rates, found.source, age_seconds_max, "")


def _line(client: KazooClient) -> list[str]:
    return list(client.Lock(LOCK_PATH).contenders()) if client.exists(LOCK_PATH) else []


def _audit(client: KazooClient) -> AuditResult | None:
    outcome = read_outcome(client)
    return None if outcome is None else AuditResult(outcome.at_ms, outcome.orders, outcome.differences)
