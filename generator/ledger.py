"""What the generator reads of the ledger: nothing that it is told is taken on trust."""

from collections.abc import Iterator
from typing import Final

import numpy as np
import numpy.typing as npt
from sqlalchemy import Engine, bindparam, text

from generator.orders import Integers
from settlement.batches import BatchRecord, read_batches
from settlement.head import read_head, read_positions
from settlement.refusal import Refusal

MISSING: Final = -1
"""Stands where an accepted order has no result."""

# MariaDB turns a list of 1,000 or more into a slow temporary table.
_LOOKUP_IDS: Final = 900

_RESULTS: Final = text("SELECT id, reason FROM result WHERE id IN :ids").bindparams(bindparam("ids", expanding=True))
_CODES: Final = {refusal.label: int(refusal) for refusal in Refusal} | {None: int(Refusal.NONE)}


class Ledger:
    """The ledger as a reader sees it; every method raises `sqlalchemy.exc.SQLAlchemyError` when it is away."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def commodities(self) -> Integers:
        """Return the ids of the catalogue in ascending order."""
        with self._engine.connect() as connection:
            return np.array(connection.execute(text("SELECT id FROM commodity ORDER BY id")).scalars().all(), np.int64)

    def batch_number(self) -> int:
        """Return the number of the last batch."""
        with self._engine.connect() as connection:
            return read_head(connection).batch

    def positions(self) -> dict[int, int]:
        """Return the first unsettled offset of each partition."""
        with self._engine.connect() as connection:
            return read_positions(connection)

    def batches(self, after: int) -> list[BatchRecord]:
        """Return all batches after this number."""
        batches: list[BatchRecord] = []
        with self._engine.connect() as connection:
            while more := read_batches(connection, after=batches[-1].number if batches else after):
                batches += more
        return batches

    def refusals(self, ids: Integers) -> Iterator[npt.NDArray[np.int8]]:
        """Yield, chunk by chunk in their order, the `Refusal` of each order, or `MISSING`.

        Args:
            ids: distinct, in ascending order.
        """
        with self._engine.connect() as connection:
            for start in range(0, len(ids), _LOOKUP_IDS):
                chunk = ids[start : start + _LOOKUP_IDS]
                rows = connection.execute(_RESULTS, {"ids": chunk.tolist()}).all()
                codes = np.full(len(chunk), MISSING, np.int8)
                if rows:
                    found, reasons = zip(*rows, strict=True)
                    codes[np.searchsorted(chunk, found)] = [_CODES[reason] for reason in reasons]
                yield codes
