"""Refreshing the rates: ask the source for one currency, write what came in one transaction, name what did not."""

import logging
import time
from collections.abc import Mapping

from kazoo.client import KazooClient

from settlement.currency import Currency
from settlement.rate_sources import RateSource, ask_source
from settlement.rate_store import read_snapshot, write_rates
from settlement.rates import RatesUnavailableError, Snapshot

log = logging.getLogger(__name__)


class PartialRefreshError(Exception):
    """Some currencies got no new rate and keep the old one with its age; the message names them and why."""


def fetch_rate(client: KazooClient, source: RateSource, currency: Currency) -> tuple[int, int]:
    """Ask for one currency; the walk goes on from the rate that stands in ZooKeeper.

    Returns:
        The new rate in millionths, and the epoch milliseconds at which it is true.

    Raises:
        Exception: whatever the source raises; nobody stands in for it.
    """
    now_ms = _now_ms()
    return source(currency, _old_rates(client).get(currency), now_ms), now_ms


def publish_rates(client: KazooClient, rates: Mapping[Currency, tuple[int, int]], source_name: str) -> Snapshot:
    """Write these rates in one transaction, and return the snapshot that then stands in ZooKeeper.

    A currency that is lacking keeps its old rate and age; if all are, nothing is written.

    Raises:
        RatesUnavailableError: a currency is lacking that has no old rate either; nothing was written.
        kazoo.exceptions.KazooException: ZooKeeper is away; nothing was written.
    """
    if rates:
        write_rates(client, rates, source_name)
    return read_snapshot(client, age_seconds_max=float("inf"), now_ms=_now_ms())


def refresh_rates(client: KazooClient, source: RateSource, source_name: str) -> Snapshot:
    """Refresh all rates and return the snapshot that now stands in ZooKeeper.

    Raises:
        PartialRefreshError: at least one currency failed; the others were written.
        RatesUnavailableError: a currency failed that has no old rate; nothing was written.
        kazoo.exceptions.KazooException: ZooKeeper is away; nothing was written.
    """
    now_ms = _now_ms()
    rates, failures = ask_source(source, _old_rates(client), now_ms)
    for currency, error in failures.items():
        log.error("no new rate for %s from %s: %s: %s", currency.name, source_name, type(error).__name__, error)
    if len(failures) < len(Currency):
        snapshot = publish_rates(client, {currency: (rate, now_ms) for currency, rate in rates.items()}, source_name)
    if failures:
        reasons = "; ".join(f"{currency.name}: {type(error).__name__}: {error}" for currency, error in failures.items())
        raise PartialRefreshError(f"kept the old rates of {len(failures)} of {len(Currency)} currencies: {reasons}")
    return snapshot


def _old_rates(client: KazooClient) -> dict[Currency, int]:
    try:
        old = read_snapshot(client, age_seconds_max=float("inf"), now_ms=0)
    except RatesUnavailableError as error:
        log.info("no rates to start from (%s); the source decides", error)
        return {}
    return dict(zip(Currency, old.rates, strict=True))


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
