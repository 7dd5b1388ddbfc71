"""What went wrong at the ingest of the public implementations, each shown not to happen here."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from kazoo.client import KazooClient
from sqlalchemy import Engine, text

from settlement.orderid import Place, place_of
from settlement.settings import Settings
from tests.integration.api_server import SAMPLE, SAMPLE_BODY, ApiServer, ask, running_api, wait_until
from tests.integration.order_topic import read_log
from tests.integration.settling import open_shop
from tests.integration.topic_run import TopicRun

CANONICAL = b'{"user_id":7,"initiator":"CNY","time":1,"items":[{"id":1,"number":2}]}'

_FILLINGS_MAX = 10


@pytest.fixture
def api(app_settings: Settings, tmp_path: Path) -> Iterator[ApiServer]:
    """A ready API of two workers."""
    with running_api(app_settings, tmp_path, api_workers=2) as server:
        server.await_ready()
        yield server


def test_pitfall_1_an_id_is_given_only_after_kafka_has_the_order(api: ApiServer, app_settings: Settings) -> None:
    """Every id that was answered names a message that is in the log at that moment, with the order's text."""
    for _ in range(5):
        answer = api.post(SAMPLE)
        assert answer.status == 202
        assert read_log(app_settings)[place_of(answer.json["id"])] == CANONICAL


def test_pitfall_2_a_body_in_two_packets_is_one_body(api: ApiServer, app_settings: Settings) -> None:
    """The second part may come later than the first, by a pause that no server would bridge by chance."""
    cuts = (0, 1, 30, len(SAMPLE_BODY) - 1)
    for cut in cuts:
        with api.open_socket() as client:
            client.sendall(
                b"POST / HTTP/1.1\r\nHost: kiwi\r\nContent-Length: %d\r\n\r\n" % len(SAMPLE_BODY) + SAMPLE_BODY[:cut]
            )
            time.sleep(0.2)  # not a wait for anything: the pause between the packets is what is tested
            client.sendall(SAMPLE_BODY[cut:])
            assert client.recv(65_536).startswith(b"HTTP/1.1 202 ")
    assert list(read_log(app_settings).values()) == [CANONICAL] * len(cuts)


def test_pitfall_2_a_chunked_body_is_one_body(api: ApiServer, app_settings: Settings) -> None:
    """Each byte in a chunk of its own is the order all the same."""
    connection = api.connect()
    connection.request(
        "POST", "/", (SAMPLE_BODY[index : index + 1] for index in range(len(SAMPLE_BODY))), encode_chunked=True
    )
    assert connection.getresponse().status == 202
    connection.close()
    assert list(read_log(app_settings).values()) == [CANONICAL]


def test_pitfall_2_a_body_that_was_cut_off_is_never_taken(api: ApiServer, app_settings: Settings) -> None:
    """Lines that arrived whole before the sender vanished are no request, with a length announced or in chunks."""
    lines = CANONICAL + b"\n" + CANONICAL + b"\n"
    cut = (
        b"Content-Length: 1000\r\n\r\n" + lines,
        b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n" % (len(lines), lines),
    )
    for sent in cut:
        with api.open_socket() as client:
            client.sendall(b"POST /orders HTTP/1.1\r\nHost: kiwi\r\n" + sent)
    wait_until("both requests have ended", lambda: 'route="/orders",status="408"} 2.0' in api.get("/metrics").text)
    assert read_log(app_settings) == {}


def test_pitfall_3_ids_are_unique_under_concurrency(api: ApiServer, app_settings: Settings) -> None:
    """Many clients at once, on two workers: each order has an id of its own, which names this very order."""

    def buy(buyer: int) -> list[tuple[int, dict[str, Any]]]:
        connection = api.connect()
        orders = [SAMPLE | {"user_id": buyer, "time": number} for number in range(50)]
        answers = [(ask(connection, "POST", "/", json.dumps(order).encode()), order) for order in orders]
        connection.close()
        return [(answer.json["id"], order) for answer, order in answers]

    with ThreadPoolExecutor(16) as pool:
        bought = [pair for pairs in pool.map(buy, range(16)) for pair in pairs]
    log = read_log(app_settings)
    assert {place_of(number): order for number, order in bought} == {
        place: json.loads(message) for place, message in log.items()
    }
    assert len(bought) == len(log) == 800


