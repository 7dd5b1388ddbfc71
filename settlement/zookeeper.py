"""The ZooKeeper tree of the original system, and how to reach it."""

from typing import Final

from kazoo.client import KazooClient

RATES_PATH: Final = "/kiwi"
RATES_META_PATH: Final = "/kiwi/rates"
TOTAL_PATH: Final = "/kiwi/txAmount"
STATUS_PATH: Final = "/kiwi/settlement"
AUDIT_PATH: Final = "/kiwi/audit"
LOCK_PATH: Final = "/lock"

_CONNECT_SECONDS: Final = 15


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
