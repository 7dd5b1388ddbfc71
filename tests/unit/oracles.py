"""Independent ways to the same results: a sequential model, two other exact algorithms, and a tempting wrong one.

They share no code with `settlement`, work on exact fractions, and care for nothing but being obviously right.
A `Basket` is what an order buys, by place in the stock.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

MINOR_UNITS = (100, 100, 1, 100)
PAID_MAX = 10**17

Basket = dict[int, int]


@dataclass(frozen=True)
class Article:
    """A commodity: price in minor units of its currency (0 to 3), and its stock."""

    id: int
    price: int
    currency: int
    stock: int


@dataclass(frozen=True)
class Purchase:
    """An order: initiator (0 to 3), lines (commodity id, number), and a refusal that was clear before."""

    initiator: int
    lines: tuple[tuple[int, int], ...]
    refusal: str = "none"


def price(subtotals: Sequence[int], rates: Sequence[int], initiator: int) -> int:
    """Return what subtotals (minor units per currency) cost in the initiator's minor units, rounded half-even once."""
    value = sum(
        Fraction(subtotal, minor_units) * Fraction(rate, rates[initiator])
        for subtotal, minor_units, rate in zip(subtotals, MINOR_UNITS, rates, strict=True)
    )
    return round(value * MINOR_UNITS[initiator])


def settle(articles: Sequence[Article], purchases: Sequence[Purchase], rates: Sequence[int]) -> list[tuple[str, int]]:
    """Return each order's refusal (or "none") and what it pays, by the rules of the domain, one after the other."""
    known = {article.id: article for article in articles}
    left = {article.id: article.stock for article in articles}
    outcomes = []
    for purchase in purchases:
        basket: Basket = {}
        for commodity, number in purchase.lines:
            basket[commodity] = basket.get(commodity, 0) + number
        refusal, paid = purchase.refusal, 0
        if refusal == "none" and not basket.keys() <= known.keys():
            refusal = "unknown_commodity"
        if refusal == "none" and any(left[commodity] < number for commodity, number in basket.items()):
            refusal = "insufficient_stock"
        if refusal == "none":
            subtotals = [0] * 4
            for commodity, number in basket.items():
                subtotals[known[commodity].currency] += known[commodity].price * number
            paid = price(subtotals, rates, purchase.initiator)
            if paid > PAID_MAX:
                refusal, paid = "amount_too_large", 0
        if refusal == "none":
            for commodity, number in basket.items():
                left[commodity] -= number
        outcomes.append((refusal, paid))
    return outcomes


def sequential(baskets: Sequence[Basket], stock: Sequence[int]) -> list[bool]:
    """Grant each order in turn when all that it wants is still there."""
    left = list(stock)
    granted = []
    for basket in baskets:
        fits = all(left[place] >= number for place, number in basket.items())
        if fits:
            for place, number in basket.items():
                left[place] -= number
        granted.append(fits)
    return granted


def escrow_split(baskets: Sequence[Basket], stock: Sequence[int]) -> list[bool]:
    """Erase every commodity of which there is enough for all; only orders that touch the rest need an order.

    A commodity whose demand over the whole batch is within its stock never refuses anyone. Granting is then a matter of
    the contested commodities alone.
    """
    demand = [0] * len(stock)
    for basket in baskets:
        for place, number in basket.items():
            demand[place] += number
    contested = {place for place, wanted in enumerate(demand) if wanted > stock[place]}
    touching = [index for index, basket in enumerate(baskets) if contested & basket.keys()]
    reduced = [{place: n for place, n in baskets[index].items() if place in contested} for index in touching]
    granted = [True] * len(baskets)
    for index, fits in zip(touching, sequential(reduced, stock), strict=True):
        granted[index] = fits
    return granted


def interval_fixpoint(baskets: Sequence[Basket], stock: Sequence[int]) -> list[bool]:
    """Narrow down what earlier orders took until each order is certain.

    Undecided orders count as taking all (upper bound) and as taking nothing (lower bound). An order is granted when it
    fits above even the upper bound, refused when it does not fit above the lower one. The first undecided order always
    has equal bounds, so that each round decides at least one.
    """
    granted: list[bool | None] = [None] * len(baskets)
    while None in granted:
        lower, upper = [0] * len(stock), [0] * len(stock)
        for index, basket in enumerate(baskets):
            if granted[index] is None:
                if all(upper[place] + number <= stock[place] for place, number in basket.items()):
                    granted[index] = True
                elif any(lower[place] + number > stock[place] for place, number in basket.items()):
                    granted[index] = False
            for place, number in basket.items():
                lower[place] += number if granted[index] else 0
                upper[place] += 0 if granted[index] is False else number
    return [bool(fits) for fits in granted]


def running_demand(baskets: Sequence[Basket], stock: Sequence[int]) -> list[bool]:
    """Refuse whoever wants more than is left after ALL earlier demand: tempting, parallel, and WRONG.

    Orders that were refused took nothing, yet this rule counts their demand against those behind them.
    """
    demand = [0] * len(stock)
    granted = []
    for basket in baskets:
        for place, number in basket.items():
            demand[place] += number
        granted.append(all(demand[place] <= stock[place] for place in basket))
    return granted
