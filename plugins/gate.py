"""A task that does nothing but stand at the end: it is green only if all before it are, and so makes the run red."""

from airflow.providers.standard.operators.empty import EmptyOperator


def gate(task_id: str) -> EmptyOperator:
    """Return such a task; it costs no process."""
    return EmptyOperator(task_id=task_id)
