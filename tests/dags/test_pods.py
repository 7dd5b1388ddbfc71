"""The pods that tasks are on Kubernetes, rendered without a cluster and held against the schemas of its versions."""

from typing import Any

import kubernetes_validate
import pytest
from kubernetes.client import ApiClient

from tests.dags.airflow_home import PROJECT

VERSIONS = [f"1.{minor}" for minor in range(30, 37)]
ROLES = {
    "migrate": "owner",
    "seed": "catalogue",
    "restock": "catalogue",
    "compare": None,
    "kubernetes": None,
    "database_owner": "owner",
    "database_catalogue": "catalogue",
}


@pytest.fixture(scope="module")
def pods() -> dict[str, dict[str, Any]]:
    """Every command's pod by `dag.task`, as it is sent to the cluster."""
    from airflow.dag_processing.dagbag import DagBag

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KIWI_RUNTIME", "kubernetes")
        patch.setenv("KIWI_IMAGE", "registry.example/kiwi:1.0")
        bag = DagBag(str(PROJECT / "dags"))
    assert not bag.import_errors
    operators = [
        (dag.dag_id, task) for dag in bag.dags.values() for task in dag.tasks if task.task_type == "PodCommand"
    ]
    return {f"{dag_id}.{task.task_id}": render(task) for dag_id, task in operators}


def render(task: Any) -> dict[str, Any]:
    """Return a task's pod as the API's JSON."""
    pod = task.build_pod_request_obj(dry_run=True)
    manifest: dict[str, Any] = ApiClient().sanitize_for_serialization(pod)
    return manifest


def container(pod: dict[str, Any]) -> dict[str, Any]:
    """Return the one container."""
    (only,) = pod["spec"]["containers"]
    found: dict[str, Any] = only
    return found


@pytest.mark.parametrize("version", VERSIONS)
def test_pods_are_valid(pods: dict[str, dict[str, Any]], version: str) -> None:
    """Every field of every pod is known to this version of Kubernetes, and has its type."""
    assert len(pods) >= 13
    for pod in pods.values():
        kubernetes_validate.validate(pod, version, strict=True)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_misspelt_field_is_found(pods: dict[str, dict[str, Any]], version: str) -> None:
    """The schemas are strict: they would not let a slip of the pen pass."""
    pod = pods["restock.restock"]
    slip = pod | {"spec": pod["spec"] | {"serviceAcountName": "kiwi"}}
    with pytest.raises(kubernetes_validate.ValidationError, match="serviceAcountName"):
        kubernetes_validate.validate(slip, version, strict=True)


def test_pods_are_confined(pods: dict[str, dict[str, Any]]) -> None:
    """No root, no writing outside the scratch volume, no privileges, limits on everything, an own service account."""
    for pod in pods.values():
        spec, only = pod["spec"], container(pod)
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert only["securityContext"]["readOnlyRootFilesystem"] is True
        assert only["securityContext"]["allowPrivilegeEscalation"] is False
        assert only["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert {"cpu", "memory"} <= only["resources"]["requests"].keys() & only["resources"]["limits"].keys()
        assert spec["serviceAccountName"] in ("kiwi-task", "kiwi-launcher", "kiwi-provision")
        assert pod["metadata"]["namespace"] == "kiwi"
        assert pod["metadata"]["labels"]["app.kubernetes.io/name"] == "kiwi"
        assert only["image"] == "registry.example/kiwi:1.0"


def test_pods_get_the_least_role(pods: dict[str, dict[str, Any]]) -> None:
    """A pod's database address is a reference to its role's key of the Secret; the settings come from the ConfigMap."""
    for name, pod in pods.items():
        role = ROLES.get(name.partition(".")[2], "read")
        references = [each["valueFrom"] for each in container(pod)["env"] if each["name"] == "KIWI_DATABASE_URL"]
        wanted = [{"secretKeyRef": {"name": "kiwi-database", "key": role}}] if role else []
        assert references == wanted, name
        assert container(pod)["envFrom"] == [{"configMapRef": {"name": "kiwi"}}]


def test_reports_are_written_to_the_volume(pods: dict[str, dict[str, Any]]) -> None:
    """The benchmark's report goes to the volume that the live page reads."""
    only = container(pods["benchmark.send_orders"])
    assert {mount["mountPath"] for mount in only["volumeMounts"]} == {"/tmp", "/reports"}  # noqa: S108 - the pod's
    assert any(argument.startswith("--report-dir=/reports/") for argument in only["args"])
