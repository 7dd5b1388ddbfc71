"""Whole runs of the generator against the real API, Kafka and ledger, settled by the real settler without Spark."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

import pytest
from kazoo.client import KazooClient
from msgspec.structs import replace
from pydantic import SecretStr
from rich.console import Console
from sqlalchemy import Engine, text

from generator.command import exit_code
from generator.conduct import UnfitError, conduct
from generator.options import Options
from generator.run import RunFailedError
from settlement.settings import Settings
from tests.integration.api_server import running_api
from tests.integration.settling import open_shop
from tests.integration.topic_run import TopicRun

SILENT = Console(quiet=True)
MIXED = Options(
    orders=1_500,
    rate=0,
    concurrency=8,
    bad_share=0.02,
    repeat_share=0.05,
    unknown_share=0.03,
    poison_share=0.02,
)


@pytest.fixture
def api_settings(app_settings: Settings, zookeeper: KazooClient, engine: Engine, tmp_path: Path) -> Iterator[Settings]:
    """The original's shop, open, with an API before it."""
    open_shop(engine, zookeeper)
    with running_api(app_settings, tmp_path) as server:
        server.await_ready()
        yield app_settings.model_copy(update={"api_url": f"http://{server.host}:{server.port}"})


@contextmanager
def settling(topic: TopicRun) -> Iterator[None]:
    """Settle whatever is in the log, over and over, until the end of the block."""
    stopping = Event()

    def settle() -> None:
        while not stopping.wait(0.05):
            topic.settle(publish=False)

    thread = Thread(target=settle)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join()


@pytest.mark.parametrize("bulk", [0, 100])
def test_everything_accepted_is_settled_and_told(
    api_settings: Settings, engine: Engine, zookeeper: KazooClient, bulk: int
) -> None:
    """Single or in bulk: malformed orders are rejected, poison is settled as malformed, and each reason is counted."""
    with settling(TopicRun(engine, zookeeper, api_settings)):
        report = conduct(replace(MIXED, bulk=bulk), api_settings, 0, SILENT, wait=True)
    orders = report.orders
    assert report.problems == []
    assert exit_code(report) == 0
    assert orders.accepted == orders.settled == 1_500 - orders.rejected_malformed
    assert orders.rejected_malformed == sum(report.rejections.values()) > 0
    assert report.batches is not None
    assert set(report.rejections) <= {"400", "422"}
    assert report.refusals.keys() >= {"malformed", "unknown_commodity", "duplicate"}
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT reason, COUNT(*) FROM result WHERE reason IS NOT NULL GROUP BY reason"))
        assert {row.reason: row[1] for row in rows} == report.refusals
        assert connection.execute(text("SELECT COUNT(*) FROM batch")).scalar_one() >= report.batches.batches > 0
    assert report.latency.settle is not None
    assert report.latency.settle.orders == orders.accepted
    assert sum(report.series.settled) == orders.accepted
    assert report.series.lag[-1] == 0


def test_settlement_that_stands_still_fails_the_run(api_settings: Settings) -> None:
    """Nobody settles: after the limit every accepted order is missed, and the reason is looked for in ZooKeeper."""
    report = conduct(Options(orders=50, rate=0, drain_seconds_max=0.5), api_settings, 0, SILENT, wait=True)
    assert (report.orders.accepted, report.orders.missing, report.accepted_equals_settled) == (50, 50, False)
    assert exit_code(report) == 1
    assert "no settlement job has ever reported" in report.problems[0]


def test_without_waiting_the_ledger_is_not_needed(api_settings: Settings) -> None:
    """With the commodities named and nothing to wait for, no database is asked."""
    blind = api_settings.model_copy(update={"database_url": SecretStr("mysql+pymysql://nobody@127.0.0.1:1/nothing")})
    report = conduct(Options(orders=20, rate=0), blind, 4, SILENT, wait=False)
    assert (report.orders.accepted, report.verified, exit_code(report)) == (20, False, 0)
    with pytest.raises(UnfitError, match="KIWI_DATABASE_URL"):
        conduct(Options(orders=20), blind, 4, SILENT, wait=True)
    with pytest.raises(UnfitError, match="--commodities"):
        conduct(Options(orders=20), blind, 0, SILENT, wait=False)


def test_poison_without_kafka_is_refused_at_the_start(api_settings: Settings) -> None:
    """The message names the variable; nothing was sent."""
    nowhere = api_settings.model_copy(update={"kafka_bootstrap": "127.0.0.1:1"})
    with pytest.raises(RunFailedError, match=r"KIWI_KAFKA_BOOTSTRAP=127\.0\.0\.1:1"):
        conduct(Options(orders=20, poison_share=0.5), nowhere, 0, SILENT, wait=False)


def test_an_empty_catalogue_is_named_with_the_remedy(app_settings: Settings) -> None:
    """There is nothing to order."""
    with pytest.raises(UnfitError, match="settlement seed"):
        conduct(Options(orders=20), app_settings, 0, SILENT, wait=True)
