"""What every pod must keep to: no root, no writing, limits, probes, fixed images, no password in a manifest."""

import json
import re
from typing import Any

import pytest

from tests.kubernetes.charts import VARIANTS, find, rendered
from tests.kubernetes.pods import PodSpec, pods

PODS = list(pods())
SPARK_PODS = ("driver", "executor")
PASSWORD = re.compile(r"://[^/\s]*:[^/\s]*@|password", re.IGNORECASE)


def spark_pod(role: str) -> dict[str, Any]:
    """Return the driver's or the executors' specification."""
    found: dict[str, Any] = find("kiwi", "SparkApplication", "kiwi-settlement")["spec"][role]
    return found


def require_confined(pod: dict[str, Any], container: dict[str, Any]) -> None:
    """Fail unless neither pod nor container may do more than compute."""
    assert pod["runAsNonRoot"] is True
    assert pod["runAsUser"] > 0
    assert pod["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["readOnlyRootFilesystem"] is True
    assert container["allowPrivilegeEscalation"] is False
    assert container["capabilities"] == {"drop": ["ALL"]}


def test_pods_are_found() -> None:
    """The rules below look at the API, at ZooKeeper and at the test pod."""
    assert len(PODS) >= 5


@pytest.mark.parametrize("pod", PODS, ids=lambda pod: pod.name)
def test_pods_are_confined(pod: PodSpec) -> None:
    """No root, no privileges, no writing outside volumes, no word from the host."""
    for container in pod.containers:
        require_confined(pod.spec["securityContext"], container["securityContext"])
        assert "privileged" not in container["securityContext"]
    assert not pod.spec.keys() & {"hostNetwork", "hostPID", "hostIPC"}
    assert not any("hostPath" in volume for volume in pod.spec.get("volumes", []))


@pytest.mark.parametrize("pod", PODS, ids=lambda pod: pod.name)
def test_pods_have_limits_and_probes(pod: PodSpec) -> None:
    """The scheduler knows what each takes, no pod can starve a node, and whoever serves says when it does."""
    for container in pod.containers:
        for bound in ("requests", "limits"):
            assert {"cpu", "memory"} <= container["resources"][bound].keys()
        if pod.serves:
            assert {"startupProbe", "readinessProbe", "livenessProbe"} <= container.keys()


@pytest.mark.parametrize("pod", PODS, ids=lambda pod: pod.name)
def test_images_are_named_exactly(pod: PodSpec) -> None:
    """Each has a tag, and none the tag that means another image tomorrow."""
    for container in pod.containers:
        repository, _, tag = container["image"].rpartition(":")
        assert repository
        assert tag
        assert tag != "latest"


@pytest.mark.parametrize("role", SPARK_PODS)
def test_spark_pods_keep_to_the_same_rules(role: str) -> None:
    """The driver and its executors are confined, limited, and run our one image."""
    pod = spark_pod(role)
    require_confined(pod["podSecurityContext"], pod["securityContext"])
    assert {"coreRequest", "coreLimit", "memory", "memoryOverhead"} <= pod.keys()
    assert not find("kiwi", "SparkApplication", "kiwi-settlement")["spec"]["image"].endswith(":latest")


def test_database_addresses_are_references() -> None:
    """Each process gets the address of its own role from the Secret, and of no other."""
    api = find("kiwi", "Deployment", "kiwi-api")["spec"]["template"]["spec"]["containers"][0]
    for role, process in (("read", api), ("settle", spark_pod("driver"))):
        wanted = {"secretKeyRef": {"name": "kiwi-database", "key": role}}
        assert [each["valueFrom"] for each in process["env"] if each["name"] == "KIWI_DATABASE_URL"] == [wanted]
    assert "env" not in spark_pod("executor")
    assert "envFrom" not in spark_pod("executor")


@pytest.mark.parametrize("variant", VARIANTS)
def test_no_manifest_holds_a_secret(variant: str) -> None:
    """Secrets are made by people or operators; no chart of ours creates one or writes an address with a password."""
    for manifest in rendered(variant):
        assert manifest["kind"] != "Secret"
        if manifest["kind"] == "ConfigMap":
            assert not PASSWORD.search(json.dumps(manifest["data"]))


def test_who_needs_no_rights_gets_no_token() -> None:
    """The API's and the tasks' pods cannot speak to the cluster at all."""
    for account in ("kiwi-api", "kiwi-task"):
        assert find("kiwi", "ServiceAccount", account)["automountServiceAccountToken"] is False
        bound = [each for each in rendered("kiwi") if each["kind"].endswith("RoleBinding")]
        assert account not in [subject["name"] for each in bound for subject in each["subjects"]]


def test_no_role_is_without_bounds() -> None:
    """No rule has a wildcard, none reads Secrets, and none may change roles."""
    for manifest in rendered("kiwi with all options"):
        for rule in manifest.get("rules", []):
            words = {*rule["apiGroups"], *rule["resources"], *rule["verbs"]}
            assert not words & {"*", "secrets", "roles", "rolebindings", "escalate", "impersonate", "pods/exec"}
