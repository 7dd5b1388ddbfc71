"""`POST /` and `POST /orders` without a server: what is taken, what is refused, and how that is said."""

import asyncio
import json
from typing import Any

import pytest
from falcon.testing import ASGIConductor, Result, TestClient
from sqlalchemy import create_engine

from api.app import Dependencies, create_app
from api.coordination import Coordination
from api.ledger_reader import LedgerReader
from api.log_ends import LogEnds
from api.metrics import Metrics
from settlement.order import BYTES_MAX
from settlement.orderid import Place, place_of
from settlement.settings import Settings
from tests.unit.memory_log import MemoryOrderLog

ORDER: dict[str, Any] = {"user_id": 7, "initiator": "CNY", "time": 1, "items": [{"id": 1, "number": 2}]}
CANONICAL = b'{"user_id":7,"initiator":"CNY","time":1,"items":[{"id":1,"number":2}]}'
PROBLEM_TYPE = "urn:kiwi:problem:"


@pytest.fixture
def log() -> MemoryOrderLog:
    """An empty log of two partitions."""
    return MemoryOrderLog(partitions=2, in_flight_max=50)


@pytest.fixture
def client(log: MemoryOrderLog) -> TestClient:
    """The application on that log; nothing else of it is started."""
    settings = Settings(api_bulk_orders_max=100, api_bulk_bytes_max=100_000, api_bulk_requests_max=3)
    return TestClient(
        create_app(
            Dependencies(
                settings=settings,
                log=log,
                ends=LogEnds(settings),
                ledger=LedgerReader(create_engine("mysql+pymysql://")),
                coordination=Coordination(settings),
                metrics=Metrics(),
            )
        )
    )


def changed(**fields: object) -> dict[str, Any]:
    """The sample order with other fields; None removes one."""
    return {name: value for name, value in (ORDER | fields).items() if value is not None}


def assert_problem(answer: Result, status: int, slug: str) -> dict[str, Any]:
    """Check an RFC 9457 answer and return it."""
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    problem: dict[str, Any] = answer.json
    assert problem["type"] == PROBLEM_TYPE + slug
    assert problem["status"] == status
    assert problem["title"]
    assert problem["detail"]
    return problem


def pointers(problem: dict[str, Any]) -> list[str]:
    """Where the fields are that a problem names."""
    return [error["pointer"] for error in problem["errors"]]


def test_an_order_is_acknowledged_with_its_id_and_where_to_ask(client: TestClient, log: MemoryOrderLog) -> None:
    """202 names the place in the log, and the log has the canonical text."""
    answer = client.simulate_post("/", body=json.dumps(ORDER))
    assert answer.status_code == 202
    assert answer.json == {"id": 1, "status": "accepted", "position": None}
    assert answer.headers["location"] == "/querybyid?id=1"
    assert place_of(answer.json["id"]) == Place(partition=1, offset=0)
    assert log.partitions == [[], [CANONICAL]]


@pytest.mark.parametrize(
    "variant",
    [
        ORDER,
        changed(user_id="7"),
        changed(user_id=None, userid=7),
        changed(initiator="RMB"),
        changed(time="1"),
        changed(items=[{"id": "1", "number": "2"}]),
        changed(idempotency_key=None),
    ],
)
def test_what_the_original_clients_send_is_one_order(
    client: TestClient, log: MemoryOrderLog, variant: dict[str, Any]
) -> None:
    """Quoted numbers, RMB and userid are made canonical before the log sees them."""
    assert client.simulate_post("/", body=json.dumps(variant)).status_code == 202
    assert log.partitions[1] == [CANONICAL]


@pytest.mark.parametrize("content_type", [None, "application/json", "text/plain", "application/x-www-form-urlencoded"])
def test_no_content_type_is_required(client: TestClient, content_type: str | None) -> None:
    """The body alone decides."""
    headers = {"Content-Type": content_type} if content_type else {}
    assert client.simulate_post("/", body=json.dumps(ORDER), headers=headers).status_code == 202


