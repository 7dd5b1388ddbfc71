"""From what went wrong inside to the problem that the client is told, in one place."""

from functools import singledispatch
from typing import Any

from falcon.asgi import App, Request, Response

from api.metrics import Metrics
from api.order_log import LogUnavailableError, TooMuchInFlightError
from api.problems import ApiProblem, Kind, serialize_error
from api.threads import DependencyError
from settlement.order import OrderInvalidError, OrderMalformedError
from settlement.rates import RatesUnavailableError


def add_error_handlers(app: App[Any, Any], metrics: Metrics) -> None:
    """Let the application answer every expected error as a problem, and count refused orders by its kind."""

    async def handle(request: Request, _: Response, error: Exception, __: dict[str, Any]) -> None:
        problem = to_problem(error)
        if request.method == "POST":
            metrics.refuse(problem.kind)
        raise problem

    for expected in set(to_problem.registry) - {object}:
        app.add_error_handler(expected, handle)
    app.set_error_serializer(serialize_error)


@singledispatch
def to_problem(error: Exception) -> ApiProblem:
    """Return the problem that tells the client of this error."""
    raise error


@to_problem.register
def _(error: ApiProblem) -> ApiProblem:
    return error


@to_problem.register
def _(error: OrderMalformedError) -> ApiProblem:
    return ApiProblem(Kind.MALFORMED, str(error))


@to_problem.register
def _(error: OrderInvalidError) -> ApiProblem:
    return ApiProblem(Kind.INVALID, str(error), error.problems)


@to_problem.register
def _(error: LogUnavailableError) -> ApiProblem:
    return ApiProblem(Kind.LOG_UNAVAILABLE, f"Nothing was taken. Kafka cannot be reached: {error}")


@to_problem.register
def _(_: TooMuchInFlightError) -> ApiProblem:
    return ApiProblem(Kind.OVERLOADED, "Nothing was taken. Too many orders wait for Kafka's acknowledgement")


@to_problem.register
def _(error: DependencyError) -> ApiProblem:
    return ApiProblem(Kind.DEPENDENCY, str(error), failing=[error.dependency])


@to_problem.register
def _(error: RatesUnavailableError) -> ApiProblem:
    return ApiProblem(Kind.RATES_UNAVAILABLE, str(error))
