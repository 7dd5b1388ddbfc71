"""The bodies of the API's answers, as types: they are encoded from these, and the OpenAPI document shows these."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

_ID = Annotated[int, Meta(ge=0, le=2**63 - 1, description="the order's place in the log")]
_POSITION = Annotated[
    int | None,
    Meta(description="orders of the same partition that are settled before this one; null while this is not known"),
]


class FieldProblem(msgspec.Struct, frozen=True):
    """One thing that is wrong: where (JSON pointer, RFC 6901) and what."""

    pointer: str
    detail: str


class Accepted(msgspec.Struct, frozen=True):
    """The order is durable and will be settled."""

    id: _ID
    status: Literal["accepted"]
    position: _POSITION


class Pending(msgspec.Struct, frozen=True):
    """The order is in the queue, not settled yet."""

    id: _ID
    status: Literal["pending"]
    position: _POSITION


class AcceptedOutcome(msgspec.Struct, frozen=True):
    """One order of a bulk request that was accepted."""

    status: Literal[202]
    id: _ID
    location: str
    position: _POSITION


class RefusedOutcome(msgspec.Struct, frozen=True):
    """One order of a bulk request that was not accepted.

    400: not JSON. 413: too large. 422: wrong or missing fields. 503: it is unknown whether it was taken.
    """

    status: Literal[400, 413, 422, 503]
    errors: list[FieldProblem]


class ProblemDocument(msgspec.Struct, frozen=True, omit_defaults=True):
    """An error (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str = ""
    errors: list[FieldProblem] = []
    failing: list[str] = []


class Rates(msgspec.Struct, frozen=True):
    """The exchange rates that the next batch would be settled at: the value of one unit in a common unit."""

    rates: dict[str, Decimal]
    as_of: dict[str, datetime]
    source: str
    snapshot: Annotated[int, Meta(description="the ZooKeeper transaction that wrote all four")]


class Settlement(msgspec.Struct, frozen=True):
    """What the settlement job last said of itself."""

    state: Annotated[str, Meta(description="settling, holding (no rates), halted (needs a human), standby or absent")]
    batch: int | None
    detail: str


class Ready(msgspec.Struct, frozen=True):
    """Every dependency answered."""

    status: Literal["ready"]
    settlement: Settlement
