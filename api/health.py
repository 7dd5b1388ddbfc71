"""`GET /livez` and `GET /readyz`."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final

import msgspec
from falcon.asgi import Request, Response

from api.answers import Settlement
from api.coordination import Coordination
from api.ledger_reader import LedgerReader
from api.log_ends import LogEnds
from api.order_log import LogUnavailableError, OrderLog
from api.problems import ApiProblem, Kind
from api.threads import DependencyError

_CHECK_SECONDS: Final = 2
_HEARTBEAT_SECONDS_MAX: Final = 15
_ABSENT: Final = Settlement(state="absent", batch=None, detail="no settlement job has been heard of lately")


class LiveResource:
    """Says that the process answers; asks nothing of anybody."""

    async def on_get(self, _: Request, resp: Response) -> None:
        """Answer 200."""
        resp.text = "ok"
        resp.content_type = "text/plain"


class ReadyResource:
    """Says whether orders can be taken and queries answered, and if not, because of whom."""

    def __init__(self, log: OrderLog, ends: LogEnds, ledger: LedgerReader, coordination: Coordination) -> None:
        self._log = log
        self._ends = ends
        self._ledger = ledger
        self._coordination = coordination

    async def on_get(self, _: Request, resp: Response) -> None:
        """Answer 200, or 503 that names every failing dependency; settlement's own state is only shown."""
        checks = {"kafka": self._check_kafka, "database": self._ledger.positions, "zookeeper": self._settlement}
        answers = await asyncio.gather(*map(_within_limit, checks.values()))
        failing = {name: answer for name, answer in zip(checks, answers, strict=True) if isinstance(answer, Failure)}
        if failing:
            detail = "; ".join(f"{name}: {failure.detail}" for name, failure in failing.items())
            raise ApiProblem(Kind.NOT_READY, detail, failing=list(failing))
        resp.data = msgspec.json.encode({"status": "ready", "settlement": answers[-1]})

    async def _check_kafka(self) -> None:
        self._log.check()
        await self._ends.read()

    async def _settlement(self) -> Settlement:
        status = await self._coordination.status()
        if status is None or time.time() - status.at_ms / 1000 > _HEARTBEAT_SECONDS_MAX:
            return _ABSENT
        return Settlement(status.state, status.batch, status.detail)


class Failure(msgspec.Struct, frozen=True):
    """Why a check failed."""

    detail: str


async def _within_limit(check: Callable[[], Awaitable[object]]) -> object:
    try:
        async with asyncio.timeout(_CHECK_SECONDS):
            return await check()
    except TimeoutError:
        return Failure(f"no answer within {_CHECK_SECONDS} s")
    except (DependencyError, LogUnavailableError) as error:
        return Failure(str(error))