@pytest.mark.parametrize("body", ["", "{", "hello", '{"user_id":7,}', "\xff", '{"a":1}{"a":1}', "[" * 5_000])
def test_what_is_no_json_is_400(client: TestClient, log: MemoryOrderLog, body: str) -> None:
    """Malformed text is told apart from an order with wrong fields."""
    assert_problem(client.simulate_post("/", body=body.encode("latin-1")), 400, "malformed")
    assert log.partitions == [[], []]


@pytest.mark.parametrize(
    ("order", "pointer"),
    [
        ([], ""),
        (5, ""),
        (None, ""),
        (changed(user_id=None), "/user_id"),
        (changed(user_id=-1), "/user_id"),
        (changed(user_id=2**63), "/user_id"),
        (changed(user_id=True), "/user_id"),
        (changed(user_id="seven"), "/user_id"),
        (changed(initiator=None), "/initiator"),
        (changed(initiator="GBP"), "/initiator"),
        (changed(initiator="JYP"), "/initiator"),
        (changed(time=None), "/time"),
        (changed(time=1.5), "/time"),
        (changed(items=None), "/items"),
        (changed(items=[]), "/items"),
        (changed(items=[{"id": 1, "number": 1}] * 101), "/items"),
        (changed(items=["1x2"]), "/items/0"),
        (changed(items=[{"number": 1}]), "/items/0/id"),
        (changed(items=[{"id": 1, "number": 1}, {"id": 0, "number": 1}]), "/items/1/id"),
        (changed(items=[{"id": 1}]), "/items/0/number"),
        (changed(items=[{"id": 1, "number": -5}]), "/items/0/number"),
        (changed(items=[{"id": 1, "number": 0}]), "/items/0/number"),
        (changed(items=[{"id": 1, "number": 1.5}]), "/items/0/number"),
        (changed(items=[{"id": 1, "number": 1_000_001}]), "/items/0/number"),
        (changed(items=[{"id": 1, "number": "five"}]), "/items/0/number"),
        (changed(items=[{"id": 1, "number": 1, "price": 0}]), "/items/0/price"),
        (changed(paid=0), "/paid"),
        (changed(**{"a/b~c": 0}), "/a~1b~0c"),
        (changed(idempotency_key=""), "/idempotency_key"),
        (changed(idempotency_key="k" * 65), "/idempotency_key"),
        (changed(idempotency_key="with space"), "/idempotency_key"),
    ],
)
def test_a_wrong_field_is_422_and_named(client: TestClient, log: MemoryOrderLog, order: object, pointer: str) -> None:
    """Each class of bad input is refused with the JSON pointer of its field, and nothing reaches the log."""
    problem = assert_problem(client.simulate_post("/", body=json.dumps(order)), 422, "invalid-order")
    assert pointers(problem) == [pointer]
    assert log.partitions == [[], []]


def test_all_wrong_fields_are_named_at_once(client: TestClient) -> None:
    """A client need not send its order once for each mistake."""
    order = {"user_id": -1, "initiator": "?", "items": [{"id": 0, "number": 0}]}
    problem = assert_problem(client.simulate_post("/", body=json.dumps(order)), 422, "invalid-order")
    assert sorted(pointers(problem)) == ["/initiator", "/items/0/id", "/items/0/number", "/time", "/user_id"]


def test_an_order_as_large_as_allowed_is_taken_and_a_larger_one_is_413(client: TestClient) -> None:
    """The limit is on the body, blanks included."""
    body = CANONICAL.ljust(BYTES_MAX)
    assert client.simulate_post("/", body=body).status_code == 202
    assert_problem(client.simulate_post("/", body=body + b" "), 413, "too-large")


@pytest.mark.parametrize("header", ["key-1", '"key-1"'])
def test_the_idempotency_key_header_becomes_part_of_the_order(
    client: TestClient, log: MemoryOrderLog, header: str
) -> None:
    """Bare, or quoted as the header's draft standard has it."""
    assert client.simulate_post("/", body=CANONICAL, headers={"Idempotency-Key": header}).status_code == 202
    assert json.loads(log.partitions[1][0]) == changed(idempotency_key="key-1")


