"""Retries are safe: the pair (user, key) belongs to the first order that names it, decided where all is serial.

A later order with the same pair and the same content is a `duplicate` of the first, whatever became of that; with
other content it is refused as `key_reused`. Both keep the first order's id. The sender's time is no content: a retry
may carry a new one. Keys are kept for ever.
"""

from collections.abc import Iterable
from hashlib import blake2b
from typing import Final, NamedTuple

from sqlalchemy import Connection, bindparam, text

from settlement.refusal import Refusal

_LOOKUP_ROWS_MAX: Final = 2_000
_HASH_BYTES: Final = 16

_LOOKUP: Final = text(
    "SELECT key_hash, content_hash, order_id FROM idempotency_key WHERE key_hash IN :hashes"
).bindparams(bindparam("hashes", expanding=True))
_INSERT: Final = text("INSERT INTO idempotency_key VALUES (:key_hash, :content_hash, :order_id)")


class KeyedOrder(NamedTuple):
    """An order that carries a key: its position in the batch and its id."""

    position: int
    order_id: int
    key_hash: bytes
    content_hash: bytes


class Repetition(NamedTuple):
    """An order whose key belongs to an earlier one."""

    position: int
    refusal: Refusal
    first_order_id: int


def hash_key(user_id: int, key: bytes) -> bytes:
    """Return the 128-bit name under which the pair is kept."""
    return blake2b(b"%d:%b" % (user_id, key), digest_size=_HASH_BYTES).digest()


def hash_content(user_id: int, initiator: str, lines: Iterable[tuple[int, int]]) -> bytes:
    """Return the 128-bit digest of what an order buys; lines of one commodity count together."""
    units: dict[int, int] = {}
    for commodity_id, number in lines:
        units[commodity_id] = units.get(commodity_id, 0) + number
    basket = ",".join(f"{commodity_id}x{number}" for commodity_id, number in sorted(units.items()))
    return blake2b(f"{user_id}|{initiator}|{basket}".encode(), digest_size=_HASH_BYTES).digest()


def resolve_keys(connection: Connection, orders: list[KeyedOrder]) -> tuple[list[Repetition], list[KeyedOrder]]:
    """Tell first uses of a key from repetitions.

    Args:
        connection: to the ledger; only the holder of the fencing token writes keys, so that a plain read is enough.
        orders: the keyed orders of one batch, in their order of settlement.

    Returns:
        The repetitions, and the first uses that the batch's transaction must insert.
    """
    owners = _read_owners(connection, [order.key_hash for order in orders])
    repetitions, firsts = [], []
    for order in orders:
        owner = owners.setdefault(order.key_hash, order)
        if owner is order:
            firsts.append(order)
            continue
        same = owner.content_hash == order.content_hash
        refusal = Refusal.DUPLICATE if same else Refusal.KEY_REUSED
        repetitions.append(Repetition(order.position, refusal, owner.order_id))
    return repetitions, firsts


def insert_keys(connection: Connection, firsts: list[KeyedOrder]) -> None:
    """Insert first uses; a key that is there already violates the primary key and rolls the batch back."""
    for start in range(0, len(firsts), _LOOKUP_ROWS_MAX):
        connection.execute(_INSERT, [order._asdict() for order in firsts[start : start + _LOOKUP_ROWS_MAX]])


def _read_owners(connection: Connection, key_hashes: list[bytes]) -> dict[bytes, KeyedOrder]:
    owners: dict[bytes, KeyedOrder] = {}
    for start in range(0, len(key_hashes), _LOOKUP_ROWS_MAX):
        rows = connection.execute(_LOOKUP, {"hashes": key_hashes[start : start + _LOOKUP_ROWS_MAX]})
        owners |= {row.key_hash: KeyedOrder(-1, row.order_id, row.key_hash, row.content_hash) for row in rows}
    return owners
