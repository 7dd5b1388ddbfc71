"""The servers that `local` starts answer as the rest of the system expects."""

from kafka import KafkaProducer
from kazoo.client import KazooClient
from sqlalchemy import Engine, text

from settlement.settings import Settings
from settlement.zookeeper import connect_zookeeper


def test_zookeeper_grants_the_sessions_that_the_lock_asks_for(app_settings: Settings) -> None:
    """A session of two seconds is neither lengthened nor shortened."""
    client: KazooClient = connect_zookeeper(app_settings.zookeeper_hosts, session_seconds=2)
    try:
        assert client._session_timeout == 2_000
    finally:
        client.stop()
        client.close()


def test_kafka_stamps_each_message_with_its_own_clock(app_settings: Settings) -> None:
    """The broker's time replaces the producer's, for batches are ordered by it."""
    producer = KafkaProducer(bootstrap_servers=app_settings.kafka_bootstrap)
    try:
        sent = producer.send(app_settings.topic, b"{}", timestamp_ms=1).get(timeout=10)
    finally:
        producer.close()
    assert sent.offset == 0
    assert sent.timestamp > 1


def test_the_database_flushes_each_commit_and_takes_bulk_loads(engine: Engine) -> None:
    """What a commit promises survives a crash, and LOAD DATA LOCAL is permitted."""
    with engine.connect() as connection:
        flush = connection.execute(text("SELECT @@innodb_flush_log_at_trx_commit, @@local_infile")).one()
    assert tuple(flush) == (1, 1)
