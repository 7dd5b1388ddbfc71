"""How far settlement is, by what the ledger and the log say."""

import msgspec
from kafka.errors import KafkaError
from sqlalchemy.exc import SQLAlchemyError

from local.connections import Connections
from local.service import NotReadyError
from settlement.database import create_database_engine
from settlement.head import read_head, read_positions
from settlement.kafka_log import read_log_bounds
from settlement.topic import TopicUnfitError


class Progress(msgspec.Struct, frozen=True):
    """How far settlement is.

    Attributes:
        batch: the last one committed.
        waiting: orders in the log that are not settled.
    """

    batch: int
    waiting: int

    @classmethod
    def of(cls, connections: Connections) -> "Progress":
        """Read it from the ledger and from Kafka.

        Raises:
            NotReadyError: one of them is away.
        """
        settings = connections.settings("read")
        engine = create_database_engine(settings.database_url.get_secret_value(), pool_size=1)
        try:
            with engine.connect() as connection:
                head, positions = read_head(connection), read_positions(connection)
            bounds = read_log_bounds(settings)
        except (SQLAlchemyError, KafkaError, TopicUnfitError) as error:
            raise NotReadyError(
                f"neither lag nor batches can be read: {getattr(error, 'orig', None) or error}"
            ) from error
        finally:
            engine.dispose()
        waiting = sum(end - positions.get(partition, first) for partition, (first, end) in bounds.items())
        return cls(head.batch, waiting)
