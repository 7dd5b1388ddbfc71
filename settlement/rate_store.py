"""Rates in ZooKeeper: four znodes and their origin, written in one transaction, read as one snapshot."""

from collections.abc import Mapping
from typing import Final

import msgspec
from kazoo.client import KazooClient
from kazoo.exceptions import KazooException, NoNodeError, RolledBackError
from kazoo.protocol.states import ZnodeStat

from settlement.currency import CODES, Currency
from settlement.rates import RatesUnavailableError, Snapshot, format_rate, parse_rate
from settlement.zookeeper import RATES_META_PATH, RATES_PATH

_PATHS: Final = tuple(f"{RATES_PATH}/{code}" for code in CODES)
_READ_TRIES: Final = 5
_READ_SECONDS: Final = 5


class _Origin(msgspec.Struct):
    """What stands beside the four bare numbers: when each was true, and where they came from."""

    as_of_ms: dict[str, int]
    source: str


def read_snapshot(client: KazooClient, *, age_seconds_max: float, now_ms: int) -> Snapshot:
    """Return the four rates as one consistent snapshot that is young enough to price orders.

    Equal `mzxid` on all nodes proves that one transaction wrote them. A read that falls between two refreshes is
    repeated; nodes that stay torn were written one by one.

    Raises:
        RatesUnavailableError: missing, unreadable, torn, out of range or too old; the message says which.
    """
    for _ in range(_READ_TRIES):
        nodes = _read_nodes(client)
        if len({stat.mzxid for _, stat in nodes}) == 1:
            snapshot = _parse(nodes)
            snapshot.check_age(age_seconds_max, now_ms)
            return snapshot
    raise RatesUnavailableError("the rates were not written together (their mzxid differ); refresh them in one go")


def write_rates(client: KazooClient, rates: Mapping[Currency, tuple[int, int]], source: str) -> None:
    """Write a refresh in one transaction; a currency that it lacks keeps its old rate and age.

    Args:
        client: a started client.
        rates: per currency the rate in millionths and the epoch milliseconds at which it was true.
        source: where they came from.

    Raises:
        RatesUnavailableError: a currency is lacking and has no old rate either.
        kazoo.exceptions.KazooException: ZooKeeper refused or is away; nothing was written.
    """
    merged = dict(rates)
    if len(merged) < len(Currency):
        old = read_snapshot(client, age_seconds_max=float("inf"), now_ms=0)
        for currency in Currency:
            merged.setdefault(currency, (old.rates[currency], old.as_of_ms[currency]))
    origin = _Origin({currency.name: merged[currency][1] for currency in Currency}, source)
    values = {path: format_rate(merged[currency][0]).encode() for path, currency in zip(_PATHS, Currency, strict=True)}
    values[RATES_META_PATH] = msgspec.json.encode(origin)
    for path in values:
        client.ensure_path(path)
    transaction = client.transaction()
    for path, value in values.items():
        transaction.set_data(path, value)
    for outcome in transaction.commit():
        if isinstance(outcome, Exception) and not isinstance(outcome, RolledBackError):
            raise outcome


def _read_nodes(client: KazooClient) -> list[tuple[bytes, ZnodeStat]]:
    try:
        pending = [client.get_async(path) for path in (*_PATHS, RATES_META_PATH)]
        return [answer.get(timeout=_READ_SECONDS) for answer in pending]
    except NoNodeError as error:
        raise RatesUnavailableError(
            "a rate is missing in ZooKeeper; run `python -m settlement rates refresh`"
        ) from error
    except (KazooException, client.handler.timeout_exception) as error:
        raise RatesUnavailableError(f"ZooKeeper does not answer: {type(error).__name__}") from error


def _parse(nodes: list[tuple[bytes, ZnodeStat]]) -> Snapshot:
    *values, (meta, stat) = nodes
    try:
        rates = tuple(parse_rate(value.decode("ascii")) for value, _ in values)
        origin = msgspec.json.decode(meta, type=_Origin)
        as_of_ms = tuple(origin.as_of_ms[code] for code in CODES)
    except (ValueError, KeyError, msgspec.MsgspecError) as error:
        raise RatesUnavailableError(f"the rates are unreadable: {error!s:.200}; refresh them") from error
    return Snapshot(rates, stat.mzxid, as_of_ms, origin.source)
