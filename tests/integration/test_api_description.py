"""The OpenAPI document is valid, and what the real API answers is what it says."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kazoo.client import KazooClient
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import validate
from sqlalchemy import Engine

from settlement.settings import Settings
from tests.integration.api_server import SAMPLE, SAMPLE_BODY, Answer, ApiServer, running_api
from tests.integration.settling import open_shop
from tests.integration.topic_run import TopicRun


@pytest.fixture
def api(app_settings: Settings, engine: Engine, zookeeper: KazooClient, tmp_path: Path) -> Iterator[ApiServer]:
    """A ready API over a shop that has settled one order (id 4096 x 0 + 1) and has one in the queue."""
    open_shop(engine, zookeeper)
    with running_api(app_settings, tmp_path) as server:
        server.await_ready()
        assert server.post(SAMPLE).json["id"] == 1
        TopicRun(engine, zookeeper, app_settings).settle()
        assert server.post(SAMPLE).json["id"] == 4097
        yield server


class Description:
    """The API's own description, against which answers are checked; it notes what was checked."""

    def __init__(self, document: dict[str, Any]) -> None:
        validate(document)
        self.document = document
        self.seen: set[tuple[str, str, str]] = set()

    def check(self, method: str, path: str, answer: Answer) -> None:
        """Check status, media type, body and headers of an answer."""
        described = self.document["paths"][path][method]["responses"]
        assert str(answer.status) in described, f"{method} {path} answers {answer.status}: {answer.text}"
        response = described[str(answer.status)]
        media_type = answer.headers["content-type"].partition(";")[0]
        schema = response["content"][media_type]["schema"]
        if "json" in media_type:
            OAS31Validator({**schema, "components": self.document["components"]}).validate(answer.json)
        elif schema == {"type": "number"}:
            assert re.fullmatch(r"\d+\.\d\d", answer.text)
        for header in response.get("headers", {}):
            assert header == "Link" or header.lower() in answer.headers
        self.seen.add((method, path, str(answer.status)))

    def expected(self) -> set[tuple[str, str, str]]:
        """Every answer that is described."""
        return {
            (method, path, status)
            for path, methods in self.document["paths"].items()
            for method, operation in methods.items()
            for status in operation["responses"]
        }


def test_the_document_is_valid_and_real_answers_are_as_it_says(api: ApiServer, zookeeper: KazooClient) -> None:
    """Each kind of answer of each endpoint that healthy servers give; what only faults cause is listed here."""
    description = Description(api.get("/openapi.json").json)
    gets = ["/querybyid?id=1", "/querybyid?id=4097", "/querybyid?id=2", "/querybyid", "/querybyuserid?user-id=7"]
    gets += ["/querybyuserid", "/amount", "/rates", "/livez", "/readyz", "/metrics", "/openapi.json"]
    for path in gets:
        description.check("get", path.partition("?")[0], api.get(path))
    description.check("get", "/amount", api.get("/amount", Accept="application/json"))
    zookeeper.delete("/kiwi/JPY")
    description.check("get", "/rates", api.get("/rates"))
    bodies = [b"{", b"{}", b" " * 5_000_000]
    for path, body in [("/", body) for body in bodies] + [("/orders", body) for body in (b"[", b" " * 5_000_000)]:
        description.check("post", path, api.request("POST", path, body))
    description.check("post", "/", api.post(SAMPLE, Idempotency_Key="k"))
    description.check("post", "/orders", api.post([SAMPLE], "/orders"))
    description.check("post", "/orders", api.post([SAMPLE, {}, 1], "/orders"))
    description.check("post", "/orders", api.post([SAMPLE], "/orders", Idempotency_Key="k"))
    faults = {("post", path, status) for path in ("/", "/orders") for status in ("408", "503")}
    faults |= {("get", path, "503") for path in ("/querybyid", "/querybyuserid", "/amount", "/readyz")}
    assert description.expected() - description.seen == faults


def test_answers_in_faults_are_as_the_document_says(tmp_path: Path) -> None:
    """With no server behind it every endpoint that needs one answers the 503 that is described."""
    nowhere = Settings(kafka_bootstrap="127.0.0.1:1", zookeeper_hosts="127.0.0.1:1")
    with running_api(nowhere, tmp_path, database_url="mysql+pymysql://kiwi@127.0.0.1:1/kiwi") as api:
        description = Description(api.get("/openapi.json").json)
        for path in ("/querybyid?id=1", "/querybyuserid?user-id=7", "/amount", "/rates", "/readyz"):
            description.check("get", path.partition("?")[0], api.get(path))
        for path in ("/", "/orders"):
            description.check(
                "post",
                path,
                api.request("POST", path, SAMPLE_BODY),
            )
        assert {status for _, _, status in description.seen} == {"503"}


def test_orders_that_the_document_allows_are_taken(api: ApiServer) -> None:
    """Its limits are those of the code: the smallest and the largest of everything pass both."""
    order = {"$ref": "#/components/schemas/Order"}
    document = api.get("/openapi.json").json
    validator = OAS31Validator({**order, "components": document["components"]})
    smallest = {"user_id": 0, "initiator": "CNY", "time": 0, "items": [{"id": 1, "number": 1}]}
    largest = {
        "user_id": 2**63 - 1,
        "initiator": "EUR",
        "time": 253_402_300_799_999,
        "items": [{"id": 2**31 - 1, "number": 1_000_000}] * 100,
        "idempotency_key": "~" * 64,
    }
    beyond = [
        smallest | {"user_id": -1},
        smallest | {"items": []},
        smallest | {"initiator": "GBP"},
        largest | {"time": 253_402_300_800_000},
        largest | {"idempotency_key": "~" * 65},
        largest | {"items": [{"id": 2**31, "number": 1}]},
        smallest | {"extra": 1},
    ]
    for value in (smallest, largest):
        assert validator.is_valid(value)
        assert api.post(value).status == 202
    for value in beyond:
        assert not validator.is_valid(value)
        assert api.post(value).status == 422
