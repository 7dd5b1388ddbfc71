"""The four currencies of the shop and the digits of their minor units (ISO 4217)."""

from enum import IntEnum
from typing import Final


class Currency(IntEnum):
    """A currency by its index in every flat array, snapshot and table of ours."""

    CNY = 0
    USD = 1
    JPY = 2
    EUR = 3

    @property
    def digits(self) -> int:
        """Decimal digits of the minor unit: 2 for fen and cents, 0 for the yen."""
        return DIGITS[self]


DIGITS: Final = (2, 2, 0, 2)
CODES: Final = tuple(currency.name for currency in Currency)
ALIASES: Final = {"RMB": "CNY"}


def parse_currency(text: str) -> Currency:
    """Return the currency that a code or its alias names.

    Raises:
        KeyError: the code names none of the four.
    """
    return Currency[ALIASES.get(text, text)]