def test_pitfall_4_a_retried_order_is_bought_once(
    api: ApiServer, app_settings: Settings, engine: Engine, zookeeper: KazooClient
) -> None:
    """The second POST with the same Idempotency-Key is recorded as the duplicate that it is."""
    open_shop(engine, zookeeper)
    first, second = (api.post(SAMPLE, Idempotency_Key="retry-1").json["id"] for _ in range(2))
    TopicRun(engine, zookeeper, app_settings).settle()
    results = [api.get(f"/querybyid?id={number}").json for number in (first, second)]
    assert [(result["success"], result["duplicate_of"]) for result in results] == [(True, None), (False, first)]
    assert results[1]["reason"] == "duplicate"
    assert api.get("/amount").text == str(results[0]["paid"])


def test_pitfall_5_settled_pending_and_unknown_answer_differently(
    api: ApiServer, app_settings: Settings, engine: Engine, zookeeper: KazooClient
) -> None:
    """200 with the result, 202 with the place in the queue, 404; and the answer changes when it is settled."""
    open_shop(engine, zookeeper)
    settled = api.post(SAMPLE).json["id"]
    TopicRun(engine, zookeeper, app_settings).settle()
    ahead, pending = (api.post(SAMPLE).json["id"] for _ in range(2))
    assert api.get(f"/querybyid?id={settled}").status == 200
    answer = api.get(f"/querybyid?id={pending}")
    assert (answer.status, answer.json) == (202, {"id": pending, "status": "pending", "position": 1})
    assert api.get(f"/querybyid?id={ahead}").json["position"] == 0
    next_id = pending + (1 << 12)
    other_partition, no_partition = 0, 4_095
    for number in (next_id, other_partition, no_partition, 2**63 - 1):
        answer = api.get(f"/querybyid?id={number}")
        assert (answer.status, answer.json["type"]) == (404, "urn:kiwi:problem:unknown-order")
    assert api.post(SAMPLE).json["id"] == next_id
    assert api.get(f"/querybyid?id={next_id}").status == 202  # though it was unknown a moment ago
    TopicRun(engine, zookeeper, app_settings).settle(token=2)
    assert api.get(f"/querybyid?id={next_id}").status == 200


def test_pitfall_6_requests_share_one_producer_and_few_connections(
    api: ApiServer, app_settings: Settings, engine: Engine
) -> None:
    """Hundreds of requests open no further connection to Kafka or to the database, and no further thread."""

    def footprint() -> list[tuple[int, int, int]]:
        kafka, database = (int(app_settings.kafka_bootstrap.rpartition(":")[2]), engine.url.port)
        found = []
        for worker in api.workers():
            ports = [connection.raddr.port for connection in worker.net_connections("tcp") if connection.raddr]
            found.append((ports.count(kafka), ports.count(database or 0), worker.num_threads()))
        return found

    def use() -> None:
        def ask_all(_: int) -> None:
            connection = api.connect()
            for _ in range(20):
                assert ask(connection, "POST", "/", SAMPLE_BODY).status == 202
                assert ask(connection, "GET", "/querybyid?id=1").status == 202
            connection.close()

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(ask_all, range(16)))

    use()
    before = footprint()
    for _ in range(_FILLINGS_MAX):  # pools and connections fill up to their limits; then nothing may grow
        use()
        if (after := footprint()) == before:
            break
        before = after
    else:
        pytest.fail(f"still growing after {_FILLINGS_MAX * 640} requests: (Kafka, database, threads) {before}")
    assert len(before) == 2
    for kafka, database, _ in before:
        assert kafka <= 4  # the producer's and those that read the log's ends
        assert database <= 4


def test_pitfall_7_what_a_client_sends_is_never_sql(
    api: ApiServer, app_settings: Settings, engine: Engine, zookeeper: KazooClient
) -> None:
    """Text that ends a statement is data in a body and refused in a parameter; the ledger is as it was."""
    open_shop(engine, zookeeper)
    key = "');DROP/**/TABLE/**/result;--"
    number = api.post(SAMPLE | {"idempotency_key": key}).json["id"]
    assert json.loads(read_log(app_settings)[Place(*place_of(number))])["idempotency_key"] == key
    TopicRun(engine, zookeeper, app_settings).settle()
    assert api.get(f"/querybyid?id={number}").json["success"] is True
    for path in (
        f"/querybyid?id={number}%20OR%201=1",
        "/querybyid?id=1;DROP%20TABLE%20result",
        "/querybyuserid?user-id=7'%20OR%20'1'='1",
        "/querybyuserid?user-id=7&after=0;DELETE%20FROM%20result",
        "/querybyuserid?user-id=7&limit=1%20UNION%20SELECT%201",
    ):
        assert api.get(path).status == 400
    with engine.connect() as connection:
        assert connection.execute(text("SELECT COUNT(*) FROM result")).scalar_one() == 1
