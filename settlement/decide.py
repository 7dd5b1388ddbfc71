"""The decision: one plain sequential pass over flat arrays, all or nothing for each order, exact by definition."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from numba import njit

from settlement.currency import DIGITS, Currency
from settlement.money import PAID_MAX, price_order
from settlement.refusal import Refusal
from settlement.stock import Bytes, Ints, Stock

_NONE: Final = int(Refusal.NONE)
_UNKNOWN_COMMODITY: Final = int(Refusal.UNKNOWN_COMMODITY)
_INSUFFICIENT_STOCK: Final = int(Refusal.INSUFFICIENT_STOCK)
_AMOUNT_TOO_LARGE: Final = int(Refusal.AMOUNT_TOO_LARGE)

_NARROW_MAX: Final = 4e18
"""Below it a price fits 64 bits with room for the rounding; above it Python's integers take over."""

_SCALES: Final = np.array([10 ** (2 - digits) for digits in DIGITS], dtype=np.int64)


@dataclass(frozen=True)
class OrderBatch:
    """Orders in their order of settlement, as parallel arrays; lines lie in two flat arrays of their own.

    Attributes:
        ids: order ids.
        user_ids: buyers; meaningless where `refusals` says malformed.
        initiators: `Currency` of each buyer.
        refusals: `Refusal` that was clear before the stock was asked, else NONE.
        line_starts: index of each order's first line.
        line_counts: how many lines it has.
        commodity_ids: of each line.
        numbers: of each line.
    """

    ids: Ints
    user_ids: Ints
    initiators: Bytes
    refusals: Bytes
    line_starts: Ints
    line_counts: Ints
    commodity_ids: Ints
    numbers: Ints

    def lines(self, index: int) -> tuple[Ints, Ints]:
        """Return the commodity ids and the numbers of one order's lines."""
        span = slice(self.line_starts[index], self.line_starts[index] + self.line_counts[index])
        return self.commodity_ids[span], self.numbers[span]


@dataclass(frozen=True)
class Decision:
    """The outcome of a batch.

    Attributes:
        refusals: `Refusal` of each order, NONE for a success.
        paid: minor units of the initiator's currency, 0 where refused.
        taken: units taken of each commodity of the stock.
    """

    refusals: Bytes
    paid: Ints
    taken: Ints


def decide(batch: OrderBatch, stock: Stock, rates: tuple[int, ...]) -> Decision:
    """Decide every order of a batch, one after the other, and take what succeeds from `stock.inventory`.

    Args:
        batch: the orders; those with a refusal keep it and take nothing.
        stock: the catalogue; its inventory is changed in place.
        rates: one snapshot, millionths by `Currency`.
    """
    decision = Decision(batch.refusals.copy(), np.zeros(len(batch.ids), np.int64), np.zeros(len(stock.ids), np.int64))
    arguments = (*_arrays(batch), *_arrays(stock), np.array(rates, np.int64), *_arrays(decision))
    position = 0
    while (position := int(_run(position, *arguments))) < len(batch.ids):
        _decide_wide(position, batch, stock, rates, decision)
        position += 1
    return decision


def _arrays(record: OrderBatch | Stock | Decision) -> list[npt.NDArray[Any]]:
    return [getattr(record, name) for name in record.__dataclass_fields__ if name != "user_ids"]


def _decide_wide(index: int, batch: OrderBatch, stock: Stock, rates: tuple[int, ...], decision: Decision) -> None:
    """Price with unbounded integers the order at which the kernel stopped; its units are taken already."""
    commodity_ids, numbers = batch.lines(index)
    places = np.searchsorted(stock.ids, commodity_ids)
    subtotals = [0] * len(Currency)
    for place, number in zip(places, numbers, strict=True):
        subtotals[stock.currencies[place]] += int(stock.prices[place]) * int(number)
    paid = price_order(subtotals, rates, Currency(batch.initiators[index]))
    if paid <= PAID_MAX:
        decision.paid[index] = paid
        return
    decision.refusals[index] = _AMOUNT_TOO_LARGE
    np.add.at(stock.inventory, places, numbers)
    np.subtract.at(decision.taken, places, numbers)


@njit(cache=True)
def _run(
    position: int,
    ids: Ints,
    initiators: Bytes,
    given: Bytes,
    line_starts: Ints,
    line_counts: Ints,
    commodity_ids: Ints,
    numbers: Ints,
    stock_ids: Ints,
    prices: Ints,
    currencies: Bytes,
    inventory: Ints,
    rates: Ints,
    refusals: Bytes,
    paid: Ints,
    taken: Ints,
) -> int:
    """Decide from `position` on; return the end, or the first order whose price needs more than 64 bits."""
    places = np.empty(max(1, line_counts.max() if len(line_counts) else 1), np.int64)
    subtotals = np.zeros(len(rates), np.int64)
    for order in range(position, len(ids)):
        if given[order] != _NONE:
            continue
        start, count = line_starts[order], line_counts[order]
        if not _find(commodity_ids, start, count, stock_ids, places):
            refusals[order] = _UNKNOWN_COMMODITY
            continue
        if not _take(numbers, start, count, places, inventory):
            refusals[order] = _INSUFFICIENT_STOCK
            continue
        subtotals[:] = 0
        for line in range(count):
            place = places[line]
            taken[place] += numbers[start + line]
            subtotals[currencies[place]] += prices[place] * numbers[start + line]
        estimate = 0.0
        numerator = 0
        for currency in range(len(rates)):
            estimate += float(subtotals[currency]) * float(rates[currency]) * float(_SCALES[currency])
        if estimate > _NARROW_MAX:
            return order
        for currency in range(len(rates)):
            numerator += subtotals[currency] * rates[currency] * _SCALES[currency]
        denominator = rates[initiators[order]] * _SCALES[initiators[order]]
        amount = numerator // denominator
        twice = 2 * (numerator - amount * denominator)
        if twice > denominator or (twice == denominator and amount % 2 == 1):
            amount += 1
        if amount > PAID_MAX:
            return order
        paid[order] = amount
    return len(ids)


@njit(cache=True)
def _find(commodity_ids: Ints, start: int, count: int, stock_ids: Ints, places: Ints) -> bool:
    """Write the place of each line's commodity; return whether all are known."""
    for line in range(count):
        wanted = commodity_ids[start + line]
        place = np.searchsorted(stock_ids, wanted)
        if place == len(stock_ids) or stock_ids[place] != wanted:
            return False
        places[line] = place
    return True


@njit(cache=True)
def _take(numbers: Ints, start: int, count: int, places: Ints, inventory: Ints) -> bool:
    """Take every line, or nothing. Lines of one commodity count together, since each sees what the last left."""
    for line in range(count):
        inventory[places[line]] -= numbers[start + line]
        if inventory[places[line]] < 0:
            for taken in range(line + 1):
                inventory[places[taken]] += numbers[start + taken]
            return False
    return True
