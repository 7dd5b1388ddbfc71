"""The id of an order is its place in Kafka's log: `offset << 12 | partition`."""

from typing import Final, NamedTuple

PARTITION_BITS: Final = 12
PARTITIONS_MAX: Final = 1 << PARTITION_BITS
PARTITION_MASK: Final = PARTITIONS_MAX - 1
ID_MAX: Final = 2**63 - 1


class Place(NamedTuple):
    """Where an order stands in the log."""

    partition: int
    offset: int


def order_id(partition: int, offset: int) -> int:
    """Return the id of the order at this place; it fits a signed BIGINT below offset 2^51."""
    return offset << PARTITION_BITS | partition


def place_of(order: int) -> Place:
    """Return the place that an id names."""
    return Place(order & PARTITION_MASK, order >> PARTITION_BITS)
