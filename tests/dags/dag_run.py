"""Runs one DAG to its end in this process, and tells how each task ended."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Outcome:
    """How a run ended.

    Attributes:
        state: of the run.
        tasks: state by task; a mapped one as `task[index]`.
        run_id: its name.
    """

    state: str
    tasks: dict[str, str]
    run_id: str


class DagRuns:
    """Reads DAG files anew, so that they see the test's environment, and runs them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load(self, dag_id: str) -> Any:
        """Return the DAG as its file defines it now."""
        from airflow.dag_processing.dagbag import DagBag

        bag = DagBag(str(self._folder / f"{dag_id}.py"))
        assert not bag.import_errors
        return bag.dags[dag_id]

    def run(self, dag_id: str, **params: object) -> Outcome:
        """Run it with these Params, each task at most once."""
        dag = self.load(dag_id)
        for task in dag.tasks:
            task.retries = 0
        run = dag.test(run_conf=params)
        tasks = {
            instance.task_id + (f"[{instance.map_index}]" if instance.map_index >= 0 else ""): str(instance.state)
            for instance in run.get_task_instances()
        }
        return Outcome(str(run.state), tasks, run.run_id)
