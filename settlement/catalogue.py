"""The catalogue as the job holds it in memory, and the changes that others make to it.

Whoever changes a commodity appends what he did to `catalogue_change` and raises the head row's catalogue version in the
same transaction. A batch that was decided on an older version then finds no head row to advance, reads the stock
again and decides again. Nothing ever rewrites stock behind the job's back, and the audit can replay the changes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import numpy as np
from sqlalchemy import Connection, Engine, inspect, text

from settlement.currency import CODES, Currency
from settlement.money import from_decimal
from settlement.order import COMMODITY_ID_MAX
from settlement.stock import Stock

PRICE_MAX: Final = Decimal(100_000_000)
INVENTORY_MAX: Final = 10**15
NAME_CHARACTERS_MAX: Final = 255


def check_price(commodity_id: int, price: Decimal, currency: Currency) -> None:
    """Raise `ValueError` if the price is out of range or finer than the currency's minor unit."""
    if not 0 <= price <= PRICE_MAX:
        raise ValueError(f"commodity {commodity_id}: the price must be from 0 to {PRICE_MAX}")
    from_decimal(price, currency.digits)


@dataclass(frozen=True)
class Commodity:
    """Something for sale; `price` is in units of `currency`, with no more digits than that currency has.

    Raises:
        ValueError: a value is outside the stated limits.
    """

    id: int
    name: str
    price: Decimal
    currency: Currency
    inventory: int

    def __post_init__(self) -> None:
        if not 1 <= self.id <= COMMODITY_ID_MAX:
            raise ValueError(f"commodity {self.id}: the id must be from 1 to {COMMODITY_ID_MAX}")
        if not 1 <= len(self.name) <= NAME_CHARACTERS_MAX:
            raise ValueError(f"commodity {self.id}: the name must have 1 to {NAME_CHARACTERS_MAX} characters")
        if not 0 <= self.inventory <= INVENTORY_MAX:
            raise ValueError(f"commodity {self.id}: the inventory must be from 0 to {INVENTORY_MAX}")
        check_price(self.id, self.price, self.currency)


SAMPLE: Final = (
    Commodity(1, "A", Decimal("66.0"), Currency.USD, 123),
    Commodity(2, "B", Decimal("88.0"), Currency.CNY, 789),
    Commodity(3, "C", Decimal("99.0"), Currency.JPY, 666),
    Commodity(4, "D", Decimal("45.5"), Currency.EUR, 333),
)
"""The four commodities of the original system."""


def read_stock(connection: Connection) -> Stock:
    """Return the whole catalogue as sorted arrays."""
    rows = connection.execute(text("SELECT id, price, currency, inventory FROM commodity ORDER BY id")).all()
    currencies = [Currency[row.currency] for row in rows]
    prices = [from_decimal(row.price, currency.digits) for row, currency in zip(rows, currencies, strict=True)]
    return Stock(
        ids=np.array([row.id for row in rows], np.int64),
        prices=np.array(prices, np.int64),
        currencies=np.array(currencies, np.uint8),
        inventory=np.array([row.inventory for row in rows], np.int64),
    )


def is_migrated(engine: Engine) -> bool:
    """Return whether the database has a catalogue at all."""
    return inspect(engine).has_table("commodity")


def seed_commodities(engine: Engine, commodities: Sequence[Commodity], *, dry_run: bool = False) -> list[Commodity]:
    """Add the commodities that the catalogue does not have yet; those that it has stay untouched.

    Returns:
        What was added, or would be with `dry_run`.
    """
    with engine.begin() as connection:
        version, after_batch = _begin_change(connection)
        known = set(connection.execute(text("SELECT id FROM commodity")).scalars())
        added = [commodity for commodity in commodities if commodity.id not in known]
        if added and not dry_run:
            rows = [
                {
                    "id": commodity.id,
                    "name": commodity.name,
                    "price": commodity.price,
                    "currency": CODES[commodity.currency],
                    "inventory": commodity.inventory,
                }
                for commodity in added
            ]
            connection.execute(
                text("INSERT INTO commodity VALUES (:id, :name, :price, :currency, :inventory)"),
                rows,
            )
            _record(connection, version, after_batch, "seed", rows)
        return added


