"""The work of refresh_fx. Imported by its tasks alone, so that reading the DAG loads nothing of it."""

import logging
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from airflow.sdk.exceptions import AirflowException
from kazoo.client import KazooClient

from settlement.currency import Currency
from settlement.rate_refresh import fetch_rate, publish_rates
from settlement.rate_sources import rate_source
from settlement.rates import format_rate, format_rates
from settlement.settings import Settings
from settlement.zookeeper import connect_zookeeper

log = logging.getLogger(__name__)

CONFIGURED = "configured"
"""The source that KIWI_RATES_SOURCE names."""


def fetch(code: str, source: str) -> dict[str, Any]:
    """Return one currency's new rate, in millionths, and when it was true; raises what the source raises."""
    chosen = _settings(source)
    with _zookeeper(chosen) as client:
        rate, as_of_ms = fetch_rate(client, rate_source(chosen), Currency[code])
    log.info("%s: %s", code, format_rate(rate))
    return {"currency": code, "rate": rate, "as_of_ms": as_of_ms}


def publish(fetched: Iterable[dict[str, Any] | None], source: str) -> dict[str, Any]:
    """Write what came in one transaction, and return the snapshot that then stands as the asset's metadata.

    Raises:
        AirflowException: nothing came.
        RatesUnavailableError: a currency is lacking that has no old rate either; nothing was written.
    """
    chosen = _settings(source)
    rates = {Currency[each["currency"]]: (each["rate"], each["as_of_ms"]) for each in fetched if each}
    if not rates:
        raise AirflowException(
            "no currency got a new rate: the old ones stay, and settlement holds once they are too old"
        )
    with _zookeeper(chosen) as client:
        snapshot = publish_rates(client, rates, chosen.rates_source)
    for currency in set(Currency) - rates.keys():
        age_seconds = time.time() - snapshot.as_of_ms[currency] / 1000
        log.warning("%s keeps its old rate, which is %.0f s old", currency.name, age_seconds)
    log.info("rates: %s (zxid %d)", format_rates(snapshot.rates), snapshot.zxid)
    return {
        "rates": {currency.name: format_rate(snapshot.rates[currency]) for currency in Currency},
        "as_of_ms": {currency.name: snapshot.as_of_ms[currency] for currency in Currency},
        "zxid": snapshot.zxid,
        "source": snapshot.source,
    }


def _settings(source: str) -> Settings:
    return Settings() if source == CONFIGURED else Settings(rates_source=source)


@contextmanager
def _zookeeper(chosen: Settings) -> Iterator[KazooClient]:
    client = connect_zookeeper(chosen.zookeeper_hosts)
    try:
        yield client
    finally:
        client.stop()
        client.close()
