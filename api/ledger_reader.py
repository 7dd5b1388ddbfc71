"""The ledger as the API reads it: SQLAlchemy's blocking engine behind a few threads."""

import asyncio
import logging
from collections.abc import Callable
from typing import Concatenate, Final, ParamSpec, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from api.threads import DependencyError, Threads
from settlement.head import read_positions
from settlement.orderid import Place
from settlement.queries import Result, Turnover, find_result, list_results, read_turnover

logger = logging.getLogger(__name__)

THREADS: Final = 4
_TIMEOUT_SECONDS: Final = 5
_POSITIONS_SECONDS: Final = 0.25
_POSITIONS_STALE_SECONDS: Final = 5

P = ParamSpec("P")
T = TypeVar("T")


class LedgerReader:
    """Asks the ledger; raises `DependencyError` while the database does not answer."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._threads = Threads("database", THREADS, _TIMEOUT_SECONDS)
        self._positions: dict[int, int] = {}
        self._positions_at = float("-inf")
        self._refresh: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Keep the positions fresh from now on."""
        self._refresh = asyncio.create_task(self._keep_positions())

    async def stop(self) -> None:
        """Disconnect."""
        if self._refresh:
            self._refresh.cancel()
        self._threads.close()
        self._engine.dispose()

    def position(self, place: Place) -> int | None:
        """Return how many orders of its partition come before this one, as of a moment ago; None if not known."""
        if asyncio.get_running_loop().time() - self._positions_at > _POSITIONS_STALE_SECONDS:
            return None
        return max(place.offset - self._positions.get(place.partition, 0), 0)

    async def positions(self) -> dict[int, int]:
        """Return the first unsettled offset by partition, as of now."""
        positions = await self._run(read_positions)
        self._positions, self._positions_at = positions, asyncio.get_running_loop().time()
        return positions

    async def find_result(self, order_id: int) -> Result | None:
        """Return an order's result, or None while it has none."""
        return await self._run(find_result, order_id)

    async def list_results(self, user_id: int, after: int, limit: int) -> list[Result]:
        """Return a user's results with ids greater than `after`, oldest first."""
        return await self._run(list_results, user_id, after, limit)

    async def turnover(self) -> Turnover:
        """Return the totals of everything settled."""
        return await self._run(read_turnover)

    async def _run(self, query: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        def ask() -> T:
            with self._engine.connect() as connection:
                return query(connection, *args, **kwargs)

        try:
            return await self._threads.run(ask)
        except PoolTimeoutError as error:
            raise DependencyError("database", "no connection is free") from error
        except DBAPIError as error:
            logger.debug("the database failed: %s", error.orig)
            raise DependencyError("database", type(error.orig).__name__) from error

    async def _keep_positions(self) -> None:
        known = True
        while True:
            try:
                await self.positions()
                known = True
            except DependencyError as error:
                if known:
                    logger.warning("orders are accepted without a position: %s", error)
                known = False
            await asyncio.sleep(_POSITIONS_SECONDS)
