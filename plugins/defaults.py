"""What all DAGs share."""

from datetime import timedelta
from typing import Any, Final

from plugins.alert import alert

OWNER: Final = "kiwi"

TAGS: Final = frozenset({"setup", "catalogue", "rates", "settlement", "load", "audit", "scheduled", "on demand"})
"""The only tags there are."""

TASK_DEFAULTS: Final[dict[str, Any]] = {
    "owner": OWNER,
    "retries": 2,
    "retry_delay": timedelta(seconds=10),
    "retry_exponential_backoff": 2.0,
    "max_retry_delay": timedelta(minutes=2),
    "execution_timeout": timedelta(minutes=10),
    "on_failure_callback": alert,
}

DAG_DEFAULTS: Final[dict[str, Any]] = {
    "default_args": TASK_DEFAULTS,
    "catchup": False,  # what was missed is not made up for; without a start date, neither is the last time before today
    "max_active_runs": 1,
}
"""What stands besides `doc_md=__doc__`, tags and Params in each DAG."""
