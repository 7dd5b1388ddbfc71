"""The lists of orders by user: the same orders as the results', each in its user's bucket under its batch."""

import json
from collections.abc import Iterable
from typing import Any, Final

from sqlalchemy import Row

from settlement.audit.report import Findings

BUCKETS: Final = 4096


class UserOrders:
    """What the lists must hold, as a count and a sum of hashes per bucket: memory stays bounded at any size."""

    def __init__(self) -> None:
        self._counts = [0] * BUCKETS
        self._sums = [0] * BUCKETS

    def add(self, user: int, order: int, batch: int) -> None:
        """Count an order of this user, settled by this batch."""
        bucket = user % BUCKETS
        self._counts[bucket] += 1
        self._sums[bucket] += hash((user, order, batch))

    def compare(self, rows: Iterable[Row[Any]], findings: Findings) -> None:
        """Name the buckets whose stored lists (rows of bucket, batch, orders) differ."""
        found = UserOrders()
        for row in rows:
            for user, order in json.loads(row.orders):
                found.add(user, order, row.batch)
                if user % BUCKETS != row.bucket:
                    findings.add("user_orders.bucket", f"order {order}", user % BUCKETS, row.bucket)
        for bucket in range(BUCKETS):
            where, must, has = f"bucket {bucket}", self._counts[bucket], found._counts[bucket]
            if must != has:
                findings.add("user_orders", where, f"{must} orders", f"{has} orders")
            elif self._sums[bucket] != found._sums[bucket]:
                findings.add("user_orders", where, "each order under its user and batch", "some that are not")
