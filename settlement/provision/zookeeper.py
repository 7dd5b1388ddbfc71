"""ZooKeeper: its quorum, and the tree that settlement keeps in it."""

import socket
from collections.abc import Iterator
from typing import Final

from kazoo.client import KazooClient
from kazoo.exceptions import KazooException, NoNodeError
from kazoo.handlers.threading import KazooTimeoutError

from settlement.provision.finding import Finding, require
from settlement.settings import Settings
from settlement.zookeeper import LOCK_PATH, RATES_PATH, connect_zookeeper

_SECONDS: Final = 5
_ANSWER_BYTES_MAX: Final = 4096
_SERVING: Final = ("leader", "follower", "observer", "standalone")


def check_zookeeper(settings: Settings) -> Iterator[Finding]:
    """Yield what is found of the servers, of writing, and of the tree."""
    servers, _, chroot = settings.zookeeper_hosts.partition("/")
    modes = {server: ask_mode(server.strip()) for server in servers.split(",")}
    yield _quorum(modes)
    try:
        client = connect_zookeeper(settings.zookeeper_hosts, connect_seconds=_SECONDS)
    except (KazooTimeoutError, KazooException) as error:
        yield Finding("session", type(error).__name__, f"No server of KIWI_ZOOKEEPER_HOSTS={servers} gives a session")
        return
    try:
        yield from _tree(client, chroot)
    finally:
        client.stop()
        client.close()


def ask_mode(server: str) -> str:
    """Return what a server says it is: leader, follower, standalone, or why it does not say."""
    host, _, port = server.rpartition(":")
    try:
        with socket.create_connection((host, int(port)), _SECONDS) as connection:
            connection.sendall(b"srvr")
            answer = b""
            while (more := connection.recv(_ANSWER_BYTES_MAX)) and len(answer) < _ANSWER_BYTES_MAX:
                answer += more
    except (OSError, ValueError) as error:
        return f"no answer ({error})"
    lines = answer.decode(errors="replace").splitlines()
    modes = [line.removeprefix("Mode: ") for line in lines if line.startswith("Mode: ")]
    return modes[0] if modes else "".join(lines[:1]) or "an empty answer"


def _quorum(modes: dict[str, str]) -> Finding:
    seen = ", ".join(f"{server} {mode}" for server, mode in modes.items())
    serving = sum(mode in _SERVING for mode in modes.values())
    leaders = sum(mode in ("leader", "standalone") for mode in modes.values())
    remedy = "Start the servers that do not serve; more than half of them must"
    return require("quorum", seen, leaders == 1 and 2 * serving > len(modes), remedy)


def _tree(client: KazooClient, chroot: str) -> Iterator[Finding]:
    try:
        probe = client.create("/provision-check-", ephemeral=True, sequence=True)
        client.delete(probe)
    except NoNodeError:
        yield Finding("tree", f"the path /{chroot} is not there", "Create it, or mend KIWI_ZOOKEEPER_HOSTS")
        return
    except KazooException as error:
        yield Finding("writing", type(error).__name__, "The servers have no quorum, or the tree's rights refuse us")
        return
    yield Finding("writing", "a node was created and deleted")
    try:
        found = {path: client.exists(path) is not None for path in (RATES_PATH, LOCK_PATH)}
    except KazooException as error:
        yield Finding("tree", type(error).__name__, "The connection was lost; try again")
        return
    yield Finding("tree", ", ".join(f"{path} {'is there' if there else 'not yet'}" for path, there in found.items()))
