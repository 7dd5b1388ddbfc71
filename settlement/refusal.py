"""Why an order bought nothing: the values that the business expects, never exceptions."""

from enum import IntEnum
from typing import Final


class Refusal(IntEnum):
    """A refusal's code in flat arrays; its lower-case name is what the ledger stores and the API says."""

    NONE = 0
    MALFORMED = 1
    UNKNOWN_COMMODITY = 2
    INSUFFICIENT_STOCK = 3
    AMOUNT_TOO_LARGE = 4
    DUPLICATE = 5
    KEY_REUSED = 6

    @property
    def label(self) -> str:
        """The stored name, such as `insufficient_stock`."""
        return self.name.lower()


LABELS: Final = tuple(refusal.label for refusal in Refusal if refusal is not Refusal.NONE)
