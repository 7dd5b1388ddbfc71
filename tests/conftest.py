"""Fixtures on real servers; each test gets a database, topics and a ZooKeeper tree of its own."""

import secrets
import signal
from collections.abc import Iterator

import pytest
from kazoo.client import KazooClient
from pydantic import SecretStr
from sqlalchemy import Engine, text

from settlement.database import create_database_engine
from settlement.migrate import migrate
from settlement.settings import Settings
from settlement.topic import ensure_topics
from settlement.zookeeper import connect_zookeeper
from tests.servers import TestServers, running_servers


def pytest_configure() -> None:
    """Have a TERM end the run as Ctrl-C does, through the fixtures' own ends; a KILL is seen by the servers' leash."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


@pytest.fixture(scope="session")
def servers() -> Iterator[TestServers]:
    """ZooKeeper, Kafka and a database, started once for the run."""
    with running_servers() as started:
        yield started


@pytest.fixture
def unique_name() -> str:
    """A name that no other test has."""
    return f"test_{secrets.token_hex(6)}"


@pytest.fixture
def engine(servers: TestServers, unique_name: str) -> Iterator[Engine]:
    """A fresh, migrated database, with all rights."""
    admin = create_database_engine(servers.admin_url, pool_size=1)
    with admin.begin() as connection:
        connection.execute(text(f"CREATE DATABASE {unique_name}"))
    fresh = create_database_engine(servers.admin_url.set(database=unique_name), pool_size=8)
    migrate(fresh)
    yield fresh
    fresh.dispose()
    with admin.begin() as connection:
        connection.execute(text(f"DROP DATABASE {unique_name}"))
    admin.dispose()


@pytest.fixture
def app_settings(servers: TestServers, engine: Engine, unique_name: str) -> Settings:
    """Settings that lead to the fresh database, fresh topics of two partitions, and a fresh ZooKeeper tree."""
    root = connect_zookeeper(servers.zookeeper_hosts)
    root.ensure_path(f"/{unique_name}")
    root.stop()
    root.close()
    settings = Settings(
        kafka_bootstrap=servers.kafka_bootstrap,
        zookeeper_hosts=f"{servers.zookeeper_hosts}/{unique_name}",
        database_url=SecretStr(engine.url.render_as_string(hide_password=False)),
        topic=unique_name,
        dead_letter_topic=f"{unique_name}.dead",
        topic_partitions=2,
    )
    ensure_topics(settings)
    return settings


@pytest.fixture
def zookeeper(app_settings: Settings) -> Iterator[KazooClient]:
    """A client on the fresh ZooKeeper tree."""
    client = connect_zookeeper(app_settings.zookeeper_hosts)
    yield client
    client.stop()
    client.close()
