"""`GET /openapi.json`: the API described once, with the very types that its answers are encoded from."""

from inspect import cleandoc
from typing import Any, Final

import msgspec
from falcon.asgi import Request, Response
from msgspec.json import schema_components

from api.answers import Accepted, AcceptedOutcome, Pending, ProblemDocument, Rates, Ready, RefusedOutcome
from api.problems import MEDIA_TYPE as PROBLEM
from api.problems import Kind
from settlement.order import BYTES_MAX, USER_ID_MAX, Order
from settlement.orderid import ID_MAX
from settlement.queries import Result, Turnover
from settlement.settings import Settings

JSON: Final = "application/json"
NDJSON: Final = "application/x-ndjson"
TEXT: Final = "text/plain"

_TYPES: Final = (
    Order,
    Accepted,
    AcceptedOutcome,
    RefusedOutcome,
    Pending,
    Result,
    Turnover,
    Rates,
    Ready,
    ProblemDocument,
)
_VARIANTS: Final = (
    "Numbers may come as strings of digits, `RMB` for `CNY`, `userid` for `user_id`. No content type is needed."
)
_BODY_PROBLEMS: Final = (Kind.MALFORMED, Kind.SLOW_CLIENT, Kind.TOO_LARGE, Kind.INVALID)
_LOG_PROBLEMS: Final = (Kind.OVERLOADED, Kind.LOG_UNAVAILABLE)


class OpenApiResource:
    """Answers the description."""

    def __init__(self, settings: Settings) -> None:
        self._document = msgspec.json.encode(describe(settings))

    async def on_get(self, _: Request, resp: Response) -> None:
        """Answer an OpenAPI 3.1 document."""
        resp.data = self._document


