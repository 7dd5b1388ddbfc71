"""The catalogue replayed in plain Python: what is for sale, and what an order must have paid or been refused for."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from settlement.audit.books import FACTORS, fixed, round_half_even, unfixed
from settlement.audit.log import Bought
from settlement.audit.report import Findings
from settlement.audit.snapshot import exact

PAID_MAX: Final = 10**17  # minor units
SOLD: Final = "-"
"""The reason of an order that succeeded, as the results' text shows NULL."""


@dataclass
class Article:
    """One commodity as changes and sales have left it; the price in hundredths of its currency."""

    name: str
    price: int
    currency: str
    stock: int


class Shop:
    """The catalogue's state, and the rules by which it sells."""

    def __init__(self, changes: Iterator[Any], findings: Findings) -> None:
        self.articles: dict[int, Article] = {}
        self.version = 0
        self._changes = changes
        self._next = next(changes, None)
        self._after_batch = 0
        self._findings = findings

    def advance(self, batch: int) -> None:
        """Apply every change that took effect before this batch; each follows a batch and has its place in line."""
        while self._next is not None and self._next.after_batch < batch:
            change = self._next
            if change.version not in (self.version, self.version + 1) or change.after_batch < self._after_batch:
                self._findings.add(
                    "catalogue_change",
                    f"version {change.version}, commodity {change.commodity_id}",
                    f"version {self.version + 1} after batch {self._after_batch} or later",
                    f"version {change.version} after batch {change.after_batch}",
                )
            self.version, self._after_batch = change.version, change.after_batch
            self._apply(change)
            self._next = next(self._changes, None)

    def _apply(self, change: Any) -> None:
        where = f"version {change.version}, commodity {change.commodity_id}"
        article = self.articles.get(change.commodity_id)
        if (article is None) != (change.kind == "seed"):
            known = "unknown" if article is None else "known"
            self._findings.add("catalogue_change.kind", where, f"one for a commodity that is {known}", change.kind)
            if article is None:
                return
        if article is None:
            article = self.articles[change.commodity_id] = Article("", 0, "", 0)
        article.name = change.name or article.name
        article.currency = change.currency or article.currency
        article.price = article.price if change.price is None else unfixed(exact(change.price))
        article.stock += change.inventory_delta
        if article.stock < 0:
            self._findings.add("catalogue_change.inventory_delta", where, "a stock of 0 or more", article.stock)

    def sell(self, bought: Bought, initiator: str, rates: Mapping[str, int]) -> tuple[int, str]:
        """Return what an order pays in minor units and `SOLD`, or 0 and why it is refused; take what it buys."""
        articles = self.articles
        for commodity, _ in bought:
            if commodity not in articles:
                return 0, "unknown_commodity"
        value = 0
        for commodity, number in bought:
            article = articles[commodity]
            if article.stock < number:
                return 0, "insufficient_stock"
            value += article.price * number * rates[article.currency]
        paid = round_half_even(value, rates[initiator] * FACTORS[initiator])
        if paid > PAID_MAX:
            return 0, "amount_too_large"
        for commodity, number in bought:
            articles[commodity].stock -= number
        return paid, SOLD

    def compare(self, commodities: Iterator[Any]) -> None:
        """Compare the catalogue as it must be now with the stored one."""
        remaining = dict(self.articles)
        for row in commodities:
            article = remaining.pop(row.id, None)
            where = f"commodity {row.id}"
            if article is None:
                self._findings.add("commodity", where, "no row", row.name)
                continue
            self._findings.compare("commodity.inventory", where, article.stock, row.inventory)
            self._findings.compare("commodity.price", where, fixed(article.price, 2), exact(row.price))
            self._findings.compare("commodity.currency", where, article.currency, row.currency)
            self._findings.compare("commodity.name", where, article.name, row.name)
        for commodity in remaining:
            self._findings.add("commodity", f"commodity {commodity}", "a row", "no row")
