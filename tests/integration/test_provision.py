"""The checks of what the system stands on, and the watch, against real servers that are as they must be or not."""

import time
from collections.abc import Iterable

import pytest
from kafka import KafkaProducer
from kazoo.client import KazooClient
from pydantic import SecretStr
from sqlalchemy import Engine, text

from settlement.database import create_database_engine
from settlement.migrate import migrate, pending_migrations
from settlement.provision.database import check_database
from settlement.provision.finding import Finding
from settlement.provision.kafka import check_kafka
from settlement.provision.zookeeper import check_zookeeper
from settlement.roles import Role, grant_role, missing_rights
from settlement.settings import Settings
from settlement.status import State, Status, write_status
from settlement.watch import StandstillError, observe, require_progress
from tests.servers import TestServers

NOWHERE = "127.0.0.1:1"


def failed(findings: Iterable[Finding]) -> list[str]:
    """Return what is not as it must be."""
    return [finding.what for finding in findings if not finding.good]


def test_a_good_stack_passes(app_settings: Settings) -> None:
    """Nothing is found on servers that are as they must be."""
    assert failed(check_zookeeper(app_settings)) == []
    assert failed(check_kafka(app_settings)) == []
    assert failed(check_database(app_settings, "owner")) == []


def test_servers_that_are_away_are_named(app_settings: Settings) -> None:
    """Each check tells that its server does not answer, with what to do."""
    gone = app_settings.model_copy(
        update={
            "kafka_bootstrap": NOWHERE,
            "zookeeper_hosts": NOWHERE,
            "database_url": SecretStr(f"mysql+pymysql://kiwi@{NOWHERE}/kiwi"),
        }
    )
    assert failed(check_zookeeper(gone)) == ["quorum", "session"]
    assert failed(check_kafka(gone)) == ["brokers"]
    assert failed(check_database(gone, "read")) == ["connection"]


def test_a_zookeeper_path_that_lacks_is_named(app_settings: Settings) -> None:
    """The chroot of the settings must be there."""
    lacking = app_settings.model_copy(update={"zookeeper_hosts": f"{app_settings.zookeeper_hosts}/nowhere"})
    assert failed(check_zookeeper(lacking)) == ["tree"]


def test_another_topic_than_the_ledgers_is_named(app_settings: Settings, engine: Engine) -> None:
    """A recreated topic has another id; too few partitions and a missing topic are told too."""
    with engine.begin() as connection:
        connection.execute(text("UPDATE head SET topic_id = 'another'"))
    assert failed(check_kafka(app_settings)) == ["topic id"]
    assert failed(check_kafka(app_settings.model_copy(update={"topic_partitions": 5}))) == ["partitions", "topic id"]
    assert failed(check_kafka(app_settings.model_copy(update={"topic": "lacking"}))) == ["topic"]


def test_migrations_that_lack_are_named(servers: TestServers, app_settings: Settings, unique_name: str) -> None:
    """A new database lacks all of them, a migrated one none."""
    admin = create_database_engine(servers.admin_url, pool_size=1)
    name = f"{unique_name}_new"
    with admin.begin() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    fresh = create_database_engine(servers.admin_url.set(database=name), pool_size=2)
    url = SecretStr(fresh.url.render_as_string(hide_password=False))
    try:
        assert failed(check_database(app_settings.model_copy(update={"database_url": url}), "owner")) == ["migrations"]
        assert pending_migrations(fresh)[0].startswith("0001: ")
        migrate(fresh)
        assert pending_migrations(fresh) == []
    finally:
        fresh.dispose()
        with admin.begin() as connection:
            connection.execute(text(f"DROP DATABASE {name}"))
        admin.dispose()


def test_rights_that_lack_are_named(servers: TestServers, engine: Engine, unique_name: str) -> None:
    """A user has his own role's rights, and lacks those of a greater one."""
    admin = create_database_engine(servers.admin_url, pool_size=1)
    user = f"u_{unique_name[-12:]}"
    ranks: tuple[tuple[Role, Role], ...] = (("read", "catalogue"), ("catalogue", "settle"), ("settle", "owner"))
    try:
        for role, greater in ranks:
            grant_role(admin, unique_name, role, f"{user}_{role}", "password")
            own = create_database_engine(engine.url.set(username=f"{user}_{role}", password="password"), pool_size=1)  # noqa: S106
            with own.connect() as connection:
                assert missing_rights(connection, role) == []
                assert missing_rights(connection, "read") == []
                assert missing_rights(connection, greater)
            own.dispose()
    finally:
        with admin.begin() as connection:
            for role, _ in ranks:
                connection.execute(text(f"DROP USER IF EXISTS {user}_{role}@'%'"))
        admin.dispose()


@pytest.mark.parametrize(
    ("state", "age_seconds", "orders", "message"),
    [
        ("settling", 60, 0, "silent"),
        ("holding", 0, 0, "refresh_fx"),
        ("halted", 60, 0, "A human must act"),
        ("settling", 0, 1, "has not moved"),
        ("settling", 0, 0, None),
    ],
)
def test_the_watch_says_why_settlement_stands(
    app_settings: Settings,
    zookeeper: KazooClient,
    engine: Engine,
    state: State,
    age_seconds: float,
    orders: int,
    message: str | None,
) -> None:
    """Silent, holding, halted and idle in front of orders are told apart; idle without orders is well."""
    write_status(zookeeper, Status(state, "here", 0, "", time.time_ns() // 1_000_000 - round(age_seconds * 1000)))
    producer = KafkaProducer(bootstrap_servers=app_settings.kafka_bootstrap)
    for _ in range(orders):
        producer.send(app_settings.topic, b"{}").get(timeout=10)
    producer.close()

    def look() -> str:
        seen = require_progress(
            lambda: observe(zookeeper, engine, app_settings), heartbeat_age_seconds_max=15, wait_seconds=1
        )
        return str(seen)

    if message is None:
        assert "lag 0 orders" in look()
    else:
        with pytest.raises(StandstillError, match=message):
            look()
