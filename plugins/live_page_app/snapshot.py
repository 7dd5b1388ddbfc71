"""What the page is told. The names are those of the JSON; amounts are exact decimal text."""

from decimal import Decimal
from typing import Literal

import msgspec

Health = Literal["settling", "holding", "halted", "silent", "absent", "unknown"]


class Verdict(msgspec.Struct, frozen=True):
    """What settlement is doing, in words big enough to see.

    Attributes:
        health: the driver's own three states; `silent` = its heartbeat is old, `absent` = no driver ever wrote one,
            `unknown` = ZooKeeper does not tell.
        headline: one or two words.
        words: the reason, and what to do.
    """

    health: Health
    headline: str
    words: str


class Driver(msgspec.Struct, frozen=True):
    """The driver's last heartbeat, and who stands in line for the lock.

    Attributes:
        heartbeat_ms: epoch milliseconds; null if there was never one.
        lock_holder: null if nobody holds it.
        standing_by: how many wait behind the holder.
    """

    heartbeat_ms: int | None
    lock_holder: str | None
    standing_by: int


class Flow(msgspec.Struct, frozen=True):
    """Orders accepted and settled.

    Attributes:
        accepted: all that Kafka ever acknowledged; null while Kafka is away.
        settled: all that have a result; null while the ledger is away.
        lag: accepted and not settled.
        accept_per_second: over the last ten to fifteen seconds.
        settle_per_second: the same.
    """

    accepted: int | None = None
    settled: int | None = None
    lag: int | None = None
    accept_per_second: float | None = None
    settle_per_second: float | None = None


class History(msgspec.Struct, frozen=True):
    """Orders per second in bins of equal length; null where it is not known.

    Attributes:
        end_ms: where the last bin ends, epoch milliseconds.
        accepted: by Kafka's own timestamps.
        settled: by the commits' times.
    """

    bin_seconds: int
    end_ms: int
    accepted: list[float | None]
    settled: list[float | None]


class Latency(msgspec.Struct, frozen=True):
    """Milliseconds from accepted to settled, approximated over the last batches.

    Attributes:
        orders: how many it speaks of.
        batches: in how many batches.
    """

    p50_ms: float
    p99_ms: float
    orders: int
    batches: int


class CurrencyTotal(msgspec.Struct, frozen=True):
    """What was paid in one currency, by how many orders."""

    currency: str
    paid: Decimal
    orders: int


class Totals(msgspec.Struct, frozen=True):
    """All that was paid as of one batch."""

    batch: int
    amount_cny: Decimal
    orders: int
    succeeded: int
    currencies: list[CurrencyTotal]


class Refusals(msgspec.Struct, frozen=True):
    """Refused orders by reason.

    Attributes:
        window_orders: how many of the last orders were looked at.
        reasons: every reason with its number among them.
        all_time: refused orders since the ledger began.
    """

    window_orders: int
    reasons: dict[str, int]
    all_time: int


class Batch(msgspec.Struct, frozen=True):
    """One committed batch; `latency_ms` is from its oldest message, null where that is not recorded."""

    number: int
    orders: int
    succeeded: int
    malformed: int
    fetch_ms: float
    decode_ms: float
    decide_ms: float
    write_ms: float
    committed_ms: int
    latency_ms: int | None


class Rate(msgspec.Struct, frozen=True):
    """The value of one unit in the common unit, and when it was true."""

    currency: str
    rate: str
    as_of_ms: int


class Rates(msgspec.Struct, frozen=True):
    """The rates as they stand; `problem` says why they may price no order, or is empty."""

    rates: list[Rate]
    source: str
    age_seconds_max: float
    problem: str


class AuditResult(msgspec.Struct, frozen=True):
    """How the last audit ended."""

    at_ms: int
    orders: int
    differences: int


class Snapshot(msgspec.Struct, frozen=True):
    """All that the page shows at one moment; a part whose server is away is null.

    Attributes:
        at_ms: when it was read, epoch milliseconds.
        away: why a server did not answer, by its name; empty when all did.
    """

    at_ms: int
    away: dict[str, str]
    verdict: Verdict
    driver: Driver | None
    flow: Flow
    history: History
    latency: Latency | None
    totals: Totals | None
    refusals: Refusals | None
    batches: list[Batch] | None
    rates: Rates | None
    audit: AuditResult | None
