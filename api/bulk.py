"""`POST /orders`: many orders in one request, an outcome for each."""

import asyncio
from collections.abc import Sequence
from typing import Final, Literal

import falcon
import msgspec
from falcon.asgi import Response

from api.answers import AcceptedOutcome, FieldProblem, RefusedOutcome
from api.ledger_reader import LedgerReader
from api.metrics import Metrics
from api.order_log import OrderLog
from api.problems import UNKNOWN_OUTCOME_DETAIL, ApiProblem, Kind
from api.request import TimedRequest
from settlement.order import (
    BYTES_MAX,
    Order,
    OrderInvalidError,
    OrderMalformedError,
    Problem,
    parse_order,
)
from settlement.orderid import Place, order_id
from settlement.settings import Settings

_SLICE_ORDERS: Final = 200
"""Decoded in one go; a longer list lets other requests run in between."""

_encode = msgspec.json.Encoder().encode
_split_array = msgspec.json.Decoder(list[msgspec.Raw]).decode

Outcome = AcceptedOutcome | RefusedOutcome


class BulkResource:
    """Takes a JSON array of orders, or one order a line (NDJSON)."""

    def __init__(self, settings: Settings, log: OrderLog, ledger: LedgerReader, metrics: Metrics) -> None:
        self._settings = settings
        self._requests = 0
        self._log = log
        self._ledger = ledger
        self._metrics = metrics

    async def on_post(self, req: TimedRequest, resp: Response) -> None:
        """Answer 202 if every order was accepted, else 207; the body is a list of outcomes in the order sent."""
        if self._requests >= self._settings.api_bulk_requests_max:
            await req.discard_body()
            raise ApiProblem(Kind.OVERLOADED, f"Nothing was taken. {self._requests} bulk requests are under way")
        self._requests += 1
        try:
            outcomes = await self._take(req)
        finally:
            self._requests -= 1
        accepted = self._count(outcomes)
        resp.status = falcon.HTTP_202 if accepted == len(outcomes) else falcon.HTTP_207
        resp.data = _encode(outcomes)

    async def _take(self, req: TimedRequest) -> list[Outcome]:
        if req.get_header("Idempotency-Key") is not None:
            raise ApiProblem(Kind.INVALID, "Give each order its own idempotency_key: a header cannot serve them all")
        body = await req.read_body(self._settings.api_bulk_bytes_max, self._settings.api_client_seconds_max)
        texts = split_orders(body, req.content_type or "")
        if len(texts) > self._settings.api_bulk_orders_max:
            raise ApiProblem(Kind.TOO_LARGE, f"at most {self._settings.api_bulk_orders_max} orders are taken at once")
        decoded = await _decode(texts)
        orders = [order for order in decoded if isinstance(order, Order)]
        places = iter(await self._log.append(orders) if orders else ())
        return [self._outcome(next(places)) if isinstance(each, Order) else each for each in decoded]

    def _outcome(self, place: Place | None) -> Outcome:
        if place is None:
            return RefusedOutcome(503, [FieldProblem("", UNKNOWN_OUTCOME_DETAIL)])
        number = order_id(*place)
        return AcceptedOutcome(202, number, f"/querybyid?id={number}", self._ledger.position(place))

    def _count(self, outcomes: Sequence[Outcome]) -> int:
        accepted = 0
        for outcome in outcomes:
            if isinstance(outcome, AcceptedOutcome):
                accepted += 1
            else:
                self._metrics.refuse(_KINDS[outcome.status])
        self._metrics.accept(accepted)
        return accepted


_KINDS: Final = {
    400: Kind.MALFORMED,
    413: Kind.TOO_LARGE,
    422: Kind.INVALID,
    503: Kind.OUTCOME_UNKNOWN,
}


def split_orders(body: bytes, content_type: str) -> Sequence[bytes | memoryview]:
    """Return the text of each order: of a JSON array or, when said or when the first byte says so, of NDJSON.

    Raises:
        ApiProblem: neither, or no order at all.
    """
    text = body.strip()
    texts: Sequence[bytes | memoryview]
    if text.startswith(b"[") and not any(word in content_type for word in ("ndjson", "jsonl")):
        try:
            texts = [memoryview(raw) for raw in _split_array(text)]
        except msgspec.DecodeError as error:
            raise ApiProblem(Kind.MALFORMED, f"not a JSON array: {error}") from error
    else:
        texts = [line for line in text.splitlines() if line.strip()]
    if not texts:
        raise ApiProblem(Kind.MALFORMED, "there is no order in the body; send a JSON array, or one order a line")
    return texts


async def _decode(texts: Sequence[bytes | memoryview]) -> list[Order | RefusedOutcome]:
    decoded: list[Order | RefusedOutcome] = []
    for start in range(0, len(texts), _SLICE_ORDERS):
        decoded.extend(map(_decode_one, texts[start : start + _SLICE_ORDERS]))
        await asyncio.sleep(0)
    return decoded


def _decode_one(text: bytes | memoryview) -> Order | RefusedOutcome:
    if len(text) > BYTES_MAX:
        return _refuse(413, Problem("", f"an order has at most {BYTES_MAX} bytes"))
    try:
        return parse_order(text)
    except OrderMalformedError as error:
        return _refuse(400, Problem("", str(error)))
    except OrderInvalidError as error:
        return _refuse(422, *error.problems)


def _refuse(status: Literal[400, 413, 422], *problems: Problem) -> RefusedOutcome:
    return RefusedOutcome(status, [FieldProblem(problem.pointer, problem.detail) for problem in problems])
