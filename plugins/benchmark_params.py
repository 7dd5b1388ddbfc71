"""The form of a benchmark: one field for each option of `python -m generator run`."""

from typing import Final

from airflow.sdk import Param

_LOAD: Final = "Run Parameters"  # the section that Airflow's form shows open
_ORDERS: Final = "Orders"
_FAULTS: Final = "Faults on purpose"
_CODES: Final = ["CNY", "USD", "JPY", "EUR"]


def _whole(section: str, default: int, lowest: int, highest: int, text: str) -> Param:
    return Param(default, type="integer", minimum=lowest, maximum=highest, section=section, description=text)


def _number(section: str, default: float, text: str, highest: float | None = None) -> Param:
    if highest is None:
        return Param(default, type="number", minimum=0, section=section, description=text)
    return Param(default, type="number", minimum=0, maximum=highest, section=section, description=text)


PARAMS: Final = {
    "orders": _whole(_LOAD, 20_000, 1, 100_000_000, "How many orders."),
    "seconds": Param(
        None, type=["null", "number"], exclusiveMinimum=0, section=_LOAD, description="How long, instead of how many."
    ),
    "rate": _number(_LOAD, 1_000, "Orders per second, all processes together; 0 = as fast as possible."),
    "processes": _whole(_LOAD, 2, 1, 64, "Sending processes."),
    "concurrency": _whole(_LOAD, 64, 1, 4096, "Requests in flight per process."),
    "bulk": _whole(_LOAD, 0, 0, 100_000, "Orders a request to /orders; 0 = one to /."),
    "retry_seconds_max": _number(_LOAD, 30, "How long an order is tried again where that is safe."),
    "drain_seconds_max": _number(_LOAD, 300, "How long to wait until all is settled."),
    "max_item": _whole(_ORDERS, 5, 1, 99, "Most distinct commodities in an order."),
    "max_purchase": _whole(_ORDERS, 5, 1, 1_000_000, "Most units of one commodity."),
    "users": _whole(_ORDERS, 10_000, 1, 10_000_000, "User ids 1 to so many."),
    "user_skew": _number(_ORDERS, 0, "Zipf exponent of users; 0 = uniform.", 5),
    "commodities": _whole(_ORDERS, 0, 0, 10_000_000, "Commodity ids 1 to so many; 0 = those of the catalogue."),
    "commodity_skew": _number(_ORDERS, 0, "Zipf exponent of commodities; 0 = uniform.", 5),
    "currencies": Param(
        _CODES,
        type="array",
        items={"type": "string", "enum": _CODES},
        examples=_CODES,
        minItems=1,
        section=_ORDERS,
        description="Of the payers.",
    ),
    "seed": _whole(_ORDERS, 1, 0, 2**31 - 1, "The same seed and options give the same orders."),
    "key_share": _number(_ORDERS, 0, "Share of orders with an idempotency key.", 1),
    "bad_share": _number(_FAULTS, 0, "Share of malformed orders, which the API must reject.", 1),
    "repeat_share": _number(_FAULTS, 0, "Share that repeats an earlier order under its key.", 1),
    "unknown_share": _number(_FAULTS, 0, "Share with a commodity that does not exist.", 1),
    "poison_share": _number(_FAULTS, 0, "Share of malformed messages put straight into Kafka.", 1),
}

_SPECIAL: Final = {
    "orders": "{{ '' if params.seconds else '--orders=%d' % params.orders }}",
    "seconds": "{{ '--seconds=%s' % params.seconds if params.seconds else '' }}",
    "currencies": "--currencies={{ params.currencies | join(',') }}",
}

ARGUMENTS: Final = tuple(_SPECIAL.get(name, f"--{name.replace('_', '-')}={{{{ params.{name} }}}}") for name in PARAMS)
"""The command line that the form stands for."""