def restock_commodities(engine: Engine, units: dict[int, int]) -> None:
    """Add units to the stock of commodities while settlement runs; a negative number takes unsold units away.

    Raises:
        ValueError: a commodity is unknown, or its stock would fall below zero or grow beyond the limit.
    """
    with engine.begin() as connection:
        version, after_batch = _begin_change(connection)
        for commodity_id, delta in units.items():
            changed = connection.execute(
                text(
                    "UPDATE commodity SET inventory = inventory + :delta"
                    " WHERE id = :id AND inventory + :delta BETWEEN 0 AND :max"
                ),
                {"id": commodity_id, "delta": delta, "max": INVENTORY_MAX},
            ).rowcount
            if changed != 1 and delta != 0:
                raise ValueError(f"commodity {commodity_id}: unknown, or {delta:+} leaves its stock out of range")
        rows = [{"id": commodity_id, "inventory": delta} for commodity_id, delta in units.items()]
        _record(connection, version, after_batch, "restock", rows)


def restock_all(engine: Engine, units: int) -> int:
    """Add units to the stock of every commodity, in one change; return how many commodities there are.

    Raises:
        ValueError: a stock would fall below zero or grow beyond the limit; then none is changed.
    """
    with engine.begin() as connection:
        version, after_batch = _begin_change(connection)
        values = {"delta": units, "max": INVENTORY_MAX, "version": version, "after_batch": after_batch}
        misfit = connection.execute(
            text("SELECT id FROM commodity WHERE inventory + :delta NOT BETWEEN 0 AND :max ORDER BY id LIMIT 1"), values
        ).scalar()
        if misfit is not None:
            raise ValueError(f"commodity {misfit}: {units:+} leaves its stock out of range; no stock was changed")
        connection.execute(
            text(
                "INSERT INTO catalogue_change (version, commodity_id, after_batch, kind, inventory_delta, changed_at)"
                " SELECT :version, id, :after_batch, 'restock', :delta, UTC_TIMESTAMP(6) FROM commodity"
            ),
            values,
        )
        changed = connection.execute(text("UPDATE commodity SET inventory = inventory + :delta"), values).rowcount
        connection.execute(text("UPDATE head SET catalogue_version = :version"), {"version": version})
        return changed


def change_prices(engine: Engine, prices: dict[int, Decimal]) -> None:
    """Change prices, each in the commodity's own currency; orders settled before keep what they paid.

    Raises:
        ValueError: a commodity is unknown, or a price breaks its limits.
    """
    with engine.begin() as connection:
        version, after_batch = _begin_change(connection)
        for commodity_id, price in prices.items():
            code = connection.execute(
                text("SELECT currency FROM commodity WHERE id = :id"), {"id": commodity_id}
            ).scalar()
            if code is None:
                raise ValueError(f"commodity {commodity_id} is unknown")
            check_price(commodity_id, price, Currency[code])
            connection.execute(
                text("UPDATE commodity SET price = :price WHERE id = :id"), {"id": commodity_id, "price": price}
            )
        rows = [{"id": commodity_id, "price": price} for commodity_id, price in prices.items()]
        _record(connection, version, after_batch, "price", rows)


def _begin_change(connection: Connection) -> tuple[int, int]:
    """Lock the head row, which keeps batches out, and return the new version and the last batch before it."""
    head = connection.execute(text("SELECT batch, catalogue_version FROM head FOR UPDATE")).one()
    return head.catalogue_version + 1, head.batch


def _record(
    connection: Connection, version: int, after_batch: int, kind: str, rows: Sequence[Mapping[str, object]]
) -> None:
    empty = {"name": None, "price": None, "currency": None, "inventory": 0}
    connection.execute(
        text(
            "INSERT INTO catalogue_change VALUES"
            " (:version, :id, :after_batch, :kind, :name, :price, :currency, :inventory, UTC_TIMESTAMP(6))"
        ),
        [{**empty, **row, "version": version, "after_batch": after_batch, "kind": kind} for row in rows],
    )
    connection.execute(text("UPDATE head SET catalogue_version = :version"), {"version": version})
