"""Sums over orders, and the exact arithmetic of the audit, in plain integers and fractions."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Final

from settlement.currency import CODES, DIGITS

AMOUNT_DIGITS: Final = 8

FACTORS: Final = {code: 10 ** (2 - digits) for code, digits in zip(CODES, DIGITS, strict=True)}
"""Hundredths in a minor unit: the database keeps every amount in hundredths, also those of the yen."""


def _zeros() -> dict[str, int]:
    return dict.fromkeys(CODES, 0)


@dataclass
class Tally:
    """What orders add up to; `paid` in hundredths and `succeeded` in orders, per initiator's currency."""

    orders: int = 0
    malformed: int = 0
    paid: dict[str, int] = field(default_factory=_zeros)
    succeeded: dict[str, int] = field(default_factory=_zeros)


@dataclass
class Books:
    """Running sums over batches.

    Attributes:
        amount: turnover in units of 10^-8 CNY.
        mark: the batch whose running amount is kept as `amount_at_mark`, None until it has been added.
    """

    mark: int
    tally: Tally = field(default_factory=Tally)
    amount: int = 0
    amount_at_mark: int | None = None

    def add(self, batch: int, tally: Tally, amount: int) -> None:
        """Add the sums of the next batch."""
        total = self.tally
        total.orders += tally.orders
        total.malformed += tally.malformed
        for code in CODES:
            total.paid[code] += tally.paid[code]
            total.succeeded[code] += tally.succeeded[code]
        self.amount += amount
        if batch == self.mark:
            self.amount_at_mark = self.amount


def round_half_even(numerator: int, denominator: int) -> int:
    """Return the quotient of two integers that are not negative, rounded to the nearest one, ties to even."""
    quotient, rest = divmod(numerator, denominator)
    if 2 * rest > denominator:
        return quotient + 1
    return quotient + (quotient & 1) if 2 * rest == denominator else quotient


def turnover(paid: Mapping[str, int], rates: Mapping[str, int]) -> int:
    """Return what was paid (hundredths per currency) in units of 10^-8 CNY at these rates."""
    value = sum(Fraction(hundredths * rates[code], 100) for code, hundredths in paid.items())
    return round(value / rates["CNY"] * 10**AMOUNT_DIGITS)


def fixed(value: int, digits: int) -> str:
    """Return an integer of 10^-digits as a decimal column shows it: `1234` with 2 digits is `12.34`."""
    return f"{value // 10**digits}.{value % 10**digits:0{digits}d}"


def unfixed(shown: str) -> int:
    """Return the integer that `fixed` showed."""
    return int(shown.replace(".", ""))
