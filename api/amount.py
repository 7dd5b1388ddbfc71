"""`GET /amount`: everything that was paid."""

import falcon
import msgspec
from falcon.asgi import Request, Response

from api.ledger_reader import LedgerReader

_encode = msgspec.json.Encoder(decimal_format="number").encode


class AmountResource:
    """Answers the total turnover."""

    def __init__(self, ledger: LedgerReader) -> None:
        self._ledger = ledger

    async def on_get(self, req: Request, resp: Response) -> None:
        """Answer the CNY amount as a bare number, or all the totals to a client that prefers JSON."""
        turnover = await self._ledger.turnover()
        resp.vary = ("Accept",)
        if req.client_prefers((falcon.MEDIA_TEXT, falcon.MEDIA_JSON)) == falcon.MEDIA_JSON:
            resp.data = _encode(turnover)
        else:
            resp.text = f"{turnover.amount_cny:f}"
            resp.content_type = falcon.MEDIA_TEXT
