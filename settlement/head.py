"""The head of the ledger: the single row that guards every batch, and how far the log is settled."""

from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import Connection, Engine, TextClause, text


class FencedError(Exception):
    """A newer holder of the lock has taken over; this process must leave."""


class ForeignTopicError(Exception):
    """The topic is not the one that this ledger has settled from; a human must look."""


@dataclass(frozen=True)
class Head:
    """The single row that every batch advances."""

    batch: int
    fencing_token: int
    catalogue_version: int
    orders: int
    amount_cny: Decimal


def read_head(connection: Connection) -> Head:
    """Return the head row."""
    return _ask_head(connection, text("SELECT * FROM head"))


def read_positions(connection: Connection) -> dict[int, int]:
    """Return the first unsettled offset of each partition that was ever settled from."""
    rows = connection.execute(text("SELECT partition_id, next_offset FROM log_position"))
    return {row.partition_id: row.next_offset for row in rows}


def claim(engine: Engine, token: int, topic_id: str) -> None:
    """Write a new holder's fencing token, and bind the ledger to its topic at the first time.

    Raises:
        FencedError: the ledger has seen a newer token.
        ForeignTopicError: the ledger belongs to another topic, or to this one before it was recreated.
    """
    with engine.begin() as connection:
        head = connection.execute(text("SELECT fencing_token, topic_id FROM head FOR UPDATE")).one()
        if head.fencing_token > token:
            raise FencedError(
                f"the ledger has seen fencing token {head.fencing_token}, newer than ours ({token}). If ZooKeeper was"
                " set up anew, its tokens start again: stop every driver, then set head.fencing_token to 0 by hand"
            )
        if head.topic_id not in (None, topic_id):
            raise ForeignTopicError(
                f"the ledger was settled from the topic with id {head.topic_id}, this one has {topic_id}: the topic was"
                " recreated or the settings name another one. Point KIWI_TOPIC to the old one, or start a new ledger"
            )
        connection.execute(
            text("UPDATE head SET fencing_token = :token, topic_id = :topic_id"), {"token": token, "topic_id": topic_id}
        )


def lock_head(connection: Connection, token: int) -> Head:
    """Return the head row and keep every other writer out until the connection's transaction ends.

    Raises:
        FencedError: another holder has taken over.
    """
    head = _ask_head(connection, text("SELECT * FROM head FOR UPDATE"))
    require_token(head, token)
    return head


def require_token(head: Head, token: int) -> None:
    """Raise `FencedError` if another holder has taken over."""
    if head.fencing_token != token:
        raise FencedError(f"fencing token {token} was superseded by {head.fencing_token}: another driver settles now")


def _ask_head(connection: Connection, query: TextClause) -> Head:
    row = connection.execute(query).one()
    return Head(row.batch, row.fencing_token, row.catalogue_version, row.orders, row.amount_cny)
