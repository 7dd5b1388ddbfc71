"""Money is exact: integers against fractions and decimals, at every size that the limits admit."""

from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from settlement.currency import CODES, Currency
from settlement.money import (
    AMOUNT_DIGITS,
    PAID_MAX,
    divide_half_even,
    from_decimal,
    price_order,
    round_amount,
    to_decimal,
    turnover_cny,
)
from settlement.order import LINES_MAX, NUMBER_MAX
from settlement.rates import RATE_MAX, RATE_MIN, START_RATES
from tests.unit import oracles, strategies

SUBTOTAL_MAX = 10**10 * NUMBER_MAX * LINES_MAX
START = tuple(from_decimal(rate, 6) for rate in START_RATES)
WIDE = Context(prec=200)
subtotals = st.tuples(*[st.integers(0, 10**6) | st.integers(0, SUBTOTAL_MAX)] * len(CODES))
paid_sums = st.tuples(*[st.integers(0, 10**6) | st.integers(0, PAID_MAX * 10**6)] * len(CODES))


@given(st.integers(0, 10**40), st.integers(1, 10**20))
@example(1, 2)
@example(3, 2)
@example(5, 2)
@example(0, 7)
def test_division_rounds_half_to_even(numerator: int, denominator: int) -> None:
    """The quotient is the nearest integer, and the even one of two equally near, as fractions round."""
    assert divide_half_even(numerator, denominator) == round(Fraction(numerator, denominator))


@pytest.mark.parametrize(("twice", "rounded"), [(1, 0), (3, 2), (5, 2), (7, 4), (9, 4)])
def test_ties_go_to_the_even_neighbour(twice: int, rounded: int) -> None:
    """A half goes down to an even number and up to an even number, not always up."""
    assert divide_half_even(twice, 2) == rounded


@given(subtotals, strategies.rates, st.sampled_from(Currency))
@example((SUBTOTAL_MAX,) * 4, (RATE_MAX, RATE_MAX, RATE_MAX, RATE_MIN), Currency.EUR)
@example((0, 0, 1, 0), (RATE_MAX, RATE_MAX, RATE_MIN, RATE_MAX), Currency.CNY)
def test_price_equals_exact_fractions(subtotal: tuple[int, ...], rates: tuple[int, ...], initiator: Currency) -> None:
    """The price is the exact sum at the batch's rates, rounded once, at every size that the limits admit."""
    assert price_order(subtotal, rates, initiator) == oracles.price(subtotal, rates, initiator)


@pytest.mark.parametrize(
    ("subtotal", "initiator", "paid"),
    [
        # by hand, at the start rates CNY 2, USD 12, JPY 0.15, EUR 9
        (
            (0, 2 * 6600, 99, 0),
            Currency.CNY,
            79942,
        ),  # 2 x 66.00 USD x 6 + 99 JPY x 0.075 = 799.425 -> 799.42, the even one
        ((5 * 8800, 8 * 6600, 8 * 99, 0), Currency.CNY, 366740),  # 528 USD x 6 + 440 CNY + 792 JPY x 0.075
        ((0, 0, 0, 5 * 4550), Currency.USD, 17062),  # 227.50 EUR x 0.75 = 170.625 -> 170.62, the even neighbour
        ((0, 6600, 0, 0), Currency.EUR, 8800),  # 66.00 USD x 4/3
        ((0, 1, 0, 0), Currency.JPY, 1),  # 0.01 USD x 80 = 0.8 -> 1 yen
    ],
)
def test_sample_orders_by_hand(subtotal: tuple[int, ...], initiator: Currency, paid: int) -> None:
    """The original's sample orders cost what a calculation by hand gives."""
    assert price_order(subtotal, START, initiator) == paid


@given(paid_sums, strategies.rates)
def test_turnover_equals_exact_fractions(paid: tuple[int, ...], rates: tuple[int, ...]) -> None:
    """The CNY value of a batch is exact and rounded once, to eight digits."""
    value = sum(
        Fraction(amount, 10**currency.digits) * Fraction(rates[currency], rates[Currency.CNY])
        for currency, amount in zip(Currency, paid, strict=True)
    )
    assert turnover_cny(paid, rates) == round(value * 10**AMOUNT_DIGITS)


@given(st.integers(-(10**38), 10**38), st.integers(0, 10))
def test_decimals_round_trip(value: int, digits: int) -> None:
    """An integer of minor units survives the way to a decimal and back."""
    decimal = to_decimal(value, digits)
    assert Fraction(decimal) == Fraction(value, 10**digits)
    assert from_decimal(decimal, digits) == value


@given(st.decimals(-(10**30), 10**30, places=9), st.integers(0, 8))
def test_decimals_with_too_many_digits_are_refused(value: Decimal, digits: int) -> None:
    """A decimal is taken exactly or not at all."""
    exact = Fraction(value) * 10**digits
    if exact.denominator == 1:
        assert from_decimal(value, digits) == exact
    else:
        with pytest.raises(ValueError, match="digits"):
            from_decimal(value, digits)


@pytest.mark.parametrize("text", ["NaN", "sNaN", "Infinity", "-Infinity", "1e999999", "1e70", "1." + "0" * 70 + "1"])
def test_decimals_beyond_reason_are_refused(text: str) -> None:
    """What is no number, or has more digits than any column of ours, is a ValueError like every other refusal."""
    with pytest.raises(ValueError, match="digits"):
        from_decimal(Decimal(text), 6)


@given(st.integers(0, 10**38 - 1))
@example(10**38 - 1)
@example(500_000)
@example(1_500_000)
def test_shown_total_is_rounded_half_even(amount: int) -> None:
    """The total is shown with two digits, rounded half-even, up to the largest that its column holds."""
    expected = to_decimal(amount, AMOUNT_DIGITS).quantize(Decimal("0.01"), ROUND_HALF_EVEN, WIDE)
    assert round_amount(to_decimal(amount, AMOUNT_DIGITS)) == expected
