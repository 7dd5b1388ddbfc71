"""One refresh of the rates: ask the source, write what came in one transaction, report what did not."""

import logging
import time

from kazoo.client import KazooClient

from settlement.currency import Currency
from settlement.rate_sources import RateSource, ask_source
from settlement.rate_store import read_snapshot, write_rates
from settlement.rates import RatesUnavailableError, Snapshot

log = logging.getLogger(__name__)


class PartialRefreshError(Exception):
    """Some currencies got no new rate and keep the old one with its age; the message names them and why."""


def refresh_rates(client: KazooClient, source: RateSource, source_name: str) -> Snapshot:
    """Refresh all rates and return the snapshot that now stands in ZooKeeper.

    Raises:
        PartialRefreshError: at least one currency failed; the others were written.
        RatesUnavailableError: a currency failed that has no old rate; nothing was written.
        kazoo.exceptions.KazooException: ZooKeeper is away; nothing was written.
    """
    now_ms = time.time_ns() // 1_000_000
    rates, failures = ask_source(source, _old_rates(client), now_ms)
    for currency, error in failures.items():
        log.error("no new rate for %s from %s: %s: %s", currency.name, source_name, type(error).__name__, error)
    if rates:
        write_rates(client, {currency: (rate, now_ms) for currency, rate in rates.items()}, source_name)
    if failures:
        reasons = "; ".join(f"{currency.name}: {type(error).__name__}: {error}" for currency, error in failures.items())
        raise PartialRefreshError(f"kept the old rates of {len(failures)} of {len(Currency)} currencies: {reasons}")
    return read_snapshot(client, age_seconds_max=float("inf"), now_ms=now_ms)


def _old_rates(client: KazooClient) -> dict[Currency, int]:
    try:
        old = read_snapshot(client, age_seconds_max=float("inf"), now_ms=0)
    except RatesUnavailableError as error:
        log.info("no rates to start from (%s); the source decides", error)
        return {}
    return dict(zip(Currency, old.rates, strict=True))
