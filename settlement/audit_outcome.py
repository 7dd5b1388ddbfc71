"""What the last audit found, as a znode that the live page reads."""

import msgspec
from kazoo.client import KazooClient

from settlement.zookeeper import AUDIT_PATH, read_json, write_json


class AuditOutcome(msgspec.Struct, frozen=True):
    """The last audit in four numbers.

    Attributes:
        at_ms: when it ended, epoch milliseconds.
        orders: how many orders it recomputed.
        batches: how many batches the ledger had.
        differences: 0 when the ledger is right.
    """

    at_ms: int
    orders: int
    batches: int
    differences: int


def publish_outcome(client: KazooClient, outcome: AuditOutcome) -> None:
    """Write an outcome over the last one; raises `kazoo.exceptions.KazooException` when ZooKeeper is away."""
    write_json(client, AUDIT_PATH, outcome)


def read_outcome(client: KazooClient) -> AuditOutcome | None:
    """Return the last published outcome, or None if no audit has ever published one.

    Raises:
        kazoo.exceptions.KazooException: ZooKeeper is away.
    """
    return read_json(client, AUDIT_PATH, AuditOutcome)
