"""Launching again: the job is left alone, restarted, resumed or replaced, and never loses an order."""

from typing import Any

import pytest
from sqlalchemy import Engine

from jobs.application import BATCH_ORDERS_MAX, asked_for, state_of, submission_of
from tests.cluster.conftest import RATES_AGE_SECONDS_MAX
from tests.cluster.figures import timed
from tests.cluster.kubectl import await_condition, find, kubectl
from tests.cluster.ledger import last_commit
from tests.cluster.load import assert_load_settled, start_load
from tests.cluster.place import Place
from tests.dags.dag_run import DagRuns

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1800)]


def application() -> dict[str, Any]:
    """Return the SparkApplication with its status."""
    found = find("sparkapplication", "kiwi-settlement")
    assert found is not None
    return found


def test_a_job_that_runs_as_wanted_is_left_alone(settling: DagRuns) -> None:
    """Launched again, it is neither restarted nor changed."""
    before = application()
    with timed("launch_settlement, running as wanted"):
        assert settling.run("launch_settlement").state == "success"
    after = application()
    assert state_of(after) == "RUNNING"
    assert submission_of(after) == submission_of(before)
    assert after["metadata"]["generation"] == before["metadata"]["generation"]


def test_changed_settings_restart_it_under_load(settling: DagRuns, ledger: Engine, installed: Place) -> None:
    """A new driver with the new setting goes on where the old one stopped; what was asked for before stays."""
    before, commit = application(), last_commit(ledger)
    batch_orders_max = int(asked_for(before).get(BATCH_ORDERS_MAX, 10_000)) + 1
    start_load(installed.image, seconds=90)
    await_condition("settled orders of the load", lambda: last_commit(ledger).batch > commit.batch, 120)
    with timed("launch_settlement, changed settings: until it commits again"):
        assert settling.run("launch_settlement", batch_orders_max=batch_orders_max).state == "success"
    after = application()
    assert submission_of(after) != submission_of(before)
    asked = asked_for(after)
    assert asked == {
        BATCH_ORDERS_MAX: str(batch_orders_max),
        "KIWI_RATES_AGE_SECONDS_MAX": f"{RATES_AGE_SECONDS_MAX:g}",
    }
    assert last_commit(ledger).token > commit.token
    assert_load_settled()


def test_a_suspended_job_is_resumed(settling: DagRuns, ledger: Engine, installed: Place) -> None:
    """Suspended, its driver goes and orders wait; a launch brings it back and they are settled."""
    patch = '{"spec": {"suspend": true}}'
    kubectl("patch", "sparkapplication", "kiwi-settlement", "--type=merge", f"--patch={patch}")
    with timed("suspend: until the driver's pod is gone"):
        await_condition("no driver", lambda: find("pod", "kiwi-settlement-driver") is None, 150)
    commit = last_commit(ledger)
    start_load(installed.image, seconds=10)
    with timed("launch_settlement, resumed"):
        assert settling.run("launch_settlement").state == "success"
    assert state_of(application()) == "RUNNING"
    assert_load_settled()
    assert last_commit(ledger).batch > commit.batch
