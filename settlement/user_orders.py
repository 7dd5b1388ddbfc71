"""Which orders a user has: an index of our own, one row per bucket of users and batch.

InnoDB's index on (user_id, id) takes one insertion per order, more processor time than all the rest of a commit. Here a
batch writes at most `BUCKETS` rows, each a JSON list of [user, order] pairs in their order of settlement, and a reader
asks for the rows of one bucket only: a 4096th of the ledger, oldest batch first, as many as fill a page.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Connection, Row, text

BUCKETS: Final = 4096
COLUMNS: Final = ("bucket", "batch", "orders")

_BATCHES_FIRST: Final = 64
_BATCHES_MAX: Final = 4096
_NO_BATCH: Final = 2**32

_AFTER: Final = text("SELECT batch FROM result WHERE id = :after")
_BATCHES: Final = text(
    "SELECT batch FROM user_orders WHERE bucket = :bucket AND batch >= :first ORDER BY batch LIMIT :most"
)
_PAGE: Final = text(
    "SELECT result.* FROM user_orders JOIN JSON_TABLE(user_orders.orders, '$[*]'"
    " COLUMNS (user_id BIGINT PATH '$[0]', id BIGINT PATH '$[1]')) AS listed"
    " JOIN result ON result.id = listed.id"
    " WHERE user_orders.bucket = :bucket AND user_orders.batch BETWEEN :first AND :last"
    " AND listed.user_id = :user_id AND (user_orders.batch > :after_batch OR listed.id > :after)"
    " ORDER BY user_orders.batch, listed.id LIMIT :limit"
)


def user_order_rows(user_ids: npt.NDArray[np.int64], ids: npt.NDArray[np.int64], batch: int) -> pa.Table:
    """Return a batch's rows with `COLUMNS`, all text, from the users and ids of its readable orders."""
    buckets = user_ids % BUCKETS
    order = np.argsort(buckets, kind="stable")
    present, starts = np.unique(buckets[order], return_index=True)
    users, orders = (pa.array(values[order]).cast(pa.string()) for values in (user_ids, ids))
    pairs = pc.binary_join_element_wise("[", users, ",", orders, "]", "")
    grouped = pa.ListArray.from_arrays(pa.array(np.append(starts, len(ids)), pa.int32()), pairs)
    lists = pc.binary_join_element_wise("[", pc.binary_join(grouped, ","), "]", "")
    columns = (pa.array(present).cast(pa.string()), pa.repeat(pa.scalar(str(batch)), len(present)), lists)
    return pa.table(dict(zip(COLUMNS, columns, strict=True)))


def list_user_results(connection: Connection, user_id: int, after: int, limit: int) -> Sequence[Row[Any]]:
    """Return rows of `result`: this user's orders as they were settled, after order `after` (-1 = from the first).

    Where `after` has no result, those with greater ids follow it.
    """
    after_batch = connection.execute(_AFTER, {"after": after}).scalar()
    found: list[Row[Any]] = []
    first, most = after_batch or 0, _BATCHES_FIRST
    bound = {
        "bucket": user_id % BUCKETS,
        "user_id": user_id,
        "after": after,
        "after_batch": _NO_BATCH if after_batch is None else after_batch,
    }
    while len(found) < limit:
        batches = (
            connection.execute(_BATCHES, {"bucket": bound["bucket"], "first": first, "most": most}).scalars().all()
        )
        if not batches:
            break
        span = {"first": first, "last": batches[-1], "limit": limit - len(found)}
        found += connection.execute(_PAGE, bound | span).all()
        # A user with many orders has a page in few batches; one with few is looked for in ever larger steps.
        first, most = batches[-1] + 1, min(2 * most, _BATCHES_MAX)
    return found
