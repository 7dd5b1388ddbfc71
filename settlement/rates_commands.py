"""Commands on the exchange rates in ZooKeeper."""

from typing import Annotated

import typer

from settlement.commands import open_zookeeper
from settlement.settings import Settings, settings

rates_app = typer.Typer(no_args_is_help=True, help="Exchange rates in ZooKeeper.")


@rates_app.command()
def refresh(
    source: Annotated[str | None, typer.Option(help="walk, fixed, ecb or http; default KIWI_RATES_SOURCE.")] = None,
) -> None:
    """Refresh the four rates in one ZooKeeper transaction; exit code 1 if a currency failed."""
    from settlement.rate_refresh import refresh_rates
    from settlement.rate_sources import rate_source
    from settlement.rates import format_rates

    chosen = Settings(rates_source=source) if source else settings()
    with open_zookeeper() as client:
        snapshot = refresh_rates(client, rate_source(chosen), chosen.rates_source)
    typer.echo(format_rates(snapshot.rates))


@rates_app.command()
def show() -> None:
    """Print the snapshot that stands in ZooKeeper."""
    from settlement.rate_store import read_snapshot
    from settlement.rates import format_rates

    with open_zookeeper() as client:
        snapshot = read_snapshot(client, age_seconds_max=float("inf"), now_ms=0)
    typer.echo(f"{format_rates(snapshot.rates)} (zxid {snapshot.zxid}, source {snapshot.source})")
