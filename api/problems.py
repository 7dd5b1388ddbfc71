"""Every error that the API answers with: RFC 9457 problems, each kind named once."""

from collections.abc import Sequence
from enum import Enum
from typing import Any, Final

import falcon
import msgspec

from settlement.order import Problem as FieldError

MEDIA_TYPE: Final = "application/problem+json"


class Kind(Enum):
    """A kind of problem: its name in `type` and in the metrics, its status, its title."""

    MALFORMED = ("malformed", 400, "The body is not the JSON that is expected here")
    BAD_PARAMETER = ("bad-parameter", 400, "A query parameter is missing or wrong")
    UNKNOWN_ORDER = ("unknown-order", 404, "There is no such order")
    SLOW_CLIENT = ("slow-client", 408, "The request took too long to arrive")
    TOO_LARGE = ("too-large", 413, "The body is too large")
    INVALID = ("invalid-order", 422, "The order has wrong or missing fields")
    OVERLOADED = ("overloaded", 503, "Too many requests are being worked on")
    LOG_UNAVAILABLE = ("log-unavailable", 503, "Orders cannot be taken now")
    OUTCOME_UNKNOWN = ("outcome-unknown", 503, "It is unknown whether the order was taken")
    DEPENDENCY = ("dependency-unavailable", 503, "A server behind the API does not answer")
    RATES_UNAVAILABLE = ("rates-unavailable", 503, "There are no exchange rates that may price an order")
    NOT_READY = ("not-ready", 503, "The API is not ready")

    def __init__(self, slug: str, status: int, title: str) -> None:
        self.slug = slug
        self.status = status
        self.title = title

    @property
    def uri(self) -> str:
        """What `type` holds."""
        return f"urn:kiwi:problem:{self.slug}"


RETRY_SECONDS: Final = 1
"""What `Retry-After` says with every 503."""

UNKNOWN_OUTCOME_DETAIL: Final = (
    "Kafka did not acknowledge in time; the order may or may not have been taken. Send it again with the same"
    " Idempotency-Key: it is then bought once at most."
)


class ApiProblem(falcon.HTTPError):
    """A problem of one of the kinds, with its detail and the fields that are wrong."""

    def __init__(self, kind: Kind, detail: str, errors: Sequence[FieldError] = (), **members: Any) -> None:
        headers = {"Retry-After": str(RETRY_SECONDS)} if kind.status == 503 else None
        super().__init__(kind.status, title=kind.title, description=detail, headers=headers)
        self.kind = kind
        self.errors = errors
        self.members = members

    def to_dict(self, obj_type: type = dict) -> Any:
        """Return the members of the problem, in the order of RFC 9457."""
        document = obj_type(type=self.kind.uri, title=self.title, status=self.kind.status, detail=self.description)
        if self.errors:
            document["errors"] = [{"pointer": error.pointer, "detail": error.detail} for error in self.errors]
        document.update(self.members)
        return document


def serialize_error(_: falcon.Request, response: falcon.Response, error: falcon.HTTPError) -> None:
    """Write any HTTP error as a problem; Falcon's own (404, 405, ..) have the type `about:blank`."""
    if isinstance(error, ApiProblem):
        document = error.to_dict()
    else:
        title = falcon.code_to_http_status(error.status_code)[4:]
        document = {"type": "about:blank", "title": title, "status": error.status_code}
        if error.description:
            document["detail"] = error.description
    response.data = msgspec.json.encode(document)
    response.content_type = MEDIA_TYPE
