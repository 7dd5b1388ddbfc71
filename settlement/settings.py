"""The one settings object: every process of Kiwi reads its `KIWI_*` environment through it."""

import tempfile
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """All that can be set from outside; each field is the variable `KIWI_<NAME>`."""

    model_config = SettingsConfigDict(env_prefix="KIWI_", frozen=True)

    # Where the servers are
    kafka_bootstrap: str = Field("127.0.0.1:21002", description="host:port, comma-separated")
    zookeeper_hosts: str = Field("127.0.0.1:21001", description="host:port, comma-separated")
    database_url: SecretStr = Field(
        SecretStr("mysql+pymysql://kiwi@127.0.0.1:21003/kiwi"),
        description="mysql+pymysql://user:password@host:port/name, with the rights of this process's role",
    )
    api_url: str = Field("http://127.0.0.1:21000", description="where clients find the API")

    # The topic
    topic: str = "orders"
    dead_letter_topic: str = "orders.dead"
    topic_partitions: int = Field(2, ge=1, le=4096)
    topic_replication: int = Field(1, ge=1, le=7)

    # Settlement
    batch_orders_max: int = Field(50_000, ge=1, le=1_000_000, description="largest micro-batch")
    bad_share_max: float = Field(0.5, gt=0, le=1, description="malformed share of the window that halts the job")
    bad_window_orders: int = Field(10_000, ge=1, description="last messages over which the share is taken")
    rates_age_seconds_max: float = Field(600, gt=0, description="older rates hold settlement")
    lock_session_seconds: float = Field(
        6, ge=1, le=60, description="how long a silent driver keeps its locks, in ZooKeeper and in the database"
    )
    retry_seconds_max: float = Field(120, gt=0, description="how long a transient fault is retried")

    # API
    api_bind: str = Field("127.0.0.1:21000", description="host:port to listen on")
    api_workers: int = Field(2, ge=1, le=64, description="processes; they share nothing")
    api_connections_max: int = Field(1_000, ge=1, description="per worker; beyond it connections are refused")
    api_client_seconds_max: float = Field(10, gt=0, description="longest time a client may take to send one request")
    api_orders_in_flight_max: int = Field(20_000, ge=1, description="per worker; beyond it 503")
    api_bulk_orders_max: int = Field(10_000, ge=1)
    api_bulk_bytes_max: int = Field(4 * 1024 * 1024, ge=1024)
    api_bulk_requests_max: int = Field(16, ge=1, description="bulk requests in memory at once, per worker")
    api_ack_seconds_max: float = Field(10, gt=0, description="longest wait for Kafka's acknowledgement")
    api_page_rows_max: int = Field(1_000, ge=1, le=10_000)

    # Rates
    rates_source: str = Field("walk", pattern="^(walk|fixed|ecb|http)$")
    rates_seed: int = Field(2019, ge=0, description="seed of the bounded walk")
    rates_http_url: str = Field("", description="template with {currency}, answers a bare JSON number")

    # Airflow's tasks
    runtime: Literal["local", "kubernetes"] = Field("local", description="a task is a process here, or a pod")
    image: str = Field("kiwi-settlement:latest", description="what a pod runs")
    namespace: str = Field("kiwi", description="where pods run")
    report_dir: Path | None = Field(None, description="benchmark reports, one folder a run")
    spark_ui_url: str = Field("", description="where Spark's own pages are, for a link; empty = they are off")

    scratch_dir: Path = Field(
        default_factory=lambda: Path(tempfile.gettempdir()), description="the checkpoint; may be lost at any time"
    )


@cache
def settings() -> Settings:
    """Return this process's settings, read once."""
    return Settings()
