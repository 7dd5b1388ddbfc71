"""What must exist before orders can be settled: the topic, the schema, the users, something to sell."""

from sqlalchemy import text

from local.connections import ROLES, Connections
from settlement.catalogue import SAMPLE, seed_commodities
from settlement.database import create_database_engine
from settlement.migrate import migrate
from settlement.roles import grant_role
from settlement.topic import ensure_topics


def provision_topic(connections: Connections) -> None:
    """Create and verify the topics.

    Raises:
        settlement.topic.TopicUnfitError: a topic is there with other properties.
        kafka.errors.KafkaError: Kafka refused.
    """
    ensure_topics(connections.settings("read"))


def provision_database(connections: Connections) -> None:
    """Create the database, its schema, a user for each role, and the sample commodities where they lack.

    Raises:
        sqlalchemy.exc.DBAPIError: the database refused.
    """
    admin = create_database_engine(connections.admin_url._replace(database=None), pool_size=1)
    try:
        with admin.begin() as connection:
            name = connection.dialect.identifier_preparer.quote_identifier(connections.database)
            connection.execute(text(f"CREATE DATABASE IF NOT EXISTS {name}"))
        grant_role(admin, connections.database, "owner", *connections.user("owner"))
        _as_owner(connections)
        for role in ROLES:
            grant_role(admin, connections.database, role, *connections.user(role))
        _as_catalogue(connections)
    finally:
        admin.dispose()


def _as_owner(connections: Connections) -> None:
    engine = create_database_engine(connections.settings("owner").database_url.get_secret_value(), pool_size=1)
    try:
        migrate(engine)
    finally:
        engine.dispose()


def _as_catalogue(connections: Connections) -> None:
    engine = create_database_engine(connections.settings("catalogue").database_url.get_secret_value(), pool_size=1)
    try:
        seed_commodities(engine, SAMPLE)
    finally:
        engine.dispose()
