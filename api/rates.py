"""`GET /rates`: what the next batch would be settled at."""

from datetime import UTC, datetime
from decimal import Decimal

import msgspec
from falcon.asgi import Request, Response

from api.answers import Rates
from api.coordination import Coordination
from settlement.currency import CODES
from settlement.rates import format_rate

_encode = msgspec.json.Encoder(decimal_format="number").encode


class RatesResource:
    """Answers the current snapshot of the exchange rates."""

    def __init__(self, coordination: Coordination) -> None:
        self._coordination = coordination

    async def on_get(self, _: Request, resp: Response) -> None:
        """Answer 200, or 503 with the reason why settlement would hold."""
        snapshot = await self._coordination.rates()
        resp.data = _encode(
            Rates(
                rates={code: Decimal(format_rate(rate)) for code, rate in zip(CODES, snapshot.rates, strict=True)},
                as_of={
                    code: datetime.fromtimestamp(at_ms / 1000, UTC)
                    for code, at_ms in zip(CODES, snapshot.as_of_ms, strict=True)
                },
                source=snapshot.source,
                snapshot=snapshot.zxid,
            )
        )
