"""What a valid order is. This file alone decides; every faster decoder must agree with it.

The grammar is the original's (`user_id`, `initiator`, `time`, `items`) with its known variants: numbers
quoted as strings of digits, `RMB` for `CNY`, `userid` for `user_id`. An optional `idempotency_key` makes a retry safe.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

import msgspec

from settlement.currency import ALIASES, CODES, Currency

USER_ID_MAX: Final = 2**63 - 1
TIME_MS_MAX: Final = 253_402_300_799_999  # the end of the year 9999
COMMODITY_ID_MAX: Final = 2**31 - 1
NUMBER_MAX: Final = 1_000_000
LINES_MAX: Final = 100
KEY_CHARACTERS_MAX: Final = 64
KEY_PATTERN: Final = r"^[!-~]{1,64}\Z"  # visible ASCII
BYTES_MAX: Final = 16_384
"""Largest JSON text of one order; the API refuses a longer one and so does settlement."""

_DIGITS_MAX: Final = 19
_FIELDS: Final = ("user_id", "initiator", "time", "items", "idempotency_key")
_LINE_FIELDS: Final = ("id", "number")


class Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One line of an order: so many units of one commodity."""

    id: Annotated[int, msgspec.Meta(ge=1, le=COMMODITY_ID_MAX)]
    number: Annotated[int, msgspec.Meta(ge=1, le=NUMBER_MAX)]


class Order(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A valid order. Encoded by `encode`, it is the one canonical text that Kafka carries."""

    user_id: Annotated[int, msgspec.Meta(ge=0, le=USER_ID_MAX)]
    initiator: Literal["CNY", "USD", "JPY", "EUR"]
    time: Annotated[int, msgspec.Meta(ge=0, le=TIME_MS_MAX)]
    items: Annotated[tuple[Line, ...], msgspec.Meta(min_length=1, max_length=LINES_MAX)]
    idempotency_key: Annotated[str, msgspec.Meta(pattern=KEY_PATTERN)] | None = None

    @property
    def currency(self) -> Currency:
        """The payer's currency."""
        return Currency[self.initiator]


@dataclass(frozen=True)
class Problem:
    """One thing wrong with an order: where (JSON pointer, RFC 6901) and what, with the remedy."""

    pointer: str
    detail: str


class OrderMalformedError(ValueError):
    """The text is no JSON at all, or longer than an order may be."""


class OrderInvalidError(ValueError):
    """The JSON is no valid order; `problems` names every field that is wrong."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("; ".join(f"{problem.pointer or '/'}: {problem.detail}" for problem in problems))
        self.problems = problems


_canonical = msgspec.json.Decoder(Order)
_any_json = msgspec.json.Decoder()
_encoder = msgspec.json.Encoder()


def parse_order(text: bytes | memoryview) -> Order:
    """Return the order that this JSON text states.

    Raises:
        OrderMalformedError: not JSON, or longer than `BYTES_MAX`.
        OrderInvalidError: JSON, but not a valid order.
    """
    if len(text) > BYTES_MAX:
        raise OrderMalformedError(f"an order has at most {BYTES_MAX} bytes, this one has {len(text)}")
    try:
        return _canonical.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return validate_order(parse_json(text))


def parse_json(text: bytes | memoryview) -> object:
    """Return what any JSON text states.

    Raises:
        OrderMalformedError: it is not JSON, or nested or numbered beyond reason.
    """
    try:
        return _any_json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise OrderMalformedError(f"not JSON: {error}") from error


def encode_order(order: Order) -> bytes:
    """Return the canonical JSON text: no spaces, fields in their order, numbers bare."""
    return _encoder.encode(order)


def validate_order(value: object) -> Order:
    """Return the order that a decoded JSON value states, its variants made canonical.

    Raises:
        OrderInvalidError: with every problem found, not just the first.
    """
    if not isinstance(value, dict):
        raise OrderInvalidError([Problem("", "an order is a JSON object")])
    problems: list[Problem] = []
    fields: dict[str, Any] = dict(value)
    user_name = "userid" if "userid" in fields and "user_id" not in fields else "user_id"
    problems.extend(_unknown_fields(fields, tuple(dict.fromkeys((user_name, *_FIELDS))), ""))
    read = _Reader(fields, "", problems)
    user_id = read.integer(user_name, 0, USER_ID_MAX)
    initiator = read.field("initiator", _initiator)
    time = read.integer("time", 0, TIME_MS_MAX)
    items = read.field("items", lambda lines: _lines(lines, problems))
    key = read.field("idempotency_key", _key) if fields.get("idempotency_key") is not None else None
    if problems:
        raise OrderInvalidError(problems)
    return Order(user_id, initiator, time, items, key)


class _Reader:
    """Reads the fields of one JSON object and collects what is wrong with them."""

    def __init__(self, fields: dict[str, Any], pointer: str, problems: list[Problem]) -> None:
        self._fields = fields
        self._pointer = pointer
        self._problems = problems

    def field(self, name: str, convert: Callable[[Any], Any]) -> Any:
        try:
            if name not in self._fields:
                raise ValueError("missing; it is required")
            return convert(self._fields[name])
        except ValueError as error:
            self._problems.append(Problem(f"{self._pointer}/{name}", str(error)))
            return None

    def integer(self, name: str, low: int, high: int) -> Any:
        return self.field(name, lambda value: _integer(value, low, high))


def _integer(value: object, low: int, high: int) -> int:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= _DIGITS_MAX:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"must be an integer, bare or as a string of at most {_DIGITS_MAX} digits")
    if not low <= value <= high:
        raise ValueError(f"must be from {low} to {high}")
    return value


def _initiator(value: object) -> str:
    code = ALIASES.get(value, value) if isinstance(value, str) else value
    if code not in CODES:
        raise ValueError(f"must be one of {', '.join(CODES)} (or RMB for CNY)")
    return str(code)


def _key(value: object) -> str:
    if not isinstance(value, str) or not 1 <= len(value) <= KEY_CHARACTERS_MAX:
        raise ValueError(f"must be a string of 1 to {KEY_CHARACTERS_MAX} characters")
    if not all("!" <= character <= "~" for character in value):
        raise ValueError("must be visible ASCII characters without spaces")
    return value


def _lines(value: object, problems: list[Problem]) -> tuple[Line, ...]:
    if not isinstance(value, list) or not 1 <= len(value) <= LINES_MAX:
        raise ValueError(f"must be a list of 1 to {LINES_MAX} lines")
    return tuple(_line(line, f"/items/{index}", problems) for index, line in enumerate(value))


def _line(value: object, pointer: str, problems: list[Problem]) -> Line:
    if not isinstance(value, dict):
        problems.append(Problem(pointer, 'must be an object {"id": .., "number": ..}'))
        return Line(0, 0)
    problems.extend(_unknown_fields(value, _LINE_FIELDS, pointer))
    read = _Reader(value, pointer, problems)
    return Line(read.integer("id", 1, COMMODITY_ID_MAX), read.integer("number", 1, NUMBER_MAX))


def _unknown_fields(fields: dict[str, Any], known: tuple[str, ...], pointer: str) -> list[Problem]:
    detail = f"unknown field; known are {', '.join(known)}"
    return [Problem(f"{pointer}/{_escape(name)}", detail) for name in fields if name not in known]


def _escape(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
