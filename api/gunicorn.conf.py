"""How gunicorn serves the API: `gunicorn -c api/gunicorn.conf.py`. Everything else is in `settlement.settings`."""  # noqa: N999

import gc
import logging
import os
from pathlib import Path
from typing import Any

from prometheus_client import multiprocess

from settlement.settings import settings

_settings = settings()

wsgi_app = "api.app:get_app()"
worker_class = "api.worker.LimitedWorker"
asgi_loop = "uvloop"
asgi_lifespan = "on"
bind = _settings.api_bind
workers = _settings.api_workers
reuse_port = workers > 1  # otherwise the first worker takes nearly all connections
worker_connections = _settings.api_connections_max
keepalive = 5
timeout = 30
graceful_timeout = int(_settings.api_ack_seconds_max) + 5  # a request waits for Kafka no longer than that
proc_name = "kiwi-api"
control_socket_disable = True
accesslog = None  # /metrics tells how many, how fast and with which status


def on_starting(_: Any) -> None:
    """Forget what the workers of an earlier run counted."""
    directory = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    if directory:
        Path(directory).mkdir(parents=True, exist_ok=True)
        for file in Path(directory).glob("*.db"):
            file.unlink()


def post_fork(_: Any, __: Any) -> None:
    """Log beside gunicorn's own lines."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s [%(process)d] [%(levelname)s] %(name)s: %(message)s")
    # These report every single try to reconnect; what comes of it is reported by `api` itself.
    logging.getLogger("kafka").setLevel(logging.CRITICAL)
    logging.getLogger("kazoo").setLevel(logging.ERROR)


def post_worker_init(_: Any) -> None:
    """Collect garbage seldom: orders leave hardly any cycles, and what the start made need not be looked at again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)


def child_exit(_: Any, worker: Any) -> None:
    """Drop a dead worker's gauges; its counters stay in the sums."""
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        multiprocess.mark_process_dead(worker.pid)
