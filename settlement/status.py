"""What settlement is doing, as a znode that pages and readiness read."""

from typing import Literal

import msgspec
from kazoo.client import KazooClient

from settlement.zookeeper import STATUS_PATH, read_json, write_json

State = Literal["settling", "holding", "halted"]


class Status(msgspec.Struct, frozen=True):
    """One heartbeat of the driver that holds the lock.

    Attributes:
        state: `holding` waits for rates, `halted` waits for a human; both say why in `detail`.
        holder: host and process of the driver.
        batch: the last batch that it committed.
        detail: the reason, or empty.
        at_ms: when this was written, epoch milliseconds.
    """

    state: State
    holder: str
    batch: int
    detail: str
    at_ms: int


def write_status(client: KazooClient, status: Status) -> None:
    """Write a heartbeat; raises `kazoo.exceptions.KazooException` when ZooKeeper is away."""
    write_json(client, STATUS_PATH, status)


def read_status(client: KazooClient) -> Status | None:
    """Return the last heartbeat, or None if no driver has ever written one.

    Raises:
        kazoo.exceptions.KazooException: ZooKeeper is away.
    """
    return read_json(client, STATUS_PATH, Status)
