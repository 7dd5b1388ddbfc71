"""The job's decoder, scanner and all, gives exactly what the strict definition of an order gives."""

from hashlib import blake2b

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from jobs.decode import DecodedBatch, decode
from jobs.scanner import LINE_BYTES_MIN, scan
from settlement.currency import CODES
from settlement.order import (
    COMMODITY_ID_MAX,
    KEY_CHARACTERS_MAX,
    LINES_MAX,
    NUMBER_MAX,
    TIME_MS_MAX,
    USER_ID_MAX,
    Line,
    Order,
    OrderInvalidError,
    OrderMalformedError,
    encode_order,
    parse_order,
)
from settlement.refusal import Refusal
from tests.unit import strategies

LARGEST = Order(USER_ID_MAX, "EUR", TIME_MS_MAX, (Line(COMMODITY_ID_MAX, NUMBER_MAX),) * LINES_MAX, "~" * 64)
MIDDLING = Order(42, "USD", 1558500000000, (Line(10, 20), Line(3, 4)), "a-1")
SMALLEST = Order(0, "CNY", 0, (Line(1, 1),))


def table(values: list[bytes | None], partition: int = 3, start: int = 10) -> pa.Table:
    """Return messages as the stream hands them over."""
    rows = len(values)
    return pa.table(
        {
            "value": pa.array(values, pa.binary()),
            "partition": np.full(rows, partition, np.int32),
            "offset": np.arange(start, start + rows),
        }
    )


def expected(value: bytes | None) -> Order | None:
    """Return the order that a message states by the strict definition, None if it states none."""
    try:
        return parse_order(value or b"")
    except (OrderInvalidError, OrderMalformedError):
        return None


def hashed(text: str) -> bytes:
    """Return the digest by which keys and contents are known."""
    return blake2b(text.encode(), digest_size=16).digest()


def hashes(order: Order) -> tuple[bytes, bytes]:
    """Return what the ledger keeps of an order's key and content, written out by hand."""
    units: dict[int, int] = {}
    for line in order.items:
        units[line.id] = units.get(line.id, 0) + line.number
    basket = ",".join(f"{commodity}x{units[commodity]}" for commodity in sorted(units))
    return hashed(f"{order.user_id}:{order.idempotency_key}"), hashed(f"{order.user_id}|{order.initiator}|{basket}")


def assert_decoded(values: list[bytes | None], decoded: DecodedBatch) -> None:
    """Compare a decoded batch with the strict definition, message by message."""
    batch, wanted = decoded.orders, [expected(value) for value in values]
    assert batch.ids.tolist() == [(10 + index) << 12 | 3 for index in range(len(values))]
    assert [item.position for item in decoded.bad] == [index for index, order in enumerate(wanted) if order is None]
    for bad in decoded.bad:
        assert (bad.order_id, bad.value) == (batch.ids[bad.position], values[bad.position] or b"")
    for index, order in enumerate(wanted):
        assert (batch.refusals[index] == Refusal.MALFORMED) == (order is None)
        if order is not None:
            assert batch.user_ids[index] == order.user_id
            assert CODES[batch.initiators[index]] == order.initiator
            commodity_ids, numbers = batch.lines(index)
            assert list(zip(commodity_ids, numbers, strict=True)) == [(line.id, line.number) for line in order.items]
    keyed = [(index, order) for index, order in enumerate(wanted) if order and order.idempotency_key is not None]
    assert [item.position for item in decoded.keyed] == [index for index, _ in keyed]
    for item, (index, order) in zip(decoded.keyed, keyed, strict=True):
        assert (item.order_id, item.key_hash, item.content_hash) == (batch.ids[index], *hashes(order))


@given(st.lists(st.none() | strategies.messages, max_size=12))
@example([encode_order(LARGEST), b"", encode_order(SMALLEST), None])
def test_decoder_agrees_with_the_strict_definition(values: list[bytes | None]) -> None:
    """Canonical, variant, mutated and random messages side by side: nothing accepted or refused otherwise."""
    assert_decoded(values, decode(table(values)))


