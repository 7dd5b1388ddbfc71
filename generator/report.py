"""The report of a run. Its JSON has the names of these attributes; they stay, and `format` grows if one must change."""

from pathlib import Path
from typing import Final

import msgspec

from generator.latency import Latency
from generator.options import Options
from generator.settled import BatchSteps

FORMAT: Final = 1


class ReportUnreadableError(ValueError):
    """The file is no report of this format."""


class RunFacts(msgspec.Struct, frozen=True):
    """Which run it was.

    Attributes:
        name: part of the run's idempotency keys.
        started_at: ISO 8601, UTC.
        sending_seconds: from the first order's due time to the last acknowledgement.
        interrupted: ended by hand before all was sent.
        commodities: how many ids the orders chose from.
    """

    name: str
    started_at: str
    sending_seconds: float
    interrupted: bool
    commodities: int
    options: Options


class OrderCounts(msgspec.Struct, frozen=True):
    """Orders by what became of them. Every order sent is in exactly one of the six after `sent`.

    Attributes:
        accepted: acknowledged with an id; malformed messages put straight into the topic count too.
        rejected_malformed: malformed, and rejected by the API as they must be.
        rejected_valid: rejected by the API without a fault of their own.
        gave_up: surely not taken, however often they were tried.
        outcome_unknown: may or may not have been taken; not sent again, because they had no idempotency key.
        in_flight: of a process that ended before its time.
        retries: further tries, of whatever order.
        accepted_malformed: of the accepted, those that the API should have rejected.
        acknowledged_twice: accepted orders whose id another one has too.
        settled: accepted orders with a result in the ledger; null if nobody looked.
        succeeded: of the settled, those that bought something.
        missing: accepted orders without a result.
    """

    sent: int
    accepted: int
    rejected_malformed: int
    rejected_valid: int
    gave_up: int
    outcome_unknown: int
    in_flight: int
    retries: int
    accepted_malformed: int
    acknowledged_twice: int
    settled: int | None = None
    succeeded: int | None = None
    missing: int | None = None


class Rates(msgspec.Struct, frozen=True):
    """Orders per second.

    Attributes:
        offered: what the schedule asked for; null = as fast as possible.
        accept: accepted orders over `sending_seconds`.
        settle: this run's orders from the first commit to the last, without those of the first commit.
        batch: the same of all orders in those batches, also other senders'.
    """

    offered_orders_per_second: float | None
    accept_orders_per_second: float
    settle_orders_per_second: float | None = None
    batch_orders_per_second: float | None = None


class Latencies(msgspec.Struct, frozen=True):
    """Of accepted orders, in milliseconds, by one clock: the database must be on the generator's machine.

    Attributes:
        accept: from the moment the schedule meant to the acknowledgement.
        request: from the sending (of the last try) to the acknowledgement.
        settle: from the acknowledgement to the last statement of the batch's transaction; zero if that was before.
        due_to_settled: from the moment the schedule meant to the same statement.
    """

    accept: Latency | None
    request: Latency | None
    settle: Latency | None = None
    due_to_settled: Latency | None = None


class Series(msgspec.Struct, frozen=True):
    """The run over time, in bins of equal length from its start.

    Attributes:
        accepted: orders acknowledged in each bin.
        settled: orders committed in each bin, but none before its acknowledgement arrived.
        lag: accepted and not settled, at the end of each bin.
    """

    bin_seconds: float
    accepted: list[int]
    settled: list[int]
    lag: list[int]


class Report(msgspec.Struct, frozen=True):
    """All that is told of a run.

    Attributes:
        rejections: rejected orders by HTTP status.
        refusals: settled orders that bought nothing, by reason.
        verified: whether the results were looked up one by one.
        accepted_equals_settled: whether every accepted order has its one result.
        problems: everything that should not be; empty of a good run.
        remarks: what failed on the way, one example of each kind.
    """

    run: RunFacts
    orders: OrderCounts
    rejections: dict[str, int]
    refusals: dict[str, int]
    rates: Rates
    latency: Latencies
    batches: BatchSteps | None
    series: Series
    verified: bool
    accepted_equals_settled: bool
    problems: list[str]
    remarks: dict[str, str]
    format: int = FORMAT


def write_report(report: Report, path: Path) -> None:
    """Write it as JSON; raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode_report(report))


def encode_report(report: Report) -> bytes:
    """Return its JSON text."""
    return msgspec.json.format(msgspec.json.encode(report), indent=2) + b"\n"


def read_report(path: Path) -> Report:
    """Read a report that was written earlier.

    Raises:
        OSError: the file cannot be read.
        ReportUnreadableError: it is no report of this format.
    """
    try:
        report = msgspec.json.decode(path.read_bytes(), type=Report)
    except msgspec.DecodeError as error:
        raise ReportUnreadableError(f"{path} is no report of a run: {error}") from error
    if report.format != FORMAT:
        raise ReportUnreadableError(f"{path} has format {report.format}; this version reads format {FORMAT}")
    return report
