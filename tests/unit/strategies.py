"""What hypothesis draws: valid orders, JSON texts that are nearly orders, bytes that were nearly messages, shops."""

import json
from typing import Any, Final

from hypothesis import strategies as st

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
    encode_order,
)
from settlement.rates import RATE_MAX, RATE_MIN
from tests.unit import oracles

PRICE_MINOR_MAX: Final = 10**10
VISIBLE: Final = "".join(chr(code) for code in range(ord("!"), ord("~") + 1))


def _up_to(largest: int, lowest: int = 0) -> st.SearchStrategy[int]:
    """Draw small numbers often, any number sometimes, and the limits themselves."""
    return st.one_of(
        st.integers(lowest, min(lowest + 9, largest)), st.integers(lowest, largest), st.sampled_from((lowest, largest))
    )


lines = st.builds(Line, _up_to(COMMODITY_ID_MAX, 1), _up_to(NUMBER_MAX, 1))
keys = st.text(VISIBLE, min_size=1, max_size=KEY_CHARACTERS_MAX)
orders = st.builds(
    Order,
    _up_to(USER_ID_MAX),
    st.sampled_from(CODES),
    _up_to(TIME_MS_MAX),
    st.lists(lines, min_size=1, max_size=8).map(tuple),
    st.none() | keys,
)

rates = st.tuples(*[_up_to(RATE_MAX, RATE_MIN)] * len(CODES))

_near_integers: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from((-1, 0, 1, 2**31 - 1, 2**31, 10**6, 10**6 + 1, 2**63 - 1, 2**63, 2**64, TIME_MS_MAX + 1)),
    st.integers(),
    st.integers(0, 9).map(str),
    st.sampled_from(("", "-1", "+1", " 1", "1.0", "0001", "\u0661", "9" * 19, "9" * 20, 1.0, 0.5, 1e300, True, None)),
    st.just([1]) | st.just({"id": 1}),
)
_near_lines = st.one_of(
    st.fixed_dictionaries({"id": _near_integers, "number": _near_integers}),
    st.fixed_dictionaries({"id": st.just(1)}, optional={"number": _near_integers, "price": st.just(0)}),
    st.sampled_from(([], None, 1, {})),
)
_near_fields = {
    "user_id": _near_integers,
    "userid": _near_integers,
    "initiator": st.sampled_from((*CODES, "RMB", "cny", "GBP", "", None, 0, ["CNY"])),
    "time": _near_integers,
    "items": st.lists(_near_lines, max_size=3)
    | st.sampled_from(
        (None, {}, "1", [{"id": 1, "number": 1}] * LINES_MAX, [{"id": 1, "number": 1}] * (LINES_MAX + 1))
    ),
    "idempotency_key": st.one_of(
        st.none(), keys, st.sampled_from(("", "a b", "é", "a\n", '"\\', "x" * 64, "x" * 65, 1, "\ud83d\ude00"))
    ),
    "x/~y": st.just(1),
}
_good_fields: dict[str, Any] = {"user_id": 7, "initiator": "CNY", "time": 1, "items": [{"id": 1, "number": 2}]}


@st.composite
def near_orders(draw: st.DrawFn) -> list[tuple[str, Any]]:
    """Draw the fields of an order, some of them wrong, missing, unknown or there twice."""
    fields = list(_good_fields.items())
    for name in draw(st.lists(st.sampled_from(sorted(_near_fields)), max_size=3)):
        fields.append((name, draw(_near_fields[name])))
        if draw(st.booleans()):
            fields = [field for field in fields[:-1] if field[0] != name] + fields[-1:]
    if draw(st.booleans()):
        fields.pop(draw(st.integers(0, len(fields) - 1)))
    return draw(st.permutations(fields))


@st.composite
def near_texts(draw: st.DrawFn) -> bytes:
    """Draw a JSON text of such fields, with spaces or without, which may name a field twice."""
    space = draw(st.sampled_from(("", " ", "\n\t")))
    ascii_only = draw(st.booleans())
    members = (
        f"{json.dumps(name)}:{space}{json.dumps(value, ensure_ascii=ascii_only)}" for name, value in draw(near_orders())
    )
    text = "{" + f",{space}".join(members) + "}" + space
    return text.encode(errors="surrogatepass")


@st.composite
def mutated_messages(draw: st.DrawFn) -> bytes:
    """Draw a canonical message with a few bytes replaced, removed, doubled or inserted, or cut short."""
    message = bytearray(encode_order(draw(orders)))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(message) - 1))
        kind = draw(st.integers(0, 4))
        if kind == 0:
            message[at] = draw(st.integers(0, 255))
        elif kind == 1 and len(message) > 1:
            del message[at]
        elif kind == 2:
            message.insert(at, draw(st.sampled_from(b'0123456789",:{}[]\\ -.eE')))
        elif kind == 3:
            message[at:at] = message[at : at + draw(st.integers(1, 40))]
        elif at:
            del message[at:]
    return bytes(message)


messages = st.one_of(orders.map(encode_order), near_texts(), mutated_messages(), st.binary(max_size=60))


@st.composite
def shops(draw: st.DrawFn) -> list[oracles.Article]:
    """Draw a catalogue: a few commodities with gaps between their ids, stock often too short for the orders to come."""
    ids = sorted(draw(st.sets(st.integers(1, 12) | _up_to(COMMODITY_ID_MAX, 1), max_size=6)))
    stock = st.integers(0, 12) | st.integers(0, 4 * NUMBER_MAX) | st.just(10**15)
    price = st.integers(0, 1000) | st.integers(0, PRICE_MINOR_MAX)
    return [oracles.Article(id_, draw(price), draw(st.integers(0, 3)), draw(stock)) for id_ in ids]


@st.composite
def purchases(draw: st.DrawFn, articles: list[oracles.Article]) -> list[oracles.Purchase]:
    """Draw orders on this catalogue: repeated lines, unknown commodities, some refused beforehand."""
    ids = st.sampled_from([article.id for article in articles] * 4 + [13])
    number = st.integers(1, 6) | st.integers(1, 12) | _up_to(NUMBER_MAX, 1)
    lines = st.lists(st.tuples(ids, number), min_size=1, max_size=5).map(tuple)
    refusal = st.sampled_from(("none",) * 8 + ("malformed", "duplicate", "key_reused"))
    return draw(st.lists(st.builds(oracles.Purchase, st.integers(0, 3), lines, refusal), max_size=12))
