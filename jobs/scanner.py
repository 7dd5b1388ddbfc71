"""A scanner of the canonical order text over raw bytes, 0.2 us an order.

It takes exactly what `settlement.order.encode_order` writes and nothing else; what it leaves goes to the strict
decoder, which alone defines what is valid. A differential test holds the two together.
"""

from typing import Final

import numpy as np
from numba import njit

from settlement.currency import CODES
from settlement.order import COMMODITY_ID_MAX, KEY_CHARACTERS_MAX, LINES_MAX, NUMBER_MAX, TIME_MS_MAX
from settlement.stock import Bytes, Ints

LINE_BYTES_MIN: Final = len('{"id":1,"number":1}')

_DIGITS_MAX: Final = 18  # always fits 64 bits; a longer number is left to the strict decoder


def _literal(text: str) -> Bytes:
    return np.frombuffer(text.encode(), np.uint8)


_USER: Final = _literal('{"user_id":')
_INITIATOR: Final = _literal(',"initiator":"')
_TIME: Final = _literal('","time":')
_ITEMS: Final = _literal(',"items":[')
_LINE: Final = _literal('{"id":')
_NUMBER: Final = _literal(',"number":')
_KEY: Final = _literal(',"idempotency_key":"')
_CODES: Final = np.array([list(code.encode()) for code in CODES], np.uint8)
_QUOTE, _BACKSLASH, _COMMA, _ZERO, _NINE = (ord(character) for character in '"\\,09')
_CLOSE_BRACE, _CLOSE_BRACKET, _FIRST_VISIBLE, _LAST_VISIBLE = (ord(character) for character in "}]!~")


@njit(cache=True)
def scan(
    data: Bytes,
    bounds: Ints,
    user_ids: Ints,
    initiators: Bytes,
    line_starts: Ints,
    line_counts: Ints,
    commodity_ids: Ints,
    numbers: Ints,
    key_starts: Ints,
    key_lengths: Ints,
) -> int:
    """Scan every message and return how many lines were written.

    Args:
        data: all messages, one after the other.
        bounds: where each message starts, and where the last one ends (n + 1).
        user_ids: written, per message.
        initiators: written, per message.
        line_starts: written, per message.
        line_counts: written, per message; 0 must stand there before, and stays where the strict decoder is needed.
        commodity_ids: written, per line; has room for `len(data) // LINE_BYTES_MIN + 1`.
        numbers: written, per line, with the same room.
        key_starts: where in `data` a message's idempotency key lies.
        key_lengths: how long it is; 0 where there is none.
    """
    written = 0
    for message in range(len(bounds) - 1):
        end = bounds[message + 1]
        line_starts[message] = written
        at, user_ids[message] = _field(data, bounds[message], end, _USER)
        at, initiators[message] = _code(data, at, end)
        at, time = _field(data, at, end, _TIME)
        if time > TIME_MS_MAX:
            continue
        at, count = _lines(data, at, end, commodity_ids, numbers, written)
        at, key_starts[message], key_lengths[message] = _key(data, at, end)
        if at >= 0 and at == end - 1 and data[at] == _CLOSE_BRACE:
            line_counts[message] = count
            written += count
        else:
            key_lengths[message] = 0
    return written


@njit(cache=True)
def _match(data: Bytes, at: int, end: int, literal: Bytes) -> int:
    """Return the place behind the literal, or -1 if it is not there (or `at` is -1 already)."""
    if at < 0 or at + len(literal) > end:
        return -1
    for index in range(len(literal)):
        if data[at + index] != literal[index]:
            return -1
    return at + len(literal)


@njit(cache=True)
def _field(data: Bytes, at: int, end: int, literal: Bytes) -> tuple[int, int]:
    """Read a literal and the number behind it."""
    start = at = _match(data, at, end, literal)
    if at < 0:
        return -1, 0
    value = 0
    while at < end and _ZERO <= data[at] <= _NINE and at - start <= _DIGITS_MAX:
        value = value * 10 + int(data[at]) - _ZERO
        at += 1
    digits = at - start
    if digits == 0 or digits > _DIGITS_MAX or (digits > 1 and data[start] == _ZERO):
        return -1, 0
    return at, value


@njit(cache=True)
def _code(data: Bytes, at: int, end: int) -> tuple[int, int]:
    """Read the initiator's currency."""
    at = _match(data, at, end, _INITIATOR)
    for code in range(len(_CODES)):
        behind = _match(data, at, end, _CODES[code])
        if behind >= 0:
            return behind, code
    return -1, 0


@njit(cache=True)
def _lines(data: Bytes, at: int, end: int, commodity_ids: Ints, numbers: Ints, written: int) -> tuple[int, int]:
    """Read the lines and the bracket behind them; return how many."""
    at = _match(data, at, end, _ITEMS)
    count = 0
    while at >= 0 and count < LINES_MAX:
        at, commodity_id = _field(data, at, end, _LINE)
        at, number = _field(data, at, end, _NUMBER)
        if at < 0 or at + 1 >= end or data[at] != _CLOSE_BRACE:
            return -1, 0
        if not (1 <= commodity_id <= COMMODITY_ID_MAX and 1 <= number <= NUMBER_MAX):
            return -1, 0
        commodity_ids[written + count] = commodity_id
        numbers[written + count] = number
        count += 1
        at += 1
        if data[at] == _CLOSE_BRACKET:
            return at + 1, count
        if data[at] != _COMMA:
            return -1, 0
        at += 1
    return -1, 0


@njit(cache=True)
def _key(data: Bytes, at: int, end: int) -> tuple[int, int, int]:
    """Read the idempotency key if there is one; return the place behind it, its start and its length."""
    if at < 0 or at >= end or data[at] != _COMMA:
        return at, 0, 0
    start = at = _match(data, at, end, _KEY)
    while 0 <= at < end and data[at] != _QUOTE:
        if data[at] == _BACKSLASH or not _FIRST_VISIBLE <= data[at] <= _LAST_VISIBLE:
            return -1, 0, 0
        at += 1
    if at < 0 or at >= end or not 1 <= at - start <= KEY_CHARACTERS_MAX:
        return -1, 0, 0
    return at + 1, start, at - start
