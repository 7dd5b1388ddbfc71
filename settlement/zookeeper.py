"""The ZooKeeper tree of the original system, and how to reach it."""

from typing import Final, TypeVar

import msgspec
from kazoo.client import KazooClient
from kazoo.exceptions import NoNodeError

RATES_PATH: Final = "/kiwi"
RATES_META_PATH: Final = "/kiwi/rates"
TOTAL_PATH: Final = "/kiwi/txAmount"
STATUS_PATH: Final = "/kiwi/settlement"
AUDIT_PATH: Final = "/kiwi/audit"
LOCK_PATH: Final = "/lock"

_CONNECT_SECONDS: Final = 15

Value = TypeVar("Value", bound=msgspec.Struct)


def connect_zookeeper(
    hosts: str, *, session_seconds: float = 10, connect_seconds: float = _CONNECT_SECONDS
) -> KazooClient:
    """Return a started client; it reconnects by itself as long as it is not stopped.

    Args:
        hosts: `host:port`, comma-separated, with an optional chroot path.
        session_seconds: how long the servers keep ephemeral nodes of a client that fell silent.
        connect_seconds: how long to wait for the first connection.

    Raises:
        kazoo.handlers.threading.KazooTimeoutError: no server answered in time.
    """
    client = KazooClient(hosts=hosts, timeout=session_seconds)
    try:
        client.start(timeout=connect_seconds)
    except BaseException:
        client.stop()
        client.close()
        raise
    return client


def write_json(client: KazooClient, path: str, value: msgspec.Struct) -> None:
    """Write a value over what stands in a znode; raises `kazoo.exceptions.KazooException` when ZooKeeper is away."""
    client.ensure_path(path)
    client.set(path, msgspec.json.encode(value))


def read_json(client: KazooClient, path: str, kind: type[Value]) -> Value | None:
    """Return what stands in a znode, or None if nobody has ever written it.

    Raises:
        kazoo.exceptions.KazooException: ZooKeeper is away.
        msgspec.DecodeError: something else stands there.
    """
    try:
        data, _ = client.get(path)
    except NoNodeError:
        return None
    return msgspec.json.decode(data, type=kind) if data else None  # empty: its first writer has only created it
