"""`GET /querybyid` and `GET /querybyuserid`: what became of orders."""

import falcon
import msgspec
from falcon.asgi import Request, Response

from api.answers import Pending
from api.ledger_reader import LedgerReader
from api.log_ends import LogEnds
from api.parameters import integer
from api.problems import ApiProblem, Kind
from settlement.order import USER_ID_MAX
from settlement.orderid import ID_MAX, place_of
from settlement.settings import Settings

_encode = msgspec.json.Encoder(decimal_format="number").encode


class OrderResultResource:
    """Answers for one order."""

    def __init__(self, ledger: LedgerReader, ends: LogEnds) -> None:
        self._ledger = ledger
        self._ends = ends

    async def on_get(self, req: Request, resp: Response) -> None:
        """Answer 200 with the result, 202 while the order waits, 404 if there is no such order."""
        number = integer(req, "id", low=0, high=ID_MAX)
        result = await self._ledger.find_result(number)
        if result is None:
            position = await self._position(number)
            if position is not None:
                resp.status = falcon.HTTP_202
                resp.data = _encode(Pending(number, "pending", position))
                return
            result = await self._ledger.find_result(number)  # settled since it was first looked for
        if result is None:
            raise ApiProblem(Kind.UNKNOWN_ORDER, f"no order has the id {number}")
        resp.data = _encode(result)

    async def _position(self, number: int) -> int | None:
        """Return how many orders come before this one in its partition, or None if it does not wait."""
        place = place_of(number)
        position = place.offset - (await self._ledger.positions()).get(place.partition, 0)
        if position < 0 or not await self._ends.contains(place):
            return None
        return position


class UserResultsResource:
    """Answers for all orders of one user."""

    def __init__(self, settings: Settings, ledger: LedgerReader) -> None:
        self._page_rows = settings.api_page_rows_max
        self._ledger = ledger

    async def on_get(self, req: Request, resp: Response) -> None:
        """Answer a page of results, oldest first; the header `Link` names the next page."""
        user_id = integer(req, "user-id", "userid", "user_id", low=0, high=USER_ID_MAX)
        after = integer(req, "after", low=0, high=ID_MAX, default=-1)
        limit = integer(req, "limit", low=1, high=self._page_rows, default=self._page_rows)
        results = await self._ledger.list_results(user_id, after, limit + 1)
        if len(results) > limit:
            results.pop()
            resp.append_link(f"/querybyuserid?user-id={user_id}&after={results[-1].id}&limit={limit}", "next")
        resp.data = _encode(results)
