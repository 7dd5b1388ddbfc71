"""Kafka: its brokers, and the properties of the orders' topic on which settlement stands."""

from collections.abc import Iterator
from typing import Final

from kafka import KafkaAdminClient
from kafka.errors import KafkaError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from settlement.database import create_database_engine
from settlement.provision.finding import Finding, require
from settlement.settings import Settings
from settlement.topic import TopicInfo, TopicUnfitError, describe_topic

_REQUEST_MS: Final = 10_000


def check_kafka(settings: Settings) -> Iterator[Finding]:
    """Yield what is found of the brokers, of the topic, and of the ledger's memory of it."""
    try:
        brokers = _brokers(settings)
    except KafkaError as error:
        remedy = f"No broker answers at KIWI_KAFKA_BOOTSTRAP={settings.kafka_bootstrap}: start it, look into its log"
        yield Finding("brokers", f"{type(error).__name__} {error}", remedy)
        return
    wanted = settings.topic_replication
    remedy = f"KIWI_TOPIC_REPLICATION asks for {wanted}: start the others"
    yield require("brokers", f"{len(brokers)} ({', '.join(brokers)})", len(brokers) >= wanted, remedy)
    try:
        topic = describe_topic(settings)
    except TopicUnfitError as error:
        yield Finding("topic", str(error), "Settlement may not run before that is mended")
        return
    except KafkaError as error:
        yield Finding("topic", f"{type(error).__name__} {error}", "Look into the brokers' logs")
        return
    yield Finding("topic", f"{settings.topic}, LogAppendTime, never expires or compacts")
    yield _partitions(settings, topic)
    yield _identity(settings, topic)


def _brokers(settings: Settings) -> list[str]:
    admin = KafkaAdminClient(
        bootstrap_servers=settings.kafka_bootstrap.split(","),
        bootstrap_timeout_ms=_REQUEST_MS,
        request_timeout_ms=_REQUEST_MS,
    )
    try:
        return [f"{broker['host']}:{broker['port']}" for broker in admin.describe_cluster()["brokers"]]
    finally:
        admin.close()


def _partitions(settings: Settings, topic: TopicInfo) -> Finding:
    remedy = f"KIWI_TOPIC_PARTITIONS asks for {settings.topic_partitions}: add the others with kafka-topics.sh --alter"
    return require("partitions", topic.partitions, topic.partitions >= settings.topic_partitions, remedy)


def _identity(settings: Settings, topic: TopicInfo) -> Finding:
    """Compare the topic's id with the one that the ledger was settled from."""
    engine = create_database_engine(settings.database_url.get_secret_value(), pool_size=1)
    try:
        with engine.connect() as connection:
            bound = connection.execute(text("SELECT topic_id FROM head")).scalar_one()
    except SQLAlchemyError as error:
        seen = f"the ledger does not tell which topic it was settled from ({getattr(error, 'orig', None) or error})"
        return Finding("topic id", seen, "See the database's own check")
    finally:
        engine.dispose()
    if bound is None:
        return Finding("topic id", f"{topic.topic_id}; the ledger is new and bound to none yet")
    remedy = (
        f"The ledger was settled from the topic with id {bound}: this one was recreated, or the settings name another."
        " Point KIWI_TOPIC to the old one, or start a new ledger"
    )
    return require("topic id", topic.topic_id, bound == topic.topic_id, remedy)
