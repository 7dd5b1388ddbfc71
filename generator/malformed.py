"""Malformed orders of many kinds: for the API, which must reject them, and for the topic, past the API."""

from typing import Final

from settlement.order import BYTES_MAX

REJECTED: Final = {
    "cut off": b'{"user_id":1,"initiator":"CNY","time":1,"items":[{"id":1,"num',
    "no JSON": b"user_id=1&initiator=CNY",
    "no object": b'"an order"',
    "no user": b'{"initiator":"CNY","time":1,"items":[{"id":1,"number":1}]}',
    "no items": b'{"user_id":1,"initiator":"CNY","time":1,"items":[]}',
    "unknown currency": b'{"user_id":1,"initiator":"JYP","time":1,"items":[{"id":1,"number":1}]}',
    "unknown field": b'{"user_id":1,"initiator":"CNY","time":1,"items":[{"id":1,"number":1}],"paid":0}',
    "negative number": b'{"user_id":1,"initiator":"CNY","time":1,"items":[{"id":1,"number":-5}]}',
    "number zero": b'{"user_id":1,"initiator":"CNY","time":1,"items":[{"id":1,"number":0}]}',
    "fraction": b'{"user_id":1,"initiator":"CNY","time":1,"items":[{"id":1,"number":1.5}]}',
    "number of letters": b'{"user_id":1,"initiator":"CNY","time":1,"items":[{"id":1,"number":"five"}]}',
    "huge number": b'{"user_id":1,"initiator":"CNY","time":1,"items":[{"id":1,"number":99999999999999999999}]}',
    "negative user": b'{"user_id":-1,"initiator":"CNY","time":1,"items":[{"id":1,"number":1}]}',
    "nested beyond reason": b"[" * 2_000,
}
"""Bodies that `POST /` and a line of `POST /orders` must answer with 400 or 422; none holds a line break."""

POISON: Final[dict[str, bytes | None]] = {
    **REJECTED,
    "no value": None,
    "empty": b"",
    "no text": b"\xff\xfe\x00\x01",
    "too long": b'{"user_id":1,"initiator":"' + b"X" * BYTES_MAX + b'"}',
}
"""Values of Kafka messages that settlement must record as malformed and put aside."""
