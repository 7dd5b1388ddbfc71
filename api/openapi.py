"""`GET /openapi.json`: the API described once, from the types that the answers are made of."""

from typing import Any

import msgspec
from falcon.asgi import Request, Response


class OpenApiResource:
    """Answers the description."""

    async def on_get(self, _: Request, resp: Response) -> None:
        """Answer OpenAPI 3.1."""
        resp.data = msgspec.json.encode(document())


def document() -> dict[str, Any]:
    return {}