def test_the_same_key_in_header_and_body_is_no_conflict(client: TestClient, log: MemoryOrderLog) -> None:
    """Saying it twice means it once."""
    body = json.dumps(changed(idempotency_key="key-1"))
    assert client.simulate_post("/", body=body, headers={"Idempotency-Key": "key-1"}).status_code == 202
    assert json.loads(log.partitions[1][0]) == changed(idempotency_key="key-1")


@pytest.mark.parametrize("header", ["key-2", "", "two words", "k" * 65])
def test_a_key_that_differs_or_is_none_is_422(client: TestClient, log: MemoryOrderLog, header: str) -> None:
    """A header that cannot be honoured is never dropped in silence."""
    body = json.dumps(changed(idempotency_key="key-1"))
    answer = client.simulate_post("/", body=body, headers={"Idempotency-Key": header})
    assert pointers(assert_problem(answer, 422, "invalid-order")) == ["/idempotency_key"]
    assert log.partitions == [[], []]


def test_bulk_answers_for_each_order_in_the_order_sent(client: TestClient, log: MemoryOrderLog) -> None:
    """Good and bad ones are told apart one by one, and the good ones are taken."""
    orders = [ORDER, changed(user_id=-1), changed(user_id=8), "x", changed(user_id=9)]
    answer = client.simulate_post("/orders", body=json.dumps(orders))
    assert answer.status_code == 207
    assert [outcome["status"] for outcome in answer.json] == [202, 422, 202, 422, 202]
    ids = [outcome.get("id") for outcome in answer.json]
    assert ids == [1, None, 0, None, 1 << 12 | 1]
    assert answer.json[4]["location"] == f"/querybyid?id={1 << 12 | 1}"
    assert pointers(answer.json[1]) == ["/user_id"]
    assert [len(partition) for partition in log.partitions] == [1, 2]


@pytest.mark.parametrize("content_type", [None, "application/json", "application/x-ndjson"])
def test_lines_are_orders_too(client: TestClient, log: MemoryOrderLog, content_type: str | None) -> None:
    """NDJSON is recognised without being announced; blank lines count for nothing."""
    headers = {"Content-Type": content_type} if content_type else {}
    body = b"\n" + CANONICAL + b"\r\n\n{broken\n" + CANONICAL
    answer = client.simulate_post("/orders", body=body, headers=headers)
    assert [outcome["status"] for outcome in answer.json] == [202, 400, 202]
    assert log.partitions[1] == [CANONICAL, CANONICAL]


def test_bulk_is_202_when_all_are_accepted(client: TestClient) -> None:
    """Only then need nobody read the outcomes."""
    assert client.simulate_post("/orders", body=json.dumps([ORDER] * 3)).status_code == 202


@pytest.mark.parametrize(
    ("body", "status", "slug"),
    [
        (b"", 400, "malformed"),
        (b" \n ", 400, "malformed"),
        (b"[]", 400, "malformed"),
        (b"[" + CANONICAL + b",", 400, "malformed"),
        (b"[" + CANONICAL + b"] x", 400, "malformed"),
        (b"\n".join([b"1"] * 101), 413, "too-large"),
        (b"[" + b" " * 100_000 + b"]", 413, "too-large"),
    ],
)
def test_a_bulk_body_that_cannot_be_told_apart_is_refused_whole(
    client: TestClient, log: MemoryOrderLog, body: bytes, status: int, slug: str
) -> None:
    """No order of it is taken."""
    assert_problem(client.simulate_post("/orders", body=body), status, slug)
    assert log.partitions == [[], []]


def test_one_order_of_a_bulk_request_may_be_too_large_by_itself(client: TestClient) -> None:
    """The others are taken."""
    answer = client.simulate_post("/orders", body=CANONICAL + b"\n" + b"[" + b"1," * BYTES_MAX + b"1]")
    assert [outcome["status"] for outcome in answer.json] == [202, 413]


def test_one_key_cannot_serve_a_bulk_request(client: TestClient) -> None:
    """It would make all but the first a duplicate."""
    answer = client.simulate_post("/orders", body=json.dumps([ORDER]), headers={"Idempotency-Key": "key"})
    assert_problem(answer, 422, "invalid-order")


