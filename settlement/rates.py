"""Exchange rates: the value of one unit of each currency in a common unit, as one consistent snapshot."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Final

from settlement.currency import Currency
from settlement.money import RATE_DIGITS, from_decimal, to_decimal

START_RATES: Final = (Decimal("2.0"), Decimal("12.0"), Decimal("0.15"), Decimal("9.0"))
RATE_MIN: Final = 100  # 0.0001, in millionths
RATE_MAX: Final = 10_000 * 10**RATE_DIGITS


class RatesUnavailableError(Exception):
    """No snapshot that may price an order is to be had; settlement holds until there is one."""


@dataclass(frozen=True)
class Snapshot:
    """Four rates that were written together.

    Attributes:
        rates: millionths of the common unit, by `Currency`.
        zxid: the ZooKeeper transaction that wrote all four; it names the snapshot.
        as_of_ms: when each rate was true, epoch milliseconds, by `Currency`.
        source: where the rates came from.
    """

    rates: tuple[int, ...]
    zxid: int
    as_of_ms: tuple[int, ...]
    source: str

    def check_age(self, age_seconds_max: float, now_ms: int) -> None:
        """Raise `RatesUnavailableError` if any of the rates is older than this."""
        for currency, as_of_ms in zip(Currency, self.as_of_ms, strict=True):
            age_seconds = (now_ms - as_of_ms) / 1000
            if age_seconds > age_seconds_max:
                raise RatesUnavailableError(
                    f"the rate of {currency.name} is {age_seconds:.0f} s old, allowed are {age_seconds_max:.0f} s;"
                    " refresh the rates"
                )


def parse_rate(text: str) -> int:
    """Return a rate in millionths.

    Raises:
        ValueError: no decimal number, too many digits, or out of range.
    """
    try:
        rate = from_decimal(Decimal(text.strip()), RATE_DIGITS)
    except (InvalidOperation, OverflowError) as error:
        raise ValueError(f"{text!r} is no decimal number") from error
    return check_rate(rate)


def check_rate(rate: int) -> int:
    """Return the rate if it may price an order.

    Raises:
        ValueError: zero, negative, or out of the stated range.
    """
    if not RATE_MIN <= rate <= RATE_MAX:
        low, high = (format_rate(bound) for bound in (RATE_MIN, RATE_MAX))
        raise ValueError(f"a rate must be from {low} to {high}, not {format_rate(rate)}")
    return rate


def format_rate(rate: int) -> str:
    """Return a rate as the decimal text that ZooKeeper holds, such as `0.15`."""
    return f"{to_decimal(rate, RATE_DIGITS).normalize():f}"


def format_rates(rates: Sequence[int]) -> str:
    """Return all four as one line for people."""
    return ", ".join(f"{currency.name} {format_rate(rate)}" for currency, rate in zip(Currency, rates, strict=True))
