"""The settlement job launched, launched again, changed, suspended, resumed, and failing."""

import pytest
from kazoo.client import KazooClient

from local.airflow import airflow_environment
from local.connections import Connections
from local.home import LocalSettings, SetupError
from local.launch import launch, suspend
from local.stack import Stack
from local.wanted import read_wanted
from settlement.zookeeper import RATES_PATH, connect_zookeeper
from tests.e2e.client import Client, order_of
from tests.e2e.command import run
from tests.settling_stack import bring_up_settling, write_rates

_PATIENCE_SECONDS = 4


def settlement_pid(stack: Stack) -> int:
    """Return the process of the job; 0 when there is none."""
    return stack.supervisor.state("settlement").pid


def settle_one(stack: Stack) -> bool:
    """Send an order; return whether it was settled with success."""
    client = Client(stack.home.address("api"))
    return bool(client.settled(client.post(order_of(5, "CNY", {"2": 1})))["success"])


def test_a_second_launch_changes_nothing(stack: Stack) -> None:
    """The job runs on, and the command says so; also when a task of Airflow launches it."""
    before = settlement_pid(stack)
    assert launch(stack).startswith("running as wanted")
    of_a_task = airflow_environment(Connections.of(stack.home, stack.settings), stack.settings)
    answer = run(stack, "launch", environment=of_a_task)
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.startswith("settlement running as wanted")
    assert settlement_pid(stack) == before


def test_a_changed_setting_restarts_the_job_alone(stack: Stack) -> None:
    """One job runs, with the new setting, which outlives a launch without any; the other services go on."""
    before = {name: state.pid for name, state in stack.supervisor.states().items()}
    assert launch(stack, batch_orders_max=1_234).startswith("settings changed, restarted: batches of at most 1,234")
    assert launch(stack).startswith("running as wanted: batches of at most 1,234")
    after = {name: state.pid for name, state in stack.supervisor.states().items()}
    assert {name for name in after if after[name] != before[name]} == {"settlement"}
    assert settle_one(stack)


def test_a_suspended_job_waits_for_the_next_launch(stack: Stack) -> None:
    """It stops; neither `up` nor an order starts it; status does not call that a fault; launch resumes it."""
    wanted = read_wanted(stack.home)
    client = Client(stack.home.address("api"))
    suspend(stack)
    try:
        assert settlement_pid(stack) == 0
        waiting = client.post(order_of(6, "CNY", {"2": 1}))
        assert run(stack, "up").returncode == 0
        assert settlement_pid(stack) == 0
        status = run(stack, "status")
    finally:
        outcome = launch(stack)
    assert status.returncode == 0
    assert "suspended" in status.stdout
    assert outcome.startswith("resumed")
    assert client.settled(waiting)["success"]
    assert read_wanted(stack.home) == wanted


def test_a_job_that_cannot_settle_is_failing(stack: Stack) -> None:
    """Without rates and with an order waiting, the launch fails and names log and remedy; with rates all is well."""
    zookeeper = connect_zookeeper(stack.home.address("zookeeper"))
    try:
        remove_rates(zookeeper)
    finally:
        zookeeper.stop()
        zookeeper.close()
    client = Client(stack.home.address("api"))
    waiting = client.post(order_of(7, "CNY", {"2": 1}))
    impatient = LocalSettings.model_validate(stack.settings.model_dump() | {"up_seconds_max": _PATIENCE_SECONDS})
    with pytest.raises(SetupError) as caught:
        launch(Stack(impatient))
    assert "holding" in str(caught.value)
    assert "settlement.log" in str(caught.value)
    assert "refresh_fx" in str(caught.value)
    write_rates(stack)
    assert client.settled(waiting)["success"]
    bring_up_settling(stack)


def remove_rates(zookeeper: KazooClient) -> None:
    """Take all rates away."""
    zookeeper.delete(RATES_PATH, recursive=True)