def describe(settings: Settings) -> dict[str, Any]:
    """Return the document, with the limits of this installation."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Kiwi settlement",
            "version": "1.0.0",
            "description": "Takes purchase orders and tells what became of them. Errors are RFC 9457 problems.",
        },
        "paths": _ingest(settings) | _queries(settings) | _operations(),
        "components": {"schemas": _schemas()},
    }


def _ingest(settings: Settings) -> dict[str, Any]:
    outcome = {"anyOf": [_ref(AcceptedOutcome), _ref(RefusedOutcome)]}
    outcomes = {JSON: {"type": "array", "items": outcome}}
    return {
        "/": {
            "post": {
                "operationId": "placeOrder",
                "summary": "Place one order",
                "description": f"Answered once the order is durable; then it will be settled. {_VARIANTS}",
                "parameters": [
                    {
                        "name": "Idempotency-Key",
                        "in": "header",
                        "description": "Orders of one user with the same key and content are bought once.",
                        "schema": {"type": "string", "minLength": 1, "maxLength": 64},
                    }
                ],
                "requestBody": _request(f"At most {BYTES_MAX} bytes.", {JSON: _ref(Order)}),
                "responses": {
                    "202": _answer("Accepted", {JSON: _ref(Accepted)}, Location="where its result will be"),
                    **_problems(*_BODY_PROBLEMS, *_LOG_PROBLEMS, Kind.OUTCOME_UNKNOWN),
                },
            }
        },
        "/orders": {
            "post": {
                "operationId": "placeOrders",
                "summary": "Place many orders",
                "description": "A JSON array, or one order a line if the content type says NDJSON or the first byte"
                f" is no `[`. The answer has an outcome for each order, in the order sent. {_VARIANTS}",
                "requestBody": _request(
                    f"At most {settings.api_bulk_bytes_max} bytes and {settings.api_bulk_orders_max} orders.",
                    {JSON: {"type": "array", "items": _ref(Order), "minItems": 1}, NDJSON: _ref(Order)},
                ),
                "responses": {
                    "202": _answer("All were accepted", outcomes),
                    "207": _answer("Not all were accepted: read each outcome", outcomes),
                    **_problems(*_BODY_PROBLEMS, *_LOG_PROBLEMS),
                },
            }
        },
    }


def _queries(settings: Settings) -> dict[str, Any]:
    user_id = _integer("user-id", 0, USER_ID_MAX, "`userid` and `user_id` are accepted too", required=True)
    after = _integer("after", 0, ID_MAX, "the last id of the page before")
    limit = _integer("limit", 1, settings.api_page_rows_max, "results on the page; by default as many as allowed")
    by_id = _get("queryById", "What became of an order", _integer("id", 0, ID_MAX, "the order", required=True))
    by_id["responses"] = {
        "200": _answer("It is settled", {JSON: _ref(Result)}),
        "202": _answer("It waits", {JSON: _ref(Pending)}),
        **_problems(Kind.BAD_PARAMETER, Kind.UNKNOWN_ORDER, Kind.DEPENDENCY),
    }
    by_user = _get("queryByUserId", "What became of a user's orders, oldest first", user_id, after, limit)
    page = _answer("A page", {JSON: {"type": "array", "items": _ref(Result)}}, Link='the next page, as rel="next"')
    by_user["responses"] = {"200": page, **_problems(Kind.BAD_PARAMETER, Kind.DEPENDENCY)}
    amount = _get("amount", "Everything paid: the CNY amount as a bare number, or all totals as JSON")
    amount["responses"] = {
        "200": _answer("As of the last batch", {TEXT: {"type": "number"}, JSON: _ref(Turnover)}),
        **_problems(Kind.DEPENDENCY),
    }
    rates = _get("rates", "The rates that the next batch would be settled at")
    rates["responses"] = {
        "200": _answer("Current", {JSON: _ref(Rates)}),
        **_problems(Kind.RATES_UNAVAILABLE, Kind.DEPENDENCY),
    }
    return {
        "/querybyid": {"get": by_id},
        "/querybyuserid": {"get": by_user},
        "/amount": {"get": amount},
        "/rates": {"get": rates},
    }


def _operations() -> dict[str, Any]:
    live = _get("live", "Whether the process answers")
    live["responses"] = {"200": _answer("It does", {TEXT: {"type": "string"}})}
    ready = _get("ready", "Whether every server behind the API answers")
    ready["responses"] = {"200": _answer("They do", {JSON: _ref(Ready)}), **_problems(Kind.NOT_READY)}
    metrics = _get("metrics", "Counters of all workers, for Prometheus")
    metrics["responses"] = {"200": _answer("Prometheus's text format", {TEXT: {"type": "string"}})}
    openapi = _get("openapi", "This document")
    openapi["responses"] = {"200": _answer("OpenAPI 3.1", {JSON: {"type": "object"}})}
    return {
        "/livez": {"get": live},
        "/readyz": {"get": ready},
        "/metrics": {"get": metrics},
        "/openapi.json": {"get": openapi},
    }


def _get(name: str, summary: str, *parameters: dict[str, Any]) -> dict[str, Any]:
    return {"operationId": name, "summary": summary, "parameters": list(parameters)}


def _integer(name: str, low: int, high: int, description: str, *, required: bool = False) -> dict[str, Any]:
    schema = {"type": "integer", "minimum": low, "maximum": high}
    return {"name": name, "in": "query", "required": required, "description": description, "schema": schema}


def _request(description: str, schemas: dict[str, Any]) -> dict[str, Any]:
    return {"required": True, "description": description, "content": _content(schemas)}


def _answer(description: str, schemas: dict[str, Any], **headers: str) -> dict[str, Any]:
    shown = {name: {"description": text, "schema": {"type": "string"}} for name, text in headers.items()}
    return {"description": description, "headers": shown, "content": _content(schemas)}


def _content(schemas: dict[str, Any]) -> dict[str, Any]:
    return {media_type: {"schema": schema} for media_type, schema in schemas.items()}


def _problems(*kinds: Kind) -> dict[str, Any]:
    """Return one answer for each status; kinds that share a status are told apart by `type`."""
    described: dict[int, list[str]] = {}
    for kind in kinds:
        described.setdefault(kind.status, []).append(f"{kind.title} (`{kind.uri}`).")
    retry = {"Retry-After": "seconds to wait before trying again"}
    return {
        str(status): _answer(" ".join(texts), {PROBLEM: _ref(ProblemDocument)}, **(retry if status == 503 else {}))
        for status, texts in described.items()
    }


def _ref(kind: type) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{kind.__name__}"}


def _schemas() -> dict[str, Any]:
    _, schemas = schema_components(_TYPES, ref_template="#/components/schemas/{name}")
    return {name: _adapted(schema) for name, schema in schemas.items()}


def _adapted(schema: Any) -> Any:
    """Return msgspec's schema as our answers are: decimals are numbers; and patterns as ECMA 262 writes them."""
    match schema:
        case {"format": "decimal"}:
            return {"type": "number"}
        case dict():
            return {name: _adapted(value) for name, value in schema.items()}
        case list():
            return [_adapted(value) for value in schema]
        case str():
            return cleandoc(schema).replace(r"\Z", "$")
    return schema
