"""The three servers that Kiwi stands on, set up side by side."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import URL, make_url

from local.database import ADMIN, database_endpoint, database_service, own_admin_url
from local.database_binary import installed_database, packaged_database
from local.home import Home, LocalSettings
from local.jars import ensure_jars
from local.java import Java, ensure_java
from local.kafka import kafka_endpoint, kafka_service
from local.passwords import ensure_passwords
from local.service import Endpoint, Service
from local.zookeeper import zookeeper_endpoint, zookeeper_service


@dataclass(frozen=True)
class Servers:
    """What is ready to be started, and how it is reached.

    Attributes:
        services: ZooKeeper, Kafka and, unless somebody else's is used, the database.
        endpoints: of ZooKeeper, Kafka and the database, in this order.
        admin_url: the database's administrator.
        java: the runtime that they use.
        connector: folder of the jars that Spark needs besides its own.
    """

    services: tuple[Service, ...]
    endpoints: tuple[Endpoint, Endpoint, Endpoint]
    admin_url: URL
    java: Java
    connector: Path


def prepare_servers(home: Home, settings: LocalSettings) -> Servers:
    """Have everything that the servers need, downloading what is missing.

    Raises:
        SetupError: something cannot be had; the message names the remedy.
    """
    home.create()
    java = ensure_java(home)
    with ThreadPoolExecutor() as pool:
        zookeeper = pool.submit(zookeeper_service, home, java)
        kafka = pool.submit(lambda: kafka_service(home, java, ensure_jars(home, java, "kafka")))
        connector = pool.submit(ensure_jars, home, java, "connector")
        database = pool.submit(_database, home, settings, java)
        services = (zookeeper.result(), kafka.result(), *database.result())
        url = database_admin_url(home, settings)
        return Servers(services, server_endpoints(home, url), url, java, connector.result())


def server_endpoints(home: Home, admin_url: URL) -> tuple[Endpoint, Endpoint, Endpoint]:
    """Return where ZooKeeper, Kafka and the database serve."""
    return zookeeper_endpoint(home), kafka_endpoint(home), database_endpoint(admin_url)


def database_admin_url(home: Home, settings: LocalSettings) -> URL:
    """Return the administrator's address of the server that the settings name, else of our own."""
    if settings.local_database_admin_url is not None:
        return make_url(settings.local_database_admin_url.get_secret_value())
    return own_admin_url(home, ensure_passwords(home, (ADMIN,))[ADMIN])


def _database(home: Home, settings: LocalSettings, java: Java) -> tuple[Service, ...]:
    if settings.local_database_admin_url is not None:
        return ()
    binary = installed_database() or packaged_database(home, java)
    return (database_service(home, binary, ensure_passwords(home, (ADMIN,))[ADMIN]),)
