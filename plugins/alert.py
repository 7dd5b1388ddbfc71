"""What happens when a task has finally failed: one line that a log collector can act upon."""

import logging
from typing import Any

log = logging.getLogger(__name__)

_REASON_CHARACTERS_MAX = 500


def alert(context: Any) -> None:
    """Log `ALERT dag=.. task=.. run=.. try=.. reason=..`; Airflow calls it after the last try."""
    instance = context["ti"]
    task = instance.task_id if instance.map_index < 0 else f"{instance.task_id}[{instance.map_index}]"
    reason = " ".join(str(context.get("exception") or "unknown").split())[:_REASON_CHARACTERS_MAX]
    log.error(
        "ALERT dag=%s task=%s run=%s try=%s reason=%s",
        instance.dag_id,
        task,
        instance.run_id,
        instance.try_number,
        reason,
    )
