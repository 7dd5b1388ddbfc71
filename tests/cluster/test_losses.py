"""Pods are lost under load: settlement goes on by itself, each order has its one result, the recount agrees."""

import pytest
from sqlalchemy import Engine

from tests.cluster.figures import FIGURES, note
from tests.cluster.kubectl import KAFKA_NAMESPACE, NAMESPACE, await_condition, find, kubectl, pods, ready
from tests.cluster.ledger import last_commit, longest_pause_seconds
from tests.cluster.load import assert_load_settled, start_load
from tests.cluster.place import Place
from tests.dags.dag_run import DagRuns

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1800)]

AT_ONCE = ("--grace-period=0", "--force")
LOST = {
    "driver deleted": ("spark-role=driver", NAMESPACE, ()),
    "driver killed": ("spark-role=driver", NAMESPACE, AT_ONCE),
    "executor deleted": ("spark-role=executor", NAMESPACE, ()),
    "a pod of the API deleted": ("app.kubernetes.io/component=api", NAMESPACE, ()),
    "ZooKeeper member killed": ("app.kubernetes.io/name=zookeeper", NAMESPACE, AT_ONCE),
    "Kafka broker killed": ("app=kafka", KAFKA_NAMESPACE, AT_ONCE),
}


@pytest.mark.parametrize("what", LOST)
def test_nothing_is_lost_with(what: str, settling: DagRuns, ledger: Engine, installed: Place) -> None:
    """Its pods are as many as before and ready, orders were settled after it was gone, and the audit agrees."""
    selector, namespace, how = LOST[what]
    count = len(pods(selector, namespace))
    commit = last_commit(ledger)
    start_load(installed.image, seconds=45)
    await_condition("settled orders of the load", lambda: last_commit(ledger).batch > commit.batch, 120)
    victim = pods(selector, namespace)[0]["metadata"]
    kubectl("delete", "pod", victim["name"], "--wait=false", *how, namespace=namespace)
    struck = last_commit(ledger)

    def replaced() -> bool:
        now = pods(selector, namespace)
        return len(now) == count and all(ready(pod) and pod["metadata"]["uid"] != victim["uid"] for pod in now)

    note(f"{what}: its successor ready", await_condition(f"a successor of {victim['name']}", replaced, 240))
    assert_load_settled()
    pause = longest_pause_seconds(ledger, struck.batch)
    FIGURES.append(f"{what}: longest pause between two batches: {pause:.1f} s")
    if selector == "spark-role=driver":
        assert last_commit(ledger).token > struck.token
    assert last_commit(ledger).batch > struck.batch
    assert find("sparkapplication", "kiwi-settlement")["status"]["applicationState"]["state"] == "RUNNING"  # type: ignore[index]
    assert settling.run("audit_ledger").state == "success"
