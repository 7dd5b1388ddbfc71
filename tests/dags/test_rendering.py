"""What the Params of a form become on the command line, as Airflow renders them."""

from typing import Any

import pytest
from click import Command
from typer.main import get_command

from generator.__main__ import app
from tests.dags.airflow_home import PROJECT

FOLDER = "reports/manual__1_00_00"


@pytest.fixture
def rendered(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Renders a task's arguments with Params, without a database."""
    from airflow.dag_processing.dagbag import DagBag

    monkeypatch.setenv("KIWI_RUNTIME", "local")
    monkeypatch.setenv("KIWI_REPORT_DIR", "reports")

    def render(dag_id: str, task_id: str, **params: object) -> list[str]:
        dag = DagBag(str(PROJECT / "dags" / f"{dag_id}.py")).dags[dag_id]
        task: Any = dag.get_task(task_id)
        values = {name: dag.params.get_param(name).resolve(params.get(name, dag.params[name])) for name in dag.params}
        task.render_template_fields({"params": values, "run_id": "manual__1+00:00"}, task.get_template_env())
        return [argument for argument in task.arguments if argument]

    return render


def test_a_launch_says_only_what_was_asked_for(rendered: Any) -> None:
    """An empty field leaves a setting as it was; a filled one is passed on."""
    assert rendered("launch_settlement", "launch") == ["local", "launch"]
    filled = rendered("launch_settlement", "launch", batch_orders_max=20_000, rates_age_seconds_max=90.5)
    assert filled == ["local", "launch", "--batch-orders-max=20000", "--rates-age-seconds-max=90.5"]


def parse(arguments: list[str]) -> dict[str, Any]:
    """Return what the generator's own command line makes of the arguments."""
    command: Any = get_command(app)
    run: Command = command.commands["run"]
    assert arguments[:2] == ["generator", "run"]
    return dict(run.make_context("run", arguments[2:]).params)


def test_the_generator_understands_its_form(rendered: Any) -> None:
    """Every field of the form arrives as the option of its name; the report goes into the run's folder."""
    usual = parse(rendered("benchmark", "send_orders"))
    assert (usual["orders"], usual["seconds"], usual["rate"]) == (20_000, None, 1_000)
    assert str(usual["report_dir"]) == FOLDER
    changed = {"seconds": 2.5, "rate": 0, "bulk": 100, "currencies": ["USD", "JPY"], "bad_share": 0.25, "users": 7}
    found = parse(rendered("benchmark", "send_orders", **changed))
    assert (found["orders"], found["seconds"], found["rate"], found["bulk"]) == (None, 2.5, 0, 100)
    assert (found["currencies"], found["bad_share"], found["users"]) == ("USD,JPY", 0.25, 7)


def test_the_comparison_looks_into_the_same_folder(rendered: Any) -> None:
    """What is compared is what was written."""
    assert rendered("benchmark", "compare") == ["generator", "compare", FOLDER]
