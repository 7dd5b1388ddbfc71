"""Commands on the exchange rates in ZooKeeper."""

import logging
import signal
from threading import Event
from typing import Annotated

import typer

from settlement.commands import open_zookeeper
from settlement.settings import Settings, settings

rates_app = typer.Typer(no_args_is_help=True, help="Exchange rates in ZooKeeper.")
log = logging.getLogger("settlement")


@rates_app.command()
def refresh(
    source: Annotated[str | None, typer.Option(help="walk, fixed, ecb or http; default KIWI_RATES_SOURCE.")] = None,
    every: Annotated[float, typer.Option(min=0, help="Repeat after this many seconds; 0 = once.")] = 0,
) -> None:
    """Refresh the four rates in one ZooKeeper transaction; exit code 1 if a currency failed."""
    from kazoo.exceptions import KazooException

    from settlement.rate_refresh import PartialRefreshError, refresh_rates
    from settlement.rate_sources import rate_source
    from settlement.rates import RatesUnavailableError, format_rates

    chosen = Settings(rates_source=source) if source else settings()
    stopping = Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    with open_zookeeper() as client:
        asked = rate_source(chosen)
        if not every:
            typer.echo(format_rates(refresh_rates(client, asked, chosen.rates_source).rates))
        while every and not stopping.is_set():
            try:
                log.info("rates: %s", format_rates(refresh_rates(client, asked, chosen.rates_source).rates))
            except (PartialRefreshError, RatesUnavailableError, KazooException) as error:
                log.error("refresh failed, next try in %s s: %s", every, repr(error))  # noqa: TRY400 # no trace needed
            stopping.wait(every)


@rates_app.command()
def show() -> None:
    """Print the snapshot that stands in ZooKeeper."""
    from settlement.rate_store import read_snapshot
    from settlement.rates import format_rates

    with open_zookeeper() as client:
        snapshot = read_snapshot(client, age_seconds_max=float("inf"), now_ms=0)
    typer.echo(f"{format_rates(snapshot.rates)} (zxid {snapshot.zxid}, source {snapshot.source})")
