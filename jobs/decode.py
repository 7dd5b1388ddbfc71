"""Messages to flat arrays: the scanner takes the canonical ones, the strict decoder everything else."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from jobs.scanner import LINE_BYTES_MIN, scan
from settlement.currency import CODES
from settlement.decide import OrderBatch
from settlement.idempotency import KeyedOrder, hash_content, hash_key
from settlement.order import Order, OrderInvalidError, OrderMalformedError, parse_order
from settlement.orderid import PARTITION_BITS
from settlement.refusal import Refusal
from settlement.stock import Bytes, Ints


@dataclass(frozen=True)
class BadMessage:
    """A message that is no valid order, and why."""

    position: int
    order_id: int
    value: bytes
    detail: str


@dataclass(frozen=True)
class DecodedBatch:
    """One micro-batch in its order of settlement, what bears a key in it, and what is bad in it."""

    orders: OrderBatch
    keyed: list[KeyedOrder]
    bad: list[BadMessage]


def decode(messages: pa.Table) -> DecodedBatch:
    """Decode messages (columns value, partition, offset) that are in their order of settlement already."""
    offsets, partitions = (messages[name].to_numpy().astype(np.int64) for name in ("offset", "partition"))
    data, bounds = _flat_bytes(messages["value"])
    rows = len(offsets)
    user_ids, line_starts, line_counts, key_starts, key_lengths = (np.zeros(rows, np.int64) for _ in range(5))
    initiators = np.zeros(rows, np.uint8)
    commodity_ids, numbers = (np.empty(len(data) // LINE_BYTES_MIN + 1, np.int64) for _ in range(2))
    lines = scan(
        data, bounds, user_ids, initiators, line_starts, line_counts, commodity_ids, numbers, key_starts, key_lengths
    )
    orders = OrderBatch(
        ids=offsets << PARTITION_BITS | partitions,
        user_ids=user_ids,
        initiators=initiators,
        refusals=np.zeros(rows, np.uint8),
        line_starts=line_starts,
        line_counts=line_counts,
        commodity_ids=commodity_ids[:lines],
        numbers=numbers[:lines],
    )
    keys = {
        int(index): data[key_starts[index] : key_starts[index] + key_lengths[index]].tobytes()
        for index in np.flatnonzero(key_lengths)
    }
    left = [
        (int(index), data[bounds[index] : bounds[index + 1]].tobytes()) for index in np.flatnonzero(line_counts == 0)
    ]
    orders, bad = _decode_strictly(orders, left, keys)
    return DecodedBatch(orders, [_keyed(orders, index, keys[index]) for index in sorted(keys)], bad)


def _flat_bytes(values: pa.ChunkedArray) -> tuple[Bytes, Ints]:
    """Return all values as one run of bytes, and where each starts; a null counts as empty."""
    array = values.fill_null(b"").cast(pa.large_binary()).combine_chunks()
    if isinstance(array, pa.ChunkedArray):
        array = pa.concat_arrays(array.chunks)
    _, bounds, data = array.buffers()
    starts = np.frombuffer(bounds, np.int64)[array.offset : array.offset + len(array) + 1]
    return np.frombuffer(data or b"", np.uint8), starts


def _decode_strictly(
    orders: OrderBatch, left: list[tuple[int, bytes]], keys: dict[int, bytes]
) -> tuple[OrderBatch, list[BadMessage]]:
    """Fill in what the scanner left; lines of these orders are appended behind the scanner's."""
    bad: list[BadMessage] = []
    valid: list[tuple[int, Order]] = []
    for index, value in left:
        try:
            valid.append((index, parse_order(value)))
        except (OrderMalformedError, OrderInvalidError) as error:
            orders.refusals[index] = Refusal.MALFORMED
            bad.append(BadMessage(index, int(orders.ids[index]), value, str(error)))
    end = len(orders.commodity_ids)
    for index, order in valid:
        orders.user_ids[index] = order.user_id
        orders.initiators[index] = order.currency
        orders.line_starts[index] = end
        orders.line_counts[index] = len(order.items)
        end += len(order.items)
        if order.idempotency_key is not None:
            keys[index] = order.idempotency_key.encode()
    extra = np.array([(line.id, line.number) for _, order in valid for line in order.items], np.int64).reshape(-1, 2)
    joined = OrderBatch(
        orders.ids,
        orders.user_ids,
        orders.initiators,
        orders.refusals,
        orders.line_starts,
        orders.line_counts,
        np.concatenate([orders.commodity_ids, extra[:, 0]]),
        np.concatenate([orders.numbers, extra[:, 1]]),
    )
    return joined, bad


def _keyed(orders: OrderBatch, index: int, key: bytes) -> KeyedOrder:
    user_id = int(orders.user_ids[index])
    lines = zip(*(column.tolist() for column in orders.lines(index)), strict=True)
    content = hash_content(user_id, CODES[orders.initiators[index]], lines)
    return KeyedOrder(index, int(orders.ids[index]), hash_key(user_id, key), content)
