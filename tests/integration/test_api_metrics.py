"""What Prometheus scrapes from several workers, and what readiness says of settlement."""

import os
import re
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from kazoo.client import KazooClient

from settlement.settings import Settings
from settlement.status import Status, write_status
from tests.integration.api_server import SAMPLE, SAMPLE_BODY, ApiServer, ask, running_api, wait_until


def count(api: ApiServer, series: str) -> float:
    """The value of one series."""
    found = re.search(rf"^{re.escape(series)} (\S+)$", api.get("/metrics").text, re.MULTILINE)
    return float(found[1]) if found else 0


def test_counts_of_all_workers_add_up_and_survive_one(app_settings: Settings, tmp_path: Path) -> None:
    """Whichever worker is asked: what two of them took is counted, even after one of them was killed."""

    def buy(_: int) -> None:
        connection = api.connect()
        for _ in range(10):  # a worker that has not reached Kafka yet takes nothing, whatever the other one says
            wait_until("it is taken", lambda: ask(connection, "POST", "/", SAMPLE_BODY).status == 202)
        connection.close()

    with running_api(app_settings, tmp_path, api_workers=2) as api, ThreadPoolExecutor(8) as pool:
        api.await_ready()
        list(pool.map(buy, range(24)))
        api.post([SAMPLE] * 5 + [{}], "/orders")
        assert count(api, "kiwi_orders_accepted_total") == 245
        assert count(api, 'kiwi_orders_refused_total{reason="invalid-order"}') == 1
        series = 'kiwi_request_seconds_count{method="POST",route="/",status="202"}'
        assert count(api, series) == 240
        used = {re.sub(r"\D", "", file.name) for file in (tmp_path / "metrics").glob("counter_*.db")}
        assert len(used) == 2
        first = api.workers()[0].pid
        os.kill(first, signal.SIGKILL)
        wait_until("another worker is there", lambda: first not in {worker.pid for worker in api.workers()})
        wait_until("two workers are there", lambda: len(api.workers()) == 2)
        api.await_ready()
        assert count(api, "kiwi_orders_accepted_total") == 245
        assert not list((tmp_path / "metrics").glob(f"gauge_live*_{first}.db"))


def test_counts_begin_at_zero_with_each_start(app_settings: Settings, tmp_path: Path) -> None:
    """What an earlier run left in the directory is forgotten."""
    for _ in range(2):
        with running_api(app_settings, tmp_path) as api:
            api.await_ready()
            assert count(api, "kiwi_orders_accepted_total") == 0
            assert api.post(SAMPLE).status == 202
            assert count(api, "kiwi_orders_accepted_total") == 1


def test_readiness_shows_settlement_and_does_not_depend_on_it(
    app_settings: Settings, zookeeper: KazooClient, tmp_path: Path
) -> None:
    """Orders can be taken while nobody settles; a heartbeat that has stopped is no heartbeat."""
    now_ms = time.time_ns() // 1_000_000
    with running_api(app_settings, tmp_path) as api:
        api.await_ready()
        assert api.get("/readyz").json["settlement"]["state"] == "absent"
        write_status(zookeeper, Status("holding", "host:1", 12, "no rates", now_ms))
        ready = api.get("/readyz")
        assert (ready.status, ready.json["status"]) == (200, "ready")
        assert ready.json["settlement"] == {"state": "holding", "batch": 12, "detail": "no rates"}
        write_status(zookeeper, Status("settling", "host:1", 12, "", now_ms - 60_000))
        assert api.get("/readyz").json["settlement"]["state"] == "absent"
