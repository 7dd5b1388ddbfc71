"""The ledger as the page reads it: one transaction, one state."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from plugins.live_page_app.bounded import AwayError
from plugins.live_page_app.recent_batches import RecentBatch, RecentBatches
from plugins.live_page_app.refusal_counts import count_refusals
from plugins.live_page_app.snapshot import CurrencyTotal, Refusals, Totals
from settlement.head import read_positions
from settlement.queries import read_turnover

_NO_SUCH_TABLE: Final = 1146
_SUCCEEDED: Final = text("SELECT initiator, orders FROM total")


@dataclass(frozen=True)
class LedgerReading:
    """The ledger as one committed batch left it."""

    totals: Totals
    positions: dict[int, int]
    batches: list[RecentBatch]
    refusals: Refusals


class LedgerReader:
    """Used from one thread at a time; connects when it is first asked."""

    def __init__(self, connect: Callable[[], Engine]) -> None:
        self._connect = connect
        self._engine: Engine | None = None
        self._batches = RecentBatches()
        self._last: LedgerReading | None = None

    def read(self) -> LedgerReading:
        """Return what the ledger holds now.

        Raises:
            AwayError: the database does not answer or has no ledger yet.
        """
        try:
            self._engine = self._engine or self._connect()
            with self._engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
                self._last = self._read(connection)
                return self._last
        except DBAPIError as error:
            code, *words = error.orig.args if error.orig else (None,)
            if code == _NO_SUCH_TABLE:
                raise AwayError("there is no ledger yet: trigger seed_db") from error
            raise AwayError(f"{type(error.orig).__name__} {code or ''} {' '.join(map(str, words))}"[:200]) from error
        except SQLAlchemyError as error:
            raise AwayError(type(error).__name__) from error

    def _read(self, connection: Connection) -> LedgerReading:
        turnover = read_turnover(connection)
        succeeded = {row.initiator: row.orders for row in connection.execute(_SUCCEEDED)}
        totals = Totals(
            turnover.batch,
            turnover.amount_cny,
            turnover.orders,
            sum(succeeded.values()),
            [CurrencyTotal(code, paid, succeeded[code]) for code, paid in turnover.paid.items()],
        )
        positions = read_positions(connection)
        batches = self._batches.read(connection, turnover.batch)
        if self._last and self._last.totals == totals and self._last.positions == positions:
            return LedgerReading(totals, positions, batches, self._last.refusals)
        looked_at, reasons = count_refusals(connection, positions)
        return LedgerReading(totals, positions, batches, Refusals(looked_at, reasons, totals.orders - totals.succeeded))
