"""The three servers that Kiwi stands on, set up side by side."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import URL, make_url

from local.database import ADMIN, admin_url, database_service
from local.database_binary import installed_database, packaged_database
from local.home import Home, LocalSettings
from local.jars import ensure_jars
from local.java import Java, ensure_java
from local.kafka import kafka_service
from local.passwords import ensure_passwords
from local.service import Service
from local.zookeeper import zookeeper_service


@dataclass(frozen=True)
class Servers:
    """What is ready to be started, and how it is reached.

    Attributes:
        services: ZooKeeper, Kafka and, unless somebody else's is used, the database.
        admin_url: the database's administrator.
        java: the runtime that they use.
        connector: folder of the jars that Spark needs besides its own.
    """

    services: tuple[Service, ...]
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
        database = pool.submit(_database(home, settings, java))
        own, url = database.result()
        services = (zookeeper.result(), kafka.result(), *own)
        return Servers(services, url, java, connector.result())


def _database(home: Home, settings: LocalSettings, java: Java) -> Callable[[], tuple[tuple[Service, ...], URL]]:
    def prepare() -> tuple[tuple[Service, ...], URL]:
        if settings.local_database_admin_url is not None:
            return (), make_url(settings.local_database_admin_url.get_secret_value())
        password = ensure_passwords(home, (ADMIN,))[ADMIN]
        binary = installed_database() or packaged_database(home, java)
        return (database_service(home, binary, password),), admin_url(home, password)

    return prepare
