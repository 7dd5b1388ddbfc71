"""What a run is asked to do; every process gets the same object, and the report repeats it."""

import msgspec

from settlement.order import COMMODITY_ID_MAX

UNKNOWN_IDS: int = 1_000
"""The highest ids of the grammar stand for commodities that do not exist."""

COMMODITY_MAX: int = COMMODITY_ID_MAX - UNKNOWN_IDS


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """The load: how much, how fast, of what kind.

    Attributes:
        orders: how many in all; 0 = until `seconds` are over.
        seconds: how long; with a rate it only stands for so many orders.
        rate: orders per second over all processes; 0 = as fast as possible.
        concurrency: requests in flight per process, which bounds its connections.
        bulk: orders a request of `POST /orders`; 0 = `POST /`, one order each.
        user_skew: and `commodity_skew`: Zipf's exponent; 0 = uniform.
        bad_share: malformed orders that the API must reject.
        repeat_share: orders that repeat an earlier one of the same process under its idempotency key.
        key_share: further orders that carry an idempotency key.
        unknown_share: orders with a commodity that does not exist.
        poison_share: malformed messages put straight into the topic, past the API.
        retry_seconds_max: how long one order is tried again while that is safe.
        request_seconds_max: how long an answer is waited for.
        drain_seconds_max: how long settlement may take after the last order.
    """

    orders: int = 20_000
    seconds: float = 0
    rate: float = 1_000
    processes: int = 2
    concurrency: int = 64
    bulk: int = 0
    max_item: int = 5
    max_purchase: int = 5
    users: int = 10_000
    user_skew: float = 0
    commodity_skew: float = 0
    currencies: tuple[str, ...] = ("CNY", "USD", "JPY", "EUR")
    seed: int = 1
    bad_share: float = 0
    repeat_share: float = 0
    key_share: float = 0
    unknown_share: float = 0
    poison_share: float = 0
    retry_seconds_max: float = 30
    request_seconds_max: float = 30
    drain_seconds_max: float = 300

    @property
    def request_orders(self) -> int:
        """How many orders one request carries."""
        return self.bulk or 1

    @property
    def orders_wanted(self) -> int | None:
        """How many orders in all, or None where only the time limits them."""
        if self.orders:
            return self.orders
        return max(round(self.rate * self.seconds), 1) if self.rate else None
