"""What a valid order is: every limit, every variant, every refusal, and that both ways of decoding agree."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given

from settlement import order as order_module
from settlement.currency import CODES, Currency
from settlement.order import (
    BYTES_MAX,
    COMMODITY_ID_MAX,
    LINES_MAX,
    NUMBER_MAX,
    TIME_MS_MAX,
    USER_ID_MAX,
    Line,
    Order,
    OrderInvalidError,
    OrderMalformedError,
    encode_order,
    parse_json,
    parse_order,
    validate_order,
)
from tests.unit import strategies

SAMPLE = b'{"user_id":123456,"initiator":"CNY","time":1558500000000,"items":[{"id":1,"number":2},{"id":3,"number":1}]}'


def fields(**changes: Any) -> dict[str, Any]:
    """Return a valid order's fields with some replaced; `None` as value leaves the field out."""
    base = {"user_id": 7, "initiator": "CNY", "time": 1, "items": [{"id": 1, "number": 2}]}
    return {name: value for name, value in (base | changes).items() if value is not None}


def pointers(value: object) -> list[str]:
    """Return the pointers of the problems that a value has, the same by the definition and by the fast decoder."""
    with pytest.raises(OrderInvalidError) as caught:
        validate_order(value)
    with pytest.raises(OrderInvalidError) as parsed:
        parse_order(json.dumps(value).encode())
    assert parsed.value.problems == caught.value.problems
    return [problem.pointer for problem in caught.value.problems]


def outcome(decode: Any, text: bytes) -> object:
    """Return the order, or what was wrong with it."""
    try:
        return decode(text)
    except OrderInvalidError as error:
        return error.problems
    except OrderMalformedError:
        return "malformed"


def test_sample_order_of_the_original_is_read() -> None:
    """The first sample order of the original system becomes an order with its two lines."""
    assert parse_order(SAMPLE) == Order(123456, "CNY", 1558500000000, (Line(1, 2), Line(3, 1)))


@pytest.mark.parametrize("code", CODES)
def test_every_currency_may_initiate(code: str) -> None:
    """Each of the four codes is accepted and names its currency."""
    assert validate_order(fields(initiator=code)).currency is Currency[code]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"user_id": "7"}, {}),
        ({"user_id": None, "userid": 7}, {}),
        ({"user_id": None, "userid": "7"}, {}),
        ({"initiator": "RMB"}, {}),
        ({"time": "1"}, {}),
        ({"items": [{"id": "1", "number": "2"}]}, {}),
        ({"items": [{"number": 2, "id": 1}]}, {}),
        ({"user_id": "0000000000000000007"}, {}),
        ({"idempotency_key": None}, {}),
    ],
)
def test_known_variants_mean_the_same_order(changes: dict[str, Any], expected: dict[str, Any]) -> None:
    """Quoted numbers, `userid` and `RMB` become the canonical order."""
    assert validate_order(fields(**changes)) == validate_order(fields(**expected))


def test_absent_and_null_key_are_the_same() -> None:
    """A key of null is no key."""
    assert validate_order(fields() | {"idempotency_key": None}) == validate_order(fields())


@pytest.mark.parametrize(
    ("pointer", "low", "high"),
    [
        ("/user_id", 0, USER_ID_MAX),
        ("/time", 0, TIME_MS_MAX),
        ("/items/0/id", 1, COMMODITY_ID_MAX),
        ("/items/0/number", 1, NUMBER_MAX),
    ],
)
@pytest.mark.parametrize("quoted", [False, True])
def test_limits_of_numbers_are_exact(pointer: str, low: int, high: int, quoted: bool) -> None:
    """The stated limits are accepted, one step beyond them is refused with the field's pointer."""

    def with_value(number: int) -> dict[str, Any]:
        value = str(number) if quoted else number
        name = pointer.rpartition("/")[2]
        if pointer.startswith("/items"):
            return fields(items=[{"id": 1, "number": 1} | {name: value}])
        return fields(**{name: value})

    for number in (low, high):
        assert parse_order(json.dumps(with_value(number)).encode()) == validate_order(with_value(number))
    for number in (low - 1, high + 1):
        assert pointers(with_value(number)) == [pointer]


@pytest.mark.parametrize(
    "number", [-50, 0, 1.5, 1.0, "", "-5", "+5", " 5", "5 ", "1e3", "0x5", "\u0665", True, None, [], {}, "9" * 20]
)
def test_pitfall_9_odd_numbers_are_refused(number: object) -> None:
    """A negative, zero, fractional, huge or non-numeric number never becomes a line."""
    assert pointers(fields(items=[{"id": 1, "number": number}])) == ["/items/0/number"]


