"""`POST /`: one order, acknowledged once it is durable."""

import re
from typing import Final

import falcon
import msgspec
from falcon.asgi import Response
from msgspec.structs import replace

from api.answers import Accepted
from api.ledger_reader import LedgerReader
from api.metrics import Metrics
from api.order_log import OrderLog
from api.problems import UNKNOWN_OUTCOME_DETAIL, ApiProblem, Kind
from api.request import TimedRequest
from settlement.order import BYTES_MAX, KEY_PATTERN, Order, OrderInvalidError, Problem, parse_order
from settlement.orderid import order_id
from settlement.settings import Settings

_POINTER: Final = "/idempotency_key"
_encode = msgspec.json.Encoder().encode
_is_key = re.compile(KEY_PATTERN).match


class OrderResource:
    """Takes one order."""

    def __init__(self, settings: Settings, log: OrderLog, ledger: LedgerReader, metrics: Metrics) -> None:
        self._seconds_max = settings.api_client_seconds_max
        self._log = log
        self._ledger = ledger
        self._metrics = metrics

    async def on_post(self, req: TimedRequest, resp: Response) -> None:
        """Answer 202 with the order's id and its position in the queue."""
        order = parse_order(await req.read_body(BYTES_MAX, self._seconds_max))
        key = req.get_header("Idempotency-Key")
        if key is not None:
            order = with_key(order, key)
        (place,) = await self._log.append((order,))
        if place is None:
            raise ApiProblem(Kind.OUTCOME_UNKNOWN, UNKNOWN_OUTCOME_DETAIL)
        self._metrics.accept()
        number = order_id(*place)
        resp.status = falcon.HTTP_202
        resp.set_header("Location", f"/querybyid?id={number}")
        resp.data = _encode(Accepted(number, "accepted", self._ledger.position(place)))


def with_key(order: Order, header: str) -> Order:
    """Return the order with the key of the `Idempotency-Key` header, bare or as a quoted string.

    Raises:
        OrderInvalidError: no valid key, or the order itself names another one.
    """
    quoted = len(header) > 1 and header[0] == header[-1] == '"'
    key = header[1:-1] if quoted else header
    if not _is_key(key):
        raise OrderInvalidError(
            [Problem(_POINTER, "the header Idempotency-Key takes 1 to 64 visible ASCII characters")]
        )
    if order.idempotency_key not in (None, key):
        raise OrderInvalidError([Problem(_POINTER, "differs from the header Idempotency-Key")])
    return replace(order, idempotency_key=key)
