"""Lists of commodities to seed: from a CSV file, or generated from a seed."""

import csv
import random
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Final

from settlement.catalogue import Commodity
from settlement.currency import Currency, parse_currency
from settlement.money import to_decimal

COLUMNS: Final = ("id", "name", "price", "currency", "inventory")
_PRICE_MINOR_MAX: Final = 50_000


def read_csv(path: Path) -> list[Commodity]:
    """Return the commodities of a CSV file with the columns `COLUMNS`.

    Raises:
        ValueError: a column is missing or a value is wrong; the message names the line.
        OSError: the file cannot be read.
    """
    with path.open(newline="", encoding="utf-8") as file:
        rows = csv.DictReader(file)
        missing = set(COLUMNS) - set(rows.fieldnames or ())
        if missing:
            raise ValueError(f"{path}: the first line must name the columns {', '.join(COLUMNS)}")
        return [_commodity(row, f"{path}, line {rows.line_num}") for row in rows]


def generate(
    number: int, inventory: int, seed: int, currencies: Sequence[Currency] = tuple(Currency)
) -> list[Commodity]:
    """Return commodities 1 to `number`, prices and currencies drawn from the seed, each with this stock."""
    draw = random.Random(seed)
    commodities = []
    for commodity_id in range(1, number + 1):
        currency = draw.choice(currencies)
        price = to_decimal(draw.randint(100, _PRICE_MINOR_MAX), currency.digits)
        commodities.append(Commodity(commodity_id, f"commodity {commodity_id}", price, currency, inventory))
    return commodities


def _commodity(row: dict[str, str], where: str) -> Commodity:
    try:
        return Commodity(
            int(row["id"]),
            row["name"],
            Decimal(row["price"]),
            parse_currency(row["currency"]),
            int(row["inventory"]),
        )
    except (ValueError, KeyError, TypeError, InvalidOperation) as error:
        raise ValueError(f"{where}: {type(error).__name__}: {error}") from error