@given(st.lists(strategies.orders, min_size=1, max_size=12))
@example([LARGEST, SMALLEST, LARGEST])
def test_scanner_takes_what_is_canonical(orders: list[Order]) -> None:
    """The fast way is really taken: of canonical orders it leaves only those that need care, such as escaped keys."""
    values = [encode_order(order) for order in orders]
    data = np.frombuffer(b"".join(values), np.uint8)
    bounds = np.cumsum([0, *map(len, values)])
    rows, room = len(values), len(data) // LINE_BYTES_MIN + 1
    columns = [np.zeros(rows, np.int64) for _ in range(5)]
    line_starts, line_counts = columns[1], columns[2]
    lines = [np.zeros(room, np.int64) for _ in range(2)]
    scan(data, bounds, columns[0], np.zeros(rows, np.uint8), line_starts, line_counts, *lines, *columns[3:])
    for order, count in zip(orders, line_counts, strict=True):
        simple = order.user_id < 10**18 and not set(order.idempotency_key or "") & set('"\\')
        assert count == (len(order.items) if simple else 0)


@given(st.lists(st.none() | strategies.messages, min_size=1, max_size=8), st.data())
def test_slices_and_chunks_are_decoded_alike(values: list[bytes | None], data: st.DataObject) -> None:
    """Arrow tables in several chunks, or cut out of larger ones, decode as a plain table does."""
    cut = data.draw(st.integers(0, len(values)))
    chunked = pa.concat_tables([table(values[:cut]), table(values[cut:], start=10 + cut)])
    larger = pa.concat_tables([table([b"before"], start=9), table(values), table([b"after"])]).combine_chunks()
    assert_decoded(values, decode(chunked))
    assert_decoded(values, decode(larger.slice(1, len(values))))


@pytest.mark.parametrize("at", range(len(encode_order(SMALLEST)) + 1))
def test_every_truncation_is_refused(at: int) -> None:
    """A message cut at any byte is malformed, also when another one follows directly in memory."""
    whole = encode_order(SMALLEST)
    values: list[bytes | None] = [whole[:at], whole]
    decoded = decode(table(values))
    assert_decoded(values, decoded)
    assert [item.position for item in decoded.bad] == ([0] if at < len(whole) else [])


@pytest.mark.parametrize("order", [SMALLEST, MIDDLING], ids=["smallest", "middling"])
def test_every_edit_of_a_byte_is_judged_alike(order: Order) -> None:
    """Each byte replaced by each other one, removed, or preceded by a telling one: scanner and definition agree."""
    whole = encode_order(order)
    places = range(len(whole))
    replaced = [whole[:at] + bytes([byte]) + whole[at + 1 :] for at in places for byte in range(256)]
    removed = [whole[:at] + whole[at + 1 :] for at in places]
    inserted = [whole[:at] + bytes([byte]) + whole[at:] for at in places for byte in b'0129-+. "\\,:{}[]eE\n\0']
    values: list[bytes | None] = [*replaced, *removed, *inserted]
    assert_decoded(values, decode(table(values)))


@pytest.mark.parametrize("field", ["user_id", "time", "id", "number"])
def test_every_size_of_a_number_is_judged_alike(field: str) -> None:
    """Numbers round every limit and power of ten, with and without leading zeros: scanner and definition agree."""
    whole = encode_order(SMALLEST).decode()
    limits = (0, NUMBER_MAX, COMMODITY_ID_MAX, TIME_MS_MAX, USER_ID_MAX, 2**64, *(10**digits for digits in range(22)))
    texts = {f"{zeros}{limit + step}" for limit in limits for step in (-1, 0, 1) for zeros in ("", "0", "-")}
    before, name, after = whole.partition(f'"{field}":')
    values: list[bytes | None] = [f"{before}{name}{text}{after.lstrip('01')}".encode() for text in sorted(texts)]
    decoded = decode(table(values))
    assert_decoded(values, decoded)
    assert 0 < len(decoded.bad) < len(values)


@pytest.mark.parametrize("length", [0, 1, 63, 64, 65, 200])
def test_every_length_of_a_key_is_judged_alike(length: int) -> None:
    """Keys of no, one, the most and too many characters: scanner and definition agree."""
    keyed = encode_order(SMALLEST)[:-1] + b',"idempotency_key":"' + b"k" * length + b'"}'
    decoded = decode(table([keyed]))
    assert_decoded([keyed], decoded)
    assert len(decoded.keyed) == (1 <= length <= KEY_CHARACTERS_MAX)


@pytest.mark.parametrize("count", [1, LINES_MAX - 1, LINES_MAX, LINES_MAX + 1])
def test_every_number_of_lines_is_judged_alike(count: int) -> None:
    """The most lines are taken, one more is refused, and the next message is not touched by either."""
    long = encode_order(SMALLEST).replace(b'{"id":1,"number":1}', b",".join([b'{"id":1,"number":1}'] * count))
    decoded = decode(table([long, encode_order(SMALLEST)]))
    assert_decoded([long, encode_order(SMALLEST)], decoded)
    assert len(decoded.bad) == (count > LINES_MAX)
