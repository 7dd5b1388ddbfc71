"""From an installation to an audited ledger, by DAGs alone."""

import re

import pytest
from kazoo.client import KazooClient
from sqlalchemy import Engine

from settlement.audit_outcome import read_outcome
from settlement.provision.kubernetes import CUSTOM_RESOURCES
from tests.cluster.figures import timed
from tests.cluster.kubectl import kubectl
from tests.cluster.ledger import results
from tests.dags.dag_run import DagRuns
from tests.kubernetes.helm import run_helm

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1800)]

ORDERS = 20_000


def lacking() -> set[str]:
    """Return what the provision check must find wrong with this cluster: parts that the tests do without."""
    known = kubectl("get", "crd", "--output=name")
    found = {name for name in CUSTOM_RESOURCES if name not in known}
    if not kubectl(
        "get", "pods", "--all-namespaces", "--selector=app=nfs-subdir-external-provisioner", "--output=name"
    ):
        found.add("NFS provisioner")
    return found


def test_the_provision_check_finds_what_lacks_and_nothing_else(
    settling: DagRuns, capfd: pytest.CaptureFixture[str]
) -> None:
    """Each server is green; of the cluster exactly those parts are red that it does not have."""
    with timed("DAG provision_check"):
        outcome = settling.run("provision_check")
    red = {task for task, state in outcome.tasks.items() if state != "success"}
    said = capfd.readouterr()
    assert set(re.findall(r"FAILED  ([^:]+):", said.out + said.err)) == lacking()
    assert red == ({"kubernetes"} if lacking() else set())


def test_a_benchmark_from_inside_is_settled_and_audited(
    settling: DagRuns, ledger: Engine, zookeeper: KazooClient
) -> None:
    """Each of 20,000 orders has its one result, and the recount from Kafka's log agrees with every row."""
    before = results(ledger)
    with timed(f"DAG benchmark, {ORDERS:,} orders as fast as they go"):
        outcome = settling.run("benchmark", orders=ORDERS, rate=0, bulk=1000)
    assert outcome.tasks == {"send_orders": "success", "audit": "success", "compare": "success"}
    assert results(ledger) == before + ORDERS
    with timed("DAG audit_ledger"):
        assert settling.run("audit_ledger").state == "success"
    found = read_outcome(zookeeper)
    assert found is not None
    assert (found.differences, found.orders) == (0, results(ledger))


def test_the_charts_own_test_passes(settling: DagRuns) -> None:
    """`helm test kiwi` asks each server from a pod."""
    assert "Succeeded" in run_helm("test", "kiwi", "--namespace=kiwi", "--timeout=3m", seconds=200)
