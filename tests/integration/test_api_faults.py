"""What the API does while a server behind it, or it itself, goes away."""

import json
import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import psutil
import pytest
from pydantic import SecretStr

from settlement.orderid import Place
from settlement.settings import Settings
from tests.integration.api_load import Load, load_on
from tests.integration.api_server import SAMPLE, running_api, wait_until
from tests.integration.order_topic import read_log
from tests.servers import TestServers

NOWHERE = "127.0.0.1:1"


@pytest.fixture
def whole_servers(servers: TestServers) -> Iterator[TestServers]:
    """The servers, all of them running again afterwards."""
    yield servers
    for name in ("zookeeper", "kafka", "database"):
        if name not in servers.supervisor.states():
            continue
        servers.supervisor.start(name)
        wait_until(f"{name} runs again", partial(_runs, servers, name))


def _runs(servers: TestServers, name: str) -> bool:
    return servers.supervisor.state(name).state == "RUNNING"


def kill_broker(servers: TestServers) -> None:
    """Kill it and wait until it is gone; the supervisor starts another, which takes some seconds to serve."""
    killed = servers.supervisor.state("kafka").pid
    os.kill(killed, signal.SIGKILL)
    wait_until("the broker is gone", lambda: servers.supervisor.state("kafka").pid != killed)


def assert_nothing_lost(load: Load, log: dict[Place, bytes]) -> None:
    """What was acknowledged is in the log where it was said to be, and nothing is there twice."""
    found = {place: json.loads(message) for place, message in log.items()}
    assert load.accepted.items() <= found.items()
    assert len(set(log.values())) == len(log)


def test_the_api_starts_without_kafka_and_finds_it_by_itself(
    app_settings: Settings, whole_servers: TestServers, tmp_path: Path
) -> None:
    """Until then it lives, says that it is not ready and why, and refuses orders at once."""
    whole_servers.supervisor.stop(["kafka"])
    with running_api(app_settings, tmp_path) as api:
        assert api.get("/livez").status == 200
        ready = api.get("/readyz")
        assert (ready.status, ready.json["failing"]) == (503, ["kafka"])
        refused = api.post(SAMPLE)
        assert (refused.status, refused.json["type"]) == (503, "urn:kiwi:problem:log-unavailable")
        assert int(refused.headers["retry-after"]) >= 1
        assert app_settings.kafka_bootstrap not in refused.text + ready.text
        whole_servers.supervisor.start("kafka")
        api.await_ready()
        assert api.post(SAMPLE).status == 202


def test_a_killed_broker_costs_no_acknowledged_order(
    app_settings: Settings, whole_servers: TestServers, tmp_path: Path
) -> None:
    """Under load the clients get 503 and when to try again; once Kafka is back they are served, and nothing is lost."""
    with running_api(app_settings, tmp_path, api_ack_seconds_max=1) as api:
        api.await_ready()
        with load_on(api) as load:
            wait_until("orders are accepted", lambda: load.answers[202] >= 100)
            kill_broker(whole_servers)
            wait_until("orders are refused", lambda: load.answers[503] >= 8)
            accepted = load.answers[202]
            wait_until("orders are accepted again", lambda: load.answers[202] >= accepted + 100)
        assert set(load.answers) == {202, 503}
        assert int(load.refusals[503].headers["retry-after"]) >= 1
        assert_nothing_lost(load, read_log(app_settings))


def test_a_broker_that_restarts_quickly_costs_nobody_anything(
    app_settings: Settings, whole_servers: TestServers, tmp_path: Path
) -> None:
    """Orders under way wait for it within their time limit: every one is acknowledged, each is there once."""
    with running_api(app_settings, tmp_path, api_ack_seconds_max=60) as api:
        api.await_ready()
        with load_on(api) as load:
            wait_until("orders are accepted", lambda: load.answers[202] >= 100)
            kill_broker(whole_servers)
            accepted = load.answers[202]
            wait_until("orders are accepted again", lambda: load.answers[202] >= accepted + 100)
        log = read_log(app_settings)
        assert set(load.answers) == {202}
        assert len(log) == len(load.accepted)
        assert_nothing_lost(load, log)


