"""An HTTP client as small as the original's, and waiting for what it asks."""

import json
import time
import urllib.request
from collections.abc import Callable
from threading import Event
from typing import Any, Final

_REQUEST_SECONDS: Final = 10
_WAIT_SECONDS_MAX: Final = 60
_POLL_SECONDS: Final = 0.05


class Client:
    """Speaks to the API of a stack."""

    def __init__(self, address: str) -> None:
        self._url = f"http://{address}"

    def post(self, order: dict[str, Any]) -> int:
        """Send an order; return the id that it was accepted with."""
        request = urllib.request.Request(f"{self._url}/", data=json.dumps(order).encode())  # noqa: S310 - our own
        with urllib.request.urlopen(request, timeout=_REQUEST_SECONDS) as answer:  # noqa: S310 - our own
            assert answer.status == 202
            return int(json.loads(answer.read())["id"])

    def get(self, path: str) -> Any:
        """Return an answer's JSON."""
        with urllib.request.urlopen(f"{self._url}{path}", timeout=_REQUEST_SECONDS) as answer:  # noqa: S310 - our own
            return json.loads(answer.read())

    def settled(self, order_id: int) -> dict[str, Any]:
        """Return an order's result as soon as it is settled."""
        found: list[dict[str, Any]] = []

        def settled() -> bool:
            result = self.get(f"/querybyid?id={order_id}")
            if "success" in result:
                found.append(result)
            return bool(found)

        await_condition(settled, f"order {order_id} is settled")
        return found[0]


def order_of(user: int, initiator: str, items: dict[str, int]) -> dict[str, Any]:
    """Return an order of the original's form."""
    lines = [{"id": commodity, "number": str(number)} for commodity, number in items.items()]
    return {"user_id": str(user), "initiator": initiator, "time": 1_558_940_000_000, "items": lines}


def await_condition(holds: Callable[[], bool], what: str) -> None:
    """Wait until a condition holds, or fail."""
    deadline = time.monotonic() + _WAIT_SECONDS_MAX
    tick = Event()
    while not holds():
        assert time.monotonic() < deadline, f"not within {_WAIT_SECONDS_MAX} s: {what}"
        tick.wait(_POLL_SECONDS)