@pytest.mark.parametrize(
    ("value", "pointer"),
    [
        (fields(user_id=None), "/user_id"),
        (fields(initiator=None), "/initiator"),
        (fields(time=None), "/time"),
        (fields(items=None), "/items"),
        (fields(initiator="JYP"), "/initiator"),
        (fields(initiator="cny"), "/initiator"),
        (fields(initiator=1), "/initiator"),
        (fields(initiator=["CNY"]), "/initiator"),
        (fields(items=[]), "/items"),
        (fields(items={}), "/items"),
        (fields(items=[{"id": 1, "number": 1}] * (LINES_MAX + 1)), "/items"),
        (fields(items=[1]), "/items/0"),
        (fields(items=[{"id": 1, "number": 1}, {"id": 1}]), "/items/1/number"),
        (fields(items=[{"id": 1, "number": 1, "price": 0}]), "/items/0/price"),
        (fields(idempotency_key=""), "/idempotency_key"),
        (fields(idempotency_key="x" * 65), "/idempotency_key"),
        (fields(idempotency_key="a b"), "/idempotency_key"),
        (fields(idempotency_key="a\n"), "/idempotency_key"),
        (fields(idempotency_key="é"), "/idempotency_key"),
        (fields(idempotency_key=7), "/idempotency_key"),
        (fields(paid=0), "/paid"),
        (fields(userid=7), "/userid"),
        (fields() | {"a/b~c": 1}, "/a~1b~0c"),
        ([], ""),
        ("order", ""),
        (None, ""),
    ],
)
def test_refusals_name_the_field(value: object, pointer: str) -> None:
    """Each wrong, missing or unknown field is named by its JSON pointer."""
    assert pointers(value) == [pointer]


def test_all_problems_are_reported_at_once() -> None:
    """A client that got several fields wrong hears of all of them."""
    assert pointers({"initiator": "GBP", "time": -1, "items": [{"id": 0, "number": "x"}], "extra": 1}) == [
        "/extra",
        "/user_id",
        "/initiator",
        "/time",
        "/items/0/id",
        "/items/0/number",
    ]


def test_most_lines_and_longest_key_are_accepted() -> None:
    """An order may have as many lines, and a key as many characters, as the limits say."""
    order = validate_order(fields(items=[{"id": 1, "number": 1}] * LINES_MAX, idempotency_key="~" * 64))
    assert (len(order.items), order.idempotency_key) == (LINES_MAX, "~" * 64)


@pytest.mark.parametrize(
    "text",
    [b"", b"{", b"nonsense", b"NaN", SAMPLE + b"x", b"\xef\xbb\xbf" + SAMPLE, b"\xff", b"[" * 9_000, b'{"a":' * 3_000],
)
def test_what_is_no_json_is_malformed(text: bytes) -> None:
    """Broken, truncated, doubled or bottomless JSON is refused as malformed, never a crash."""
    with pytest.raises(OrderMalformedError):
        parse_order(text)


def test_longest_text_is_exact() -> None:
    """A text of the largest size is read, one byte more is refused."""
    assert parse_order(SAMPLE.ljust(BYTES_MAX)) == parse_order(SAMPLE)
    with pytest.raises(OrderMalformedError):
        parse_order(SAMPLE.ljust(BYTES_MAX + 1))


def test_largest_valid_order_fits_the_largest_text() -> None:
    """No order within the other limits is too long for the limit on its text."""
    longest = Order(USER_ID_MAX, "CNY", TIME_MS_MAX, (Line(COMMODITY_ID_MAX, NUMBER_MAX),) * LINES_MAX, '"' * 64)
    assert parse_order(encode_order(longest)) == longest


@given(strategies.orders)
def test_canonical_text_round_trips(order: Order) -> None:
    """What is encoded is read back as the same order and encoded to the same bytes again."""
    text = encode_order(order)
    assert parse_order(text) == order
    assert encode_order(parse_order(text)) == text


@given(strategies.orders)
def test_canonical_text_is_compact_json(order: Order) -> None:
    """The canonical text has its fields in their order and no spaces, as any JSON library would write it."""
    plain: dict[str, Any] = {
        "user_id": order.user_id,
        "initiator": order.initiator,
        "time": order.time,
        "items": [{"id": line.id, "number": line.number} for line in order.items],
    }
    if order.idempotency_key is not None:
        plain["idempotency_key"] = order.idempotency_key
    assert encode_order(order) == json.dumps(plain, separators=(",", ":")).encode()


@given(strategies.messages)
def test_fast_decoder_agrees_with_the_definition(text: bytes) -> None:
    """Whatever the typed decoder accepts, the field by field definition accepts as the same order."""
    assert outcome(parse_order, text) == outcome(lambda value: validate_order(parse_json(value)), text)
    try:
        fast = order_module._canonical.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return
    assert fast == validate_order(parse_json(text))


@given(strategies.messages)
def test_every_accepted_order_has_one_canonical_text(text: bytes) -> None:
    """An accepted order, however it was written, is within the limits and round-trips."""
    order = outcome(parse_order, text)
    if isinstance(order, Order):
        assert parse_order(encode_order(order)) == order
