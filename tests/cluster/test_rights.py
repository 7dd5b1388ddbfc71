"""What each ServiceAccount may do on the cluster, as its API server decides it: the manual's table."""

import subprocess

import pytest

from tests.cluster.kubectl import KAFKA_NAMESPACE, NAMESPACE, kubectl
from tests.cluster.place import Place

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1800)]

APPLICATION = "sparkapplications.sparkoperator.k8s.io"
OURS = f"{APPLICATION}/kiwi-settlement"
MAY = {
    "kiwi-settlement": ["create pods", "delete pods", "list pods", "create configmaps", "deletecollection configmaps"],
    "kiwi-launcher": [
        f"create {APPLICATION}",
        f"get {OURS}",
        f"patch {OURS}",
        "get configmaps/kiwi-settlement",
        "get pods/kiwi-settlement-driver --subresource=log",
    ],
    "kiwi-provision": ["list storageclasses.storage.k8s.io", "list customresourcedefinitions.apiextensions.k8s.io"],
}
MAY_NOT = {
    "kiwi-api": ["get pods", "list configmaps", "get secrets", f"get {OURS}"],
    "kiwi-task": ["get pods", "list configmaps", "get secrets", "create pods", f"patch {OURS}"],
    "kiwi-settlement": [
        "get secrets",
        "list secrets",
        f"patch {OURS}",
        "create services",
        "create persistentvolumeclaims",
        "create rolebindings.rbac.authorization.k8s.io",
        "create pods --subresource=exec",
        f"get pods --namespace={KAFKA_NAMESPACE}",
        "list nodes",
    ],
    "kiwi-launcher": [
        "create pods",
        "delete pods",
        "get secrets",
        f"delete {OURS}",
        f"list {APPLICATION}",
        f"patch {APPLICATION}/another",
        "get configmaps/kiwi",
        "get pods/kiwi-api --subresource=log",
    ],
    "kiwi-provision": [
        "create pods",
        "delete pods",
        "get secrets",
        f"patch {OURS}",
        "patch storageclasses.storage.k8s.io",
    ],
}


def answer(account: str, question: str) -> str:
    """Return `yes` or `no`, as the API server says it of a ServiceAccount."""
    asked = ("auth", "can-i", *question.split(), f"--as=system:serviceaccount:{NAMESPACE}:{account}")
    try:
        return kubectl(*asked).split()[0]
    except subprocess.CalledProcessError as refusal:  # the exit code of `no` is 1
        return str(refusal.stderr).split()[-1]


@pytest.mark.parametrize("account", MAY)
def test_accounts_may_do_their_work(account: str, installed: Place) -> None:
    """What the work needs is allowed."""
    assert {question: answer(account, question) for question in MAY[account]} == dict.fromkeys(MAY[account], "yes")


@pytest.mark.parametrize("account", MAY_NOT)
def test_accounts_may_do_nothing_else(account: str, installed: Place) -> None:
    """What the work does not need is refused."""
    assert {question: answer(account, question) for question in MAY_NOT[account]} == dict.fromkeys(
        MAY_NOT[account], "no"
    )


def test_pods_that_need_no_rights_have_no_token(installed: Place) -> None:
    """The API's pods hold nothing by which they could speak to the cluster."""
    folder = "/var/run/secrets/kubernetes.io/serviceaccount"
    assert "none" in kubectl("exec", "deployment/kiwi-api", "--", "bash", "-c", f"[ -e {folder} ] || echo none")
