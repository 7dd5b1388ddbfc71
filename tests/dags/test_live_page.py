"""The numbers of the live page, read over HTTP from real servers."""

import json
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from kazoo.client import KazooClient
from pydantic import SecretStr
from sqlalchemy import Engine, text

from plugins.live_page_app.recent_batches import RecentBatches
from settlement.audit_outcome import AuditOutcome, publish_outcome
from settlement.lock import SettlementLock, identity
from settlement.settings import Settings
from tests.dags.live_shop import LiveShop
from tests.dags.page_server import page_served
from tests.integration.settling import order_text
from tests.integration.test_settler import SAMPLE_ORDERS

NOBODY = "127.0.0.1:1"
MORE = order_text(1, "EUR", [(1, 1)])
AWAY_SECONDS_MAX = 8


@pytest.fixture
def shop(engine: Engine, zookeeper: KazooClient, app_settings: Settings) -> LiveShop:
    """Six orders settled, two waiting."""
    shop = LiveShop(engine, zookeeper, app_settings)
    shop.accept(*SAMPLE_ORDERS)
    shop.settle()
    shop.accept(MORE, MORE)
    return shop


@pytest.fixture
def url(app_settings: Settings) -> Iterator[str]:
    """The page's address."""
    with page_served(app_settings) as url:
        yield url


def ask(url: str) -> Any:
    """Return what the page is told."""
    with urllib.request.urlopen(f"{url}data", timeout=30) as answer:  # noqa: S310 - our own server
        return json.load(answer)


def test_the_numbers_are_the_ledgers(shop: LiveShop, url: str) -> None:
    """Orders, lag, money, refusals and batches are those of the six orders that a hand calculation checks."""
    told = ask(url)
    assert told["away"] == {}
    assert {name: told["flow"][name] for name in ("accepted", "settled", "lag")} == {
        "accepted": 8,
        "settled": 6,
        "lag": 2,
    }
    assert told["totals"]["amount_cny"] == "6685.96"
    paid = {row["currency"]: (row["paid"], row["orders"]) for row in told["totals"]["currencies"]}
    assert paid == {"CNY": ("5266.24", 3), "USD": ("170.62", 1), "JPY": ("0", 0), "EUR": ("88.00", 1)}
    assert told["refusals"]["window_orders"] == 6
    assert {reason: orders for reason, orders in told["refusals"]["reasons"].items() if orders} == {
        "insufficient_stock": 1
    }
    assert told["refusals"]["all_time"] == 1
    (batch,) = told["batches"]
    assert (batch["number"], batch["orders"], batch["succeeded"], batch["malformed"]) == (1, 6, 5, 0)


def test_latency_is_from_kafkas_timestamps_to_the_commit(shop: LiveShop, url: str) -> None:
    """The percentiles lie within the oldest message's wait."""
    told = ask(url)
    assert told["latency"]["orders"] == 6
    assert 0 <= told["latency"]["p50_ms"] <= told["latency"]["p99_ms"] <= told["batches"][0]["latency_ms"] + 1 < 60_000


def test_the_history_counts_every_order_once(shop: LiveShop, url: str) -> None:
    """Once their bins are over, both lines add up to the orders: by Kafka's time index, and by the commits."""
    deadline = time.monotonic() + 30
    while True:
        history = ask(url)["history"]
        sums = tuple(sum(rate or 0 for rate in history[line]) * 5 for line in ("accepted", "settled"))
        if sums == pytest.approx((8, 6)):
            break
        assert time.monotonic() < deadline, sums
        time.sleep(0.5)
    assert None not in history["accepted"] + history["settled"]


def test_the_holder_of_the_lock_is_named(shop: LiveShop, url: str, zookeeper: KazooClient) -> None:
    """Who holds the lock comes from the lock itself, and the verdict from the heartbeat."""
    assert ask(url)["driver"]["lock_holder"] is None
    lock = SettlementLock(zookeeper)
    assert lock.acquire()
    while (told := ask(url))["driver"]["lock_holder"] is None:
        time.sleep(0.2)
    assert told["driver"]["lock_holder"] == identity()
    assert told["verdict"]["health"] == "settling"
    assert told["verdict"]["words"].startswith("2 accepted orders wait")
    lock.release()


def test_rates_and_audit_are_shown_with_their_age(shop: LiveShop, url: str, zookeeper: KazooClient) -> None:
    """Four rates with the limit, and what the last audit found."""
    publish_outcome(zookeeper, AuditOutcome(at_ms=1_600_000_000_000, orders=6, batches=1, differences=3))
    told = ask(url)
    rates = {row["currency"]: row["rate"] for row in told["rates"]["rates"]}
    assert rates == {"CNY": "2", "USD": "12", "JPY": "0.15", "EUR": "9"}
    assert (told["rates"]["source"], told["rates"]["age_seconds_max"], told["rates"]["problem"]) == ("fixed", 600, "")
    assert told["audit"] == {"at_ms": 1_600_000_000_000, "orders": 6, "differences": 3}


def test_many_viewers_share_one_reading(shop: LiveShop, url: str) -> None:
    """Twenty at once are told the same moment."""
    with ThreadPoolExecutor(20) as viewers:
        moments = {told["at_ms"] for told in viewers.map(ask, [url] * 20)}
    assert len(moments) == 1


@pytest.mark.parametrize(
    ("server", "elsewhere", "shown", "missing"),
    [
        ("zookeeper", {"zookeeper_hosts": NOBODY}, "totals", "rates"),
        ("kafka", {"kafka_bootstrap": NOBODY}, "totals", "accepted"),
        ("ledger", {"database_url": SecretStr(f"mysql+pymysql://nobody@{NOBODY}/kiwi")}, "rates", "totals"),
    ],
)
def test_a_server_that_is_away_hides_only_its_own_part(
    shop: LiveShop, app_settings: Settings, server: str, elsewhere: dict[str, Any], shown: str, missing: str
) -> None:
    """The answer comes in bounded time, names the server, and has everything else."""
    with page_served(app_settings.model_copy(update=elsewhere)) as url:
        began = time.monotonic()
        told = ask(url)
    assert time.monotonic() - began < AWAY_SECONDS_MAX
    assert list(told["away"]) == [server]
    assert told[shown] is not None
    assert (told["flow"] | told)[missing] is None
    assert (told["verdict"]["health"] == "unknown") == (server == "zookeeper")


def test_without_a_ledger_the_page_says_what_to_trigger(app_settings: Settings, engine: Engine, url: str) -> None:
    """Before the first migration nothing is broken; something is to be done."""
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE head"))
    told = ask(url)
    assert told["away"] == {"ledger": "there is no ledger yet: trigger seed_db"}
    assert told["verdict"]["words"] == "No batch yet: trigger launch_settlement."


def test_batches_are_read_once_and_another_ledger_is_noticed(shop: LiveShop, engine: Engine) -> None:
    """What was kept and what is new equals a fresh reading, also after the ledger was replaced."""
    kept = RecentBatches()
    with engine.begin() as connection:
        assert [batch.number for batch in kept.read(connection, 1)] == [1]
        shop.settle()
    with engine.begin() as connection:
        assert kept.read(connection, 2) == RecentBatches().read(connection, 2)
        connection.execute(text("UPDATE batch SET orders = 7 WHERE number = 2"))
        assert kept.read(connection, 2) == RecentBatches().read(connection, 2)
        assert [batch.orders for batch in kept.read(connection, 1)] == [6]
