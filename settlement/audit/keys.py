"""Idempotency keys without a memory of all of them: the ledger's claims are used, and proven, order by order.

The ledger claims for each key which order owns it. A claim is believed only where it can be: the owner must have been
settled before the order that repeats its key, and must itself show the key when its own turn comes. Each owner
proves one row. If the table has exactly as many rows as were proven, and no order found its key unclaimed or claimed by
a later order, then every key belongs to the first order that named it.
"""

from collections.abc import Mapping

from settlement.audit.report import Findings
from settlement.orderid import place_of


class Keys:
    """Tells first uses of a key from repetitions."""

    def __init__(self, findings: Findings) -> None:
        self.proven = 0
        self._findings = findings
        self._claims: dict[bytes, tuple[bytes, int]] = {}
        self._positions: Mapping[int, int] = {}
        self._met: set[int] = set()

    def expect(self, claims: dict[bytes, tuple[bytes, int]]) -> None:
        """Take the ledger's claims (content, owner) on all keys of the batches that come next."""
        self._claims = claims

    def begin_batch(self, positions: Mapping[int, int]) -> None:
        """Take the first offset of each partition that no earlier batch has settled."""
        self._positions = positions
        self._met.clear()

    def repetition(self, order: int, key: bytes, content: bytes) -> tuple[str, int] | None:
        """Return why an order with a key buys nothing and who owns its key, or None if it owns it itself."""
        claimed, owner = self._claims.get(key, (content, None))
        if owner is not None and owner != order and self._is_earlier(owner):
            return ("duplicate" if claimed == content else "key_reused"), owner
        if owner == order and claimed == content:
            self.proven += 1
        else:
            expected, found = f"{content.hex()} by order {order}", f"{claimed.hex()} by order {owner}"
            self._findings.add("idempotency_key", f"key {key.hex()}", expected, found if owner else "no row")
            self._claims[key] = (content, order)
        self._met.add(order)
        return None

    def compare(self, stored: int) -> None:
        """Compare how many keys the ledger has with how many orders have proven theirs."""
        self._findings.compare("idempotency_key", "rows that an order proves", self.proven, stored)

    def _is_earlier(self, owner: int) -> bool:
        partition, offset = place_of(owner)
        return owner in self._met or 0 <= offset < self._positions.get(partition, 0)
