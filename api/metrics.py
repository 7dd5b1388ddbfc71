"""`GET /metrics` for Prometheus, right for several workers: they add up through files in one directory."""

import asyncio
import os
import time
from typing import Any, Final

from falcon.asgi import Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from api.problems import Kind
from api.request import TimedRequest

_BUCKETS_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_METHODS: Final = frozenset(("GET", "POST"))


class Metrics:
    """All that the API counts. Made after the fork: the library names its files by process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        accepted = Counter("kiwi_orders_accepted", "Orders acknowledged to clients", registry=self.registry)
        refused = Counter("kiwi_orders_refused", "Orders not accepted", ["reason"], registry=self.registry)
        self._in_flight = Gauge(
            "kiwi_orders_in_flight",
            "Orders sent to Kafka and not yet answered, sampled",
            multiprocess_mode="livesum",
            registry=self.registry,
        )
        self._latency = Histogram(
            "kiwi_request_seconds",
            "From the first byte of the body to the answer",
            ["route", "method", "status"],
            buckets=_BUCKETS_SECONDS,
            registry=self.registry,
        )
        self._accepted = accepted
        # Label lookups cost more than counting: they are done once.
        self._refused = {kind: refused.labels(kind.slug) for kind in Kind}
        self._latencies: dict[tuple[str | None, str, str], Any] = {}
        self.show_in_flight = self._in_flight.set

    def accept(self, orders: int = 1) -> None:
        """Count orders that were acknowledged."""
        self._accepted.inc(orders)

    def refuse(self, kind: Kind, orders: int = 1) -> None:
        """Count orders that were not."""
        self._refused[kind].inc(orders)

    async def process_response(self, req: TimedRequest, resp: Response, _: object, __: bool) -> None:
        """Record how long the request took (Falcon's middleware hook)."""
        key = (req.uri_template, req.method, str(resp.status)[:3])
        latency = self._latencies.get(key)
        if latency is None:
            latency = self._latencies[key] = self._latency.labels(
                key[0] or "unmatched", key[1] if key[1] in _METHODS else "other", key[2]
            )
        latency.observe(time.perf_counter() - req.started)

    def render(self) -> bytes:
        """Return the text that Prometheus scrapes; of all workers if they share a directory."""
        if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
            return generate_latest(self.registry)
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry)


class MetricsResource:
    """Answers a scrape."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    async def on_get(self, _: Request, resp: Response) -> None:
        """Answer in Prometheus's text format."""
        resp.data = await asyncio.to_thread(self._metrics.render)
        resp.content_type = CONTENT_TYPE_LATEST
