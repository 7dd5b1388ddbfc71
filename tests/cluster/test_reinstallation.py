"""Installing again changes nothing; removing and installing keeps the ledger and goes on with it."""

import json

import pytest
from kazoo.client import KazooClient
from sqlalchemy import Engine

from settlement.audit_outcome import read_outcome
from tests.cluster.conftest import RATES_AGE_SECONDS_MAX
from tests.cluster.figures import timed
from tests.cluster.installation import install_kiwi, install_operator, install_zookeeper, uninstall
from tests.cluster.kubectl import await_condition, find, kubectl
from tests.cluster.ledger import results
from tests.cluster.place import Place
from tests.dags.dag_run import DagRuns

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1800)]

KINDS = "deployment,statefulset,configmap,service,role,rolebinding,serviceaccount,networkpolicy,pvc,pdb,pod"


def versions() -> dict[str, str]:
    """Return what was specified of each object of ours, by name, and each pod's own id."""
    found = json.loads(kubectl("get", KINDS, "--output=json"))["items"]
    return {
        f"{each['kind']}/{each['metadata']['name']}": each["metadata"]["uid"]
        + json.dumps(each.get("data") or each.get("rules") or each["metadata"].get("generation"), sort_keys=True)
        for each in found
        if each["metadata"].get("labels", {}).get("app.kubernetes.io/component") != "task"
    }


def test_a_second_installation_changes_nothing(settling: DagRuns, installed: Place) -> None:
    """No object has another specification, and no pod was replaced."""
    before = versions()
    assert any(name.startswith("Pod/kiwi-settlement-driver") for name in before)
    install_operator(installed)
    install_zookeeper(installed)
    install_kiwi(installed)
    assert versions() == before


def test_removed_and_installed_again_the_ledger_goes_on(
    settling: DagRuns, installed: Place, ledger: Engine, zookeeper: KazooClient
) -> None:
    """Claims and database outlive the charts; the job goes on, and the recount still agrees with every order ever."""
    before = results(ledger)
    with timed("uninstall kiwi and zookeeper"):
        kubectl("delete", "sparkapplication", "kiwi-settlement", "--wait", "--timeout=150s", seconds=160)
        await_condition("no driver", lambda: find("pod", "kiwi-settlement-driver") is None, 150)
        uninstall("kiwi")
        uninstall("zookeeper")
    with timed("install them again"):
        install_zookeeper(installed)
        install_kiwi(installed)
    assert results(ledger) == before
    with timed("launch_settlement after that"):
        assert settling.run("launch_settlement", rates_age_seconds_max=RATES_AGE_SECONDS_MAX).state == "success"
    assert settling.run("benchmark", orders=1_000, rate=0, bulk=100).state == "success"
    found = read_outcome(zookeeper)
    assert found is not None
    assert (found.differences, found.orders) == (0, before + 1_000)
