"""Commands on the catalogue; each goes through a recorded change, so that settlement may run meanwhile."""

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Final

import typer

from settlement.commands import open_engine
from settlement.currency import CODES, Currency, parse_currency

_SHOWN: Final = 5


def seed(
    sample: Annotated[bool, typer.Option(help="The original's four commodities.")] = False,
    number: Annotated[int, typer.Option(min=0, max=1_000_000, help="Generate commodities 1 to NUMBER.")] = 0,
    stock: Annotated[int, typer.Option(min=0, help="Stock of each generated commodity.")] = 1_000,
    currencies: Annotated[str, typer.Option(help="Of the generated ones, comma-separated.")] = ",".join(CODES),
    seed: Annotated[int, typer.Option(help="Seed of the generated prices and currencies.")] = 1,
    csv: Annotated[Path | None, typer.Option(help="CSV file with id, name, price, currency, inventory.")] = None,
    dry_run: Annotated[bool, typer.Option(help="Only say what would be added.")] = False,
) -> None:
    """Add commodities that the catalogue does not have yet; those it has stay untouched."""
    from settlement import catalogue, commodity_lists

    with open_engine() as engine:
        wanted = list(catalogue.SAMPLE) if sample else []
        wanted += commodity_lists.generate(number, stock, seed, _currencies(currencies))
        wanted += commodity_lists.read_csv(csv) if csv else []
        if not wanted:
            raise typer.BadParameter("name at least one of --sample, --number, --csv")
        first_of_each = list({commodity.id: commodity for commodity in reversed(wanted)}.values())
        if dry_run and not catalogue.is_migrated(engine):
            typer.echo("the database has no catalogue yet; migrate first")
            added = first_of_each
        else:
            added = catalogue.seed_commodities(engine, first_of_each, dry_run=dry_run)
    for commodity in sorted(added, key=lambda each: each.id)[:_SHOWN]:
        price = f"{commodity.price} {commodity.currency.name}"
        typer.echo(f"  {commodity.id} {commodity.name}: {price}, stock {commodity.inventory:,}")
    verb = "would add" if dry_run else "added"
    typer.echo(f"{verb} {len(added)} of {len(first_of_each)} commodities; the catalogue had the others")


def restock(
    commodity_id: Annotated[int | None, typer.Argument(help="One commodity; or see the options.")] = None,
    more: Annotated[int | None, typer.Argument(metavar="UNITS", help="To add; negative takes away.")] = None,
    units: Annotated[int | None, typer.Option(help="To add to each; negative takes away.")] = None,
    commodities: Annotated[str, typer.Option(help="Their ids, comma-separated.")] = "",
    every: Annotated[bool, typer.Option("--all", help="Every commodity of the catalogue.")] = False,
) -> None:
    """Change the stock of commodities while settlement runs: all of those named, or none."""
    from settlement.catalogue import restock_all, restock_commodities

    ids = [commodity_id] if commodity_id is not None else _ids(commodities)
    each = more if units is None else units
    if (commodity_id is not None and commodities) or bool(ids) == every or (more is not None and units is not None):
        raise typer.BadParameter("name either one commodity, or --commodities, or --all")
    if each is None:
        raise typer.BadParameter("say how many units: restock 3 200, or --units 200")
    with open_engine() as engine:
        if every:
            count = restock_all(engine, each)
        else:
            count = len(ids)
            restock_commodities(engine, dict.fromkeys(ids, each))
    typer.echo(
        f"commodity {ids[0]}: stock {each:+}" if count == 1 and ids else f"{count:,} commodities: stock {each:+}"
    )


def price(commodity_id: int, new_price: Annotated[str, typer.Argument(help="In the commodity's currency.")]) -> None:
    """Change the price of one commodity while settlement runs."""
    from settlement.catalogue import change_prices

    with open_engine() as engine:
        change_prices(engine, {commodity_id: Decimal(new_price)})
    typer.echo(f"commodity {commodity_id}: price {new_price}")


def _currencies(text: str) -> Sequence[Currency]:
    try:
        codes = [parse_currency(code.strip().upper()) for code in text.split(",") if code.strip()]
    except KeyError as error:
        raise typer.BadParameter(f"--currencies knows {', '.join(CODES)}, not {error.args[0]}") from None
    return codes or tuple(Currency)


def _ids(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",") if part.strip()]
    except ValueError:
        raise typer.BadParameter("--commodities takes ids, comma-separated, such as 1,2,3") from None
