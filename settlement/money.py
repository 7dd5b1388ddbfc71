"""Exact money: integers of minor units, one rounding (half-even), decimal text at the borders."""

from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Context, Decimal, DecimalException, Inexact, InvalidOperation, Overflow
from typing import Final

from settlement.currency import Currency

RATE_DIGITS: Final = 6
"""Rates are integers of millionths: 12.0 is 12_000_000."""

AMOUNT_DIGITS: Final = 8
"""The total is kept with eight digits, so that rounding a batch never shows in the cent."""

PAID_MAX: Final = 10**17
"""Largest `paid`, in minor units; an order above it is refused as `amount_too_large`."""

_DIGITS_MAX: Final = 64  # more than any column of ours has
_WIDE: Final = Context(prec=_DIGITS_MAX)
_CENT: Final = Decimal("0.01")
_EXACT: Final = Context(prec=_DIGITS_MAX, Emax=_DIGITS_MAX, traps=[InvalidOperation, Overflow, Inexact])


def divide_half_even(numerator: int, denominator: int) -> int:
    """Divide two non-negative integers and round half to even, exactly."""
    quotient, remainder = divmod(numerator, denominator)
    twice = 2 * remainder
    if twice > denominator or (twice == denominator and quotient & 1):
        return quotient + 1
    return quotient


def price_order(subtotals: Sequence[int], rates: Sequence[int], initiator: Currency) -> int:
    """Return what an order costs, in minor units of its initiator's currency.

    Args:
        subtotals: sum of price x number per commodity currency, in that currency's minor units.
        rates: value of one unit of each currency, in millionths of the common unit.
        initiator: the payer's currency.

    The rule is `settlement` in the domain: one sum at the batch's rates, rounded once.
    """
    numerator = sum(
        subtotal * rate * 10 ** (2 - currency.digits)
        for currency, subtotal, rate in zip(Currency, subtotals, rates, strict=True)
    )
    return divide_half_even(numerator, rates[initiator] * 10 ** (2 - initiator.digits))


def turnover_cny(paid: Sequence[int], rates: Sequence[int]) -> int:
    """Return the CNY value of what was paid per currency, in units of 10^-8 CNY.

    Args:
        paid: sum of `paid` per initiator currency, in minor units.
        rates: the same snapshot at which these orders were priced.
    """
    numerator = sum(
        amount * rate * 10 ** (AMOUNT_DIGITS - currency.digits)
        for currency, amount, rate in zip(Currency, paid, rates, strict=True)
    )
    return divide_half_even(numerator, rates[Currency.CNY])


def to_decimal(value: int, digits: int) -> Decimal:
    """Return an integer of 10^-digits as an exact decimal."""
    return Decimal(value).scaleb(-digits, _EXACT)


def round_amount(amount_cny: Decimal) -> Decimal:
    """Return the total as it is shown: two digits, half-even."""
    return amount_cny.quantize(_CENT, ROUND_HALF_EVEN, _WIDE)


def from_decimal(value: Decimal, digits: int) -> int:
    """Return an exact decimal as an integer of 10^-digits.

    Raises:
        ValueError: no finite number, or one with more digits than the unit can hold.
    """
    try:
        return int(value.scaleb(digits, _EXACT).to_integral_exact(context=_EXACT))
    except (DecimalException, OverflowError, ValueError) as error:
        raise ValueError(f"{value!s:.40} is no number with at most {digits} decimal digits") from error