def test_a_silent_broker_fills_no_more_memory_than_is_set_aside(
    app_settings: Settings, whole_servers: TestServers, tmp_path: Path
) -> None:
    """Orders beyond the cap are refused at once; those within it are acknowledged when the broker speaks again."""
    broker = psutil.Process(whole_servers.supervisor.state("kafka").pid)
    with running_api(app_settings, tmp_path, api_orders_in_flight_max=100, api_ack_seconds_max=60) as api:
        api.await_ready()
        broker.suspend()
        try:
            with ThreadPoolExecutor(1) as pool:
                waiting = pool.submit(api.post, [SAMPLE] * 100, "/orders")
                wait_until("they are under way", lambda: "kiwi_orders_in_flight 100.0" in api.get("/metrics").text)
                refused = api.post(SAMPLE)
                assert (refused.status, refused.json["type"]) == (503, "urn:kiwi:problem:overloaded")
                assert int(refused.headers["retry-after"]) >= 1
                assert not waiting.done()
                broker.resume()
                assert waiting.result().status == 202
        finally:
            broker.resume()
        wait_until("there is room again", lambda: api.post(SAMPLE).status == 202)
    assert len(read_log(app_settings)) == 101


def test_sigterm_answers_what_is_under_way_and_loses_nothing(app_settings: Settings, tmp_path: Path) -> None:
    """Under load on two workers: it ends by itself with status 0, and every acknowledged order is in the log."""
    with running_api(app_settings, tmp_path, api_workers=2) as api:
        api.await_ready()
        with load_on(api, buyers=16) as load:
            wait_until("orders are accepted", lambda: load.answers[202] >= 200)
            api.terminate()
            assert api.process.wait(30) == 0
        assert set(load.answers) <= {202, 0}
        assert_nothing_lost(load, read_log(app_settings))


def test_sigterm_waits_for_an_order_that_kafka_has_not_acknowledged(
    app_settings: Settings, whole_servers: TestServers, tmp_path: Path
) -> None:
    """A slow broker delays the end; the client gets its answer first."""
    broker = psutil.Process(whole_servers.supervisor.state("kafka").pid)
    with running_api(app_settings, tmp_path) as api, ThreadPoolExecutor(1) as pool:
        api.await_ready()
        broker.suspend()
        try:
            waiting = pool.submit(api.post, SAMPLE)
            wait_until("it is under way", lambda: "kiwi_orders_in_flight 1.0" in api.get("/metrics").text)
            api.terminate()
            wait_until("the worker knows", lambda: "Worker shutting down" in api.log.read_text())
            assert not waiting.done()
        finally:
            broker.resume()
        assert waiting.result().status == 202
        assert api.process.wait(30) == 0


def test_orders_are_taken_while_the_database_and_zookeeper_are_away(app_settings: Settings, tmp_path: Path) -> None:
    """They need neither; what does is answered with 503 that names it, and readiness names both."""
    away = {"database_url": SecretStr(f"mysql+pymysql://kiwi@{NOWHERE}/kiwi"), "zookeeper_hosts": NOWHERE}
    with running_api(app_settings, tmp_path, **away) as api:
        wait_until("orders are accepted", lambda: api.post(SAMPLE).status == 202)
        assert api.post(SAMPLE).json["position"] is None
        for path, failing in {
            "/querybyid?id=0": "database",
            "/querybyuserid?user-id=7": "database",
            "/amount": "database",
            "/rates": "zookeeper",
        }.items():
            answer = api.get(path)
            assert (answer.status, answer.json["failing"]) == (503, [failing])
            assert int(answer.headers["retry-after"]) >= 1
        ready = api.get("/readyz")
        assert (ready.status, ready.json["failing"]) == (503, ["database", "zookeeper"])
        assert NOWHERE not in ready.text  # addresses are nobody's business outside


@pytest.mark.parametrize("name", ["zookeeper", "kafka", "database"])
def test_a_server_that_comes_back_is_found_again(
    app_settings: Settings, whole_servers: TestServers, tmp_path: Path, name: str
) -> None:
    """Readiness names the one that is away, and no other, until it is back."""
    if name not in whole_servers.supervisor.states():
        pytest.skip("the database is not ours to restart")
    with running_api(app_settings, tmp_path) as api:
        api.await_ready()
        whole_servers.supervisor.stop([name])
        wait_until("readiness has noticed", lambda: api.get("/readyz").status == 503)
        assert api.get("/readyz").json["failing"] == [name]
        assert api.get("/livez").status == 200
        whole_servers.supervisor.start(name)
        api.await_ready()
        assert api.post(SAMPLE).status == 202
