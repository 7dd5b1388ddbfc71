"""The operator's command line: `python -m settlement --help`. Every command reads its servers from `KIWI_*`."""

import logging
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from threading import Event
from typing import Annotated

import typer
from kafka.errors import KafkaError
from kazoo.client import KazooClient
from kazoo.exceptions import KazooException
from kazoo.handlers.threading import KazooTimeoutError
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from settlement import catalogue, commodity_lists
from settlement.audit import audit as run_audit
from settlement.audit import print_report
from settlement.database import create_database_engine
from settlement.migrate import migrate as run_migrations
from settlement.rate_refresh import PartialRefreshError, refresh_rates
from settlement.rate_sources import rate_source
from settlement.rate_store import read_snapshot
from settlement.rates import RatesUnavailableError, format_rates
from settlement.settings import Settings, settings
from settlement.topic import TopicUnfitError, ensure_topics
from settlement.zookeeper import connect_zookeeper

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__)
rates_app = typer.Typer(no_args_is_help=True, help="Exchange rates in ZooKeeper.")
app.add_typer(rates_app, name="rates")
log = logging.getLogger("settlement")


@app.command()
def migrate() -> None:
    """Bring the ledger's schema to the newest step."""
    with _engine() as engine:
        run_migrations(engine)
    typer.echo("the ledger's schema is up to date")


@app.command()
def topic() -> None:
    """Create the topics where they lack, and verify the orders' one."""
    with _clear_errors():
        info = ensure_topics(settings())
    typer.echo(f"topic {settings().topic}: {info.partitions} partitions, id {info.topic_id}")


@app.command()
def seed(
    sample: Annotated[bool, typer.Option(help="The original's four commodities.")] = False,
    number: Annotated[int, typer.Option(min=0, max=1_000_000, help="Generate commodities 1 to NUMBER.")] = 0,
    stock: Annotated[int, typer.Option(min=0, help="Stock of each generated commodity.")] = 1_000,
    seed: Annotated[int, typer.Option(help="Seed of the generated prices and currencies.")] = 1,
    csv: Annotated[Path | None, typer.Option(help=f"CSV file with {', '.join(commodity_lists.COLUMNS)}.")] = None,
    dry_run: Annotated[bool, typer.Option(help="Only say what would be added.")] = False,
) -> None:
    """Add commodities that the catalogue does not have yet; those it has stay untouched."""
    with _engine() as engine:
        wanted = list(catalogue.SAMPLE) if sample else []
        wanted += commodity_lists.generate(number, stock, seed)
        wanted += commodity_lists.read_csv(csv) if csv else []
        if not wanted:
            raise typer.BadParameter("name at least one of --sample, --number, --csv")
        first_of_each = {commodity.id: commodity for commodity in reversed(wanted)}
        added = catalogue.seed_commodities(engine, list(first_of_each.values()), dry_run=dry_run)
    verb = "would add" if dry_run else "added"
    typer.echo(f"{verb} {len(added)} of {len(first_of_each)} commodities; the catalogue had the others")


@app.command()
def restock(commodity_id: int, units: Annotated[int, typer.Argument(help="To add; negative takes away.")]) -> None:
    """Change the stock of one commodity while settlement runs."""
    with _engine() as engine:
        catalogue.restock_commodities(engine, {commodity_id: units})
    typer.echo(f"commodity {commodity_id}: stock {units:+}")


@app.command()
def price(commodity_id: int, new_price: Annotated[str, typer.Argument(help="In the commodity's currency.")]) -> None:
    """Change the price of one commodity while settlement runs."""
    with _engine() as engine:
        catalogue.change_prices(engine, {commodity_id: Decimal(new_price)})
    typer.echo(f"commodity {commodity_id}: price {new_price}")


@app.command()
def audit(
    json: Annotated[Path | None, typer.Option(help="Also write the report to this file.")] = None,
) -> None:
    """Recompute the whole ledger from Kafka's log and compare it; exit code 1 on any difference."""
    with _clear_errors(), Progress(*Progress.get_default_columns(), MofNCompleteColumn(), transient=True) as bar:
        task = bar.add_task("recomputing orders", total=None)
        report = run_audit(settings(), lambda done, total: bar.update(task, completed=done, total=total))
    if json:
        json.write_bytes(report.to_json())
    print_report(report, Console())
    raise typer.Exit(1 if report.difference_count else 0)


@rates_app.command()
def refresh(
    source: Annotated[str | None, typer.Option(help="walk, fixed, ecb or http; default KIWI_RATES_SOURCE.")] = None,
    every: Annotated[float, typer.Option(min=0, help="Repeat after this many seconds; 0 = once.")] = 0,
) -> None:
    """Refresh the four rates in one ZooKeeper transaction; exit code 1 if a currency failed."""
    chosen = Settings(rates_source=source) if source else settings()
    stopping = Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    with _zookeeper() as client:
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
    with _zookeeper() as client:
        snapshot = read_snapshot(client, age_seconds_max=float("inf"), now_ms=0)
    typer.echo(f"{format_rates(snapshot.rates)} (zxid {snapshot.zxid}, source {snapshot.source})")


@contextmanager
def _engine() -> Iterator[Engine]:
    engine = create_database_engine(settings().database_url.get_secret_value())
    with _clear_errors():
        yield engine
    engine.dispose()


@contextmanager
def _zookeeper() -> Iterator[KazooClient]:
    with _clear_errors():
        client = connect_zookeeper(settings().zookeeper_hosts)
        try:
            yield client
        finally:
            client.stop()
            client.close()


@contextmanager
def _clear_errors() -> Iterator[None]:
    """Say what an operator can act upon instead of a traceback, and exit with code 1."""
    try:
        yield
    except SQLAlchemyError as error:
        _fail(f"the database refused (KIWI_DATABASE_URL): {getattr(error, 'orig', None) or error}")
    except (KazooException, KazooTimeoutError) as error:
        _fail(f"ZooKeeper at KIWI_ZOOKEEPER_HOSTS={settings().zookeeper_hosts}: {type(error).__name__} {error}")
    except KafkaError as error:
        _fail(f"Kafka at KIWI_KAFKA_BOOTSTRAP={settings().kafka_bootstrap}: {type(error).__name__} {error}")
    except (ValueError, ArithmeticError, OSError, TopicUnfitError, PartialRefreshError, RatesUnavailableError) as error:
        _fail(str(error) or type(error).__name__)


def _fail(message: str) -> None:
    typer.secho(message, fg=typer.colors.RED, err=True)
    raise typer.Exit(1)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for chatty in ("kafka", "kazoo"):
        logging.getLogger(chatty).setLevel(logging.ERROR)
    app()
