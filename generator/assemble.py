"""Turns what was sent and what the ledger holds into the report, and judges it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt
from msgspec.structs import replace

from generator.latency import measure
from generator.ledger import MISSING
from generator.options import Options
from generator.orders import Kind
from generator.report import Latencies, OrderCounts, Rates, Report, RunFacts
from generator.run import Sent
from generator.series import make_series
from generator.settled import (
    UNSETTLED,
    batch_steps,
    settle_moments,
    settle_rate,
    settling_batches,
)
from generator.tally import Columns, Microseconds
from settlement.batches import BatchRecord
from settlement.refusal import Refusal


@dataclass(frozen=True)
class Findings:
    """What the ledger holds of a run.

    Attributes:
        refusals: of each accepted order, in the order of the columns: its `Refusal`, or `MISSING`.
        batches: those committed since the run began.
        problem: why the waiting for settlement ended early, or empty.
    """

    refusals: npt.NDArray[np.int8]
    batches: Sequence[BatchRecord]
    problem: str = ""


def assemble(options: Options, commodities: int, sent: Sent, findings: Findings | None) -> Report:
    """Return the report; without `findings` it says nothing of settlement."""
    columns = sent.accepted.columns
    indices = settling_batches(columns.ids, findings.batches if findings else [])
    moments = settle_moments(indices, findings.batches if findings else [])
    own = [findings.batches[i] for i in np.unique(indices[indices != UNSETTLED])] if findings else []
    sending_seconds = _sending_seconds(sent, columns)
    orders = _count(sent, columns, findings)
    problems = [*sent.problems, *_problems(orders, columns, findings)]
    return Report(
        run=RunFacts(
            name=sent.run,
            started_at=datetime.fromtimestamp(sent.started, UTC).isoformat(timespec="milliseconds"),
            sending_seconds=round(sending_seconds, 3),
            interrupted=sent.interrupted,
            commodities=commodities,
            options=options,
        ),
        orders=orders,
        rejections={str(status): count for status, count in sorted(sent.counts.statuses.items())},
        refusals=_refusals(findings),
        rates=Rates(
            offered_orders_per_second=options.rate or None,
            accept_orders_per_second=round(len(columns) / sending_seconds, 1) if sending_seconds else 0,
            settle_orders_per_second=_rounded(settle_rate(moments)),
            batch_orders_per_second=_rounded(_batch_rate(own)),
        ),
        latency=_latencies(columns, moments),
        batches=batch_steps(own),
        series=make_series(round(sent.started * 1_000_000), columns.acknowledged, _told(moments, columns)),
        verified=findings is not None,
        accepted_equals_settled=findings is not None and orders.missing == 0 and not orders.acknowledged_twice,
        problems=problems,
        remarks=sent.counts.faults,
    )


def _sending_seconds(sent: Sent, columns: Columns) -> float:
    last = int(columns.acknowledged.max()) / 1_000_000 if len(columns) else sent.started
    return max(last - sent.started, 0.0)


def _count(sent: Sent, columns: Columns, findings: Findings | None) -> OrderCounts:
    counts = sent.counts
    base = OrderCounts(
        sent=counts.sent,
        accepted=len(columns),
        rejected_malformed=counts.bad_rejected,
        rejected_valid=counts.good_rejected,
        gave_up=counts.gave_up,
        outcome_unknown=counts.outcome_unknown,
        in_flight=sent.in_flight,
        retries=counts.retries,
        accepted_malformed=counts.bad_accepted,
        acknowledged_twice=len(columns) - len(np.unique(columns.ids)),
    )
    if findings is None:
        return base
    missing = int(np.count_nonzero(findings.refusals == MISSING))
    succeeded = int(np.count_nonzero(findings.refusals == Refusal.NONE))
    return replace(base, settled=len(columns) - missing, succeeded=succeeded, missing=missing)


def _problems(orders: OrderCounts, columns: Columns, findings: Findings | None) -> list[str]:
    unnoticed = 0
    if findings is not None:
        settled_otherwise = (findings.refusals != Refusal.MALFORMED) & (findings.refusals != MISSING)
        unnoticed = int(np.count_nonzero(settled_otherwise & (columns.kinds == Kind.POISON)))
    found = [
        (orders.missing, "accepted orders have no result" + (f": {findings.problem}" if findings else "")),
        (orders.acknowledged_twice, "orders were acknowledged with the id of another one"),
        (orders.accepted_malformed, "malformed orders were accepted by the API"),
        (orders.rejected_valid, "orders without a fault were rejected by the API"),
        (orders.in_flight, "orders were lost with their sending process"),
        (unnoticed, "malformed messages in the topic were not settled as malformed"),
        (orders.sent if not orders.accepted and not orders.rejected_malformed else 0, "orders sent and none accepted"),
    ]
    return [f"{count:,} {what}" for count, what in found if count]


def _refusals(findings: Findings | None) -> dict[str, int]:
    if findings is None:
        return {}
    counted = {reason.label: int(np.count_nonzero(findings.refusals == reason)) for reason in Refusal if reason}
    return {label: count for label, count in counted.items() if count}


def _latencies(columns: Columns, moments: Microseconds) -> Latencies:
    known = moments != UNSETTLED
    return Latencies(
        accept=measure(columns.acknowledged - columns.due),
        request=measure(columns.acknowledged - columns.sent),
        settle=measure((moments - columns.acknowledged)[known]),
        due_to_settled=measure((moments - columns.due)[known]),
    )


def _told(moments: Microseconds, columns: Columns) -> Microseconds:
    """Return the moments, none before its acknowledgement arrived: a lag is never below zero."""
    return np.where(moments == UNSETTLED, UNSETTLED, np.maximum(moments, columns.acknowledged))


def _batch_rate(batches: Sequence[BatchRecord]) -> float | None:
    if len(batches) < 2:
        return None
    seconds = (batches[-1].committed_at - batches[0].committed_at).total_seconds()
    return sum(batch.orders for batch in batches[1:]) / seconds if seconds > 0 else None


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)
