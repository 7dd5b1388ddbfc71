"""The composition root: which resource answers which path, and what stands behind it."""

import logging
from dataclasses import dataclass
from typing import Any, Protocol

from falcon.asgi import App

from api.amount import AmountResource
from api.bulk import BulkResource
from api.coordination import Coordination
from api.errors import add_error_handlers
from api.health import LiveResource, ReadyResource
from api.ledger_reader import THREADS, LedgerReader
from api.log_ends import LogEnds
from api.metrics import Metrics, MetricsResource
from api.openapi import OpenApiResource
from api.order_log import KafkaOrderLog, OrderLog
from api.orders import OrderResource
from api.rates import RatesResource
from api.request import TimedRequest
from api.results import OrderResultResource, UserResultsResource
from settlement.database import create_database_engine
from settlement.settings import Settings, settings


@dataclass(frozen=True)
class Dependencies:
    """What the resources stand on; none of it connects before the worker's event loop runs."""

    settings: Settings
    log: OrderLog
    ends: LogEnds
    ledger: LedgerReader
    coordination: Coordination
    metrics: Metrics


class Service(Protocol):
    """Something with connections or tasks of its own."""

    async def start(self) -> None:
        """Begin in the running event loop; must not wait for any server."""

    async def stop(self) -> None:
        """End; requests in flight have been answered before."""


class Lifespan:
    """Falcon's middleware hooks around the life of a worker."""

    def __init__(self, *services: Service) -> None:
        self._services = services

    async def process_startup(self, _: Any, __: Any) -> None:
        """Start all."""
        for service in self._services:
            await service.start()

    async def process_shutdown(self, _: Any, __: Any) -> None:
        """Stop all, each even if another fails."""
        for service in self._services:
            try:
                await service.stop()
            except Exception:
                logging.getLogger(__name__).exception("stopping %s failed", type(service).__name__)


def create_app(given: Dependencies, *lifespan: Lifespan) -> App[TimedRequest, Any]:
    """Return the application on these dependencies."""
    app: App[TimedRequest, Any] = App(request_type=TimedRequest, middleware=[*lifespan, given.metrics])
    ingest = (given.settings, given.log, given.ledger, given.metrics)
    app.add_route("/", OrderResource(*ingest))
    app.add_route("/orders", BulkResource(*ingest))
    app.add_route("/querybyid", OrderResultResource(given.ledger, given.ends))
    app.add_route("/querybyuserid", UserResultsResource(given.settings, given.ledger))
    app.add_route("/amount", AmountResource(given.ledger))
    app.add_route("/rates", RatesResource(given.coordination))
    app.add_route("/livez", LiveResource())
    app.add_route("/readyz", ReadyResource(given.log, given.ends, given.ledger, given.coordination))
    app.add_route("/metrics", MetricsResource(given.metrics))
    app.add_route("/openapi.json", OpenApiResource(given.settings))
    add_error_handlers(app, given.metrics)
    return app


def get_app() -> App[TimedRequest, Any]:
    """Return the application as the environment describes it; called by each gunicorn worker after the fork."""
    chosen = settings()
    metrics = Metrics()
    given = Dependencies(
        settings=chosen,
        log=KafkaOrderLog(chosen, metrics.show_in_flight),
        ends=LogEnds(chosen),
        ledger=LedgerReader(create_database_engine(chosen.database_url.get_secret_value(), pool_size=THREADS)),
        coordination=Coordination(chosen),
        metrics=metrics,
    )
    return create_app(given, Lifespan(given.log, given.ends, given.ledger, given.coordination))