@pytest.mark.parametrize("path", ["/", "/orders"])
def test_an_unavailable_log_is_503_and_nothing_is_taken(client: TestClient, log: MemoryOrderLog, path: str) -> None:
    """The client is told that it may simply try again."""
    log.available = False
    answer = client.simulate_post(path, body=CANONICAL)
    assert "Nothing was taken" in assert_problem(answer, 503, "log-unavailable")["detail"]
    assert int(answer.headers["retry-after"]) >= 1


def test_too_much_in_flight_is_503_and_nothing_is_taken(client: TestClient, log: MemoryOrderLog) -> None:
    """A bulk request is sent whole or not at all."""
    answer = client.simulate_post("/orders", body=json.dumps([ORDER] * 51))
    assert "Nothing was taken" in assert_problem(answer, 503, "overloaded")["detail"]
    assert int(answer.headers["retry-after"]) >= 1
    assert log.partitions == [[], []]


def test_only_so_many_bulk_requests_are_in_memory_at_once(client: TestClient, log: MemoryOrderLog) -> None:
    """The next is refused before its body is kept; once there is room it is taken."""

    async def run() -> None:
        body = json.dumps([ORDER] * 2).encode()
        async with ASGIConductor(client.app) as conductor:
            log.gate.clear()
            waiting = [asyncio.create_task(conductor.simulate_post("/orders", body=body)) for _ in range(3)]
            while len(log.partitions[1]) < 6:  # noqa: ASYNC110 - a log has no event for it
                await asyncio.sleep(0)
            answer = await conductor.simulate_post("/orders", body=body)
            assert "Nothing was taken" in assert_problem(answer, 503, "overloaded")["detail"]
            log.gate.set()
            assert [(await each).status_code for each in waiting] == [202] * 3
            assert (await conductor.simulate_post("/orders", body=body)).status_code == 202

    asyncio.run(run())
    assert len(log.partitions[1]) == 8


def test_an_unacknowledged_order_is_503_with_an_unknown_outcome(client: TestClient, log: MemoryOrderLog) -> None:
    """It may be in the log: the client is told how to try again without buying twice."""
    log.acknowledging = False
    answer = client.simulate_post("/", body=CANONICAL)
    assert "Idempotency-Key" in assert_problem(answer, 503, "outcome-unknown")["detail"]
    assert int(answer.headers["retry-after"]) >= 1
    bulk = client.simulate_post("/orders", body=CANONICAL)
    assert bulk.status_code == 207
    assert [outcome["status"] for outcome in bulk.json] == [503]


def test_an_unknown_path_is_404(client: TestClient) -> None:
    """As a problem, like every error."""
    answer = client.simulate_get("/order")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    assert answer.json["status"] == 404


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/", "POST"),
        ("DELETE", "/orders", "POST"),
        ("POST", "/amount", "GET"),
        ("PUT", "/querybyid", "GET"),
        ("PATCH", "/metrics", "GET"),
    ],
)
def test_a_wrong_method_is_405_and_says_which_are_allowed(
    client: TestClient, method: str, path: str, allowed: str
) -> None:
    """The header `Allow` lists them."""
    answer = client.simulate_request(method, path)
    assert (answer.status_code, answer.headers["content-type"]) == (405, "application/problem+json")
    assert allowed in answer.headers["allow"].split(", ")


def test_metrics_count_what_was_taken_and_why_not(client: TestClient, log: MemoryOrderLog) -> None:
    """Single and bulk orders add up; refused ones are counted by reason."""
    client.simulate_post("/", body=CANONICAL)
    client.simulate_post("/", body=b"{")
    client.simulate_post("/orders", body=CANONICAL + b"\n{}\n" + CANONICAL)
    log.available = False
    client.simulate_post("/", body=CANONICAL)
    text = client.simulate_get("/metrics").text
    assert "kiwi_orders_accepted_total 3.0" in text
    for reason, count in {"malformed": 1.0, "invalid-order": 1.0, "log-unavailable": 1.0, "overloaded": 0.0}.items():
        assert f'kiwi_orders_refused_total{{reason="{reason}"}} {count}' in text
    assert 'kiwi_request_seconds_count{method="POST",route="/",status="202"} 1.0' in text
