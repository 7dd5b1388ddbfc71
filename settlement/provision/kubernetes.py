"""Kubernetes: what the cluster must offer before anything of ours can run there."""

from collections.abc import Callable, Iterator
from typing import Any, Final

from kubernetes import client, config
from kubernetes.client.exceptions import ApiException
from kubernetes.config.config_exception import ConfigException
from urllib3.exceptions import HTTPError

from settlement.provision.finding import Finding, require

STORAGE_CLASS: Final = "nfs-client"
CUSTOM_RESOURCES: Final = {
    "sparkapplications.sparkoperator.k8s.io": "Install Kubeflow's spark-operator",
    "kafkas.kafka.strimzi.io": "Install the Strimzi operator",
    "kafkanodepools.kafka.strimzi.io": "Install the Strimzi operator",
}
LAUNCHER: Final = "kiwi-launcher"
VERBS: Final = ("create", "get", "patch")
_SECONDS: Final = 10


def check_kubernetes(namespace: str) -> Iterator[Finding]:
    """Yield what is found of storage, operators and permissions, as the service account kiwi-provision."""
    try:
        config.load_config()
    except ConfigException as error:
        yield Finding("cluster", str(error), "Run this in a pod, or set KUBECONFIG")
        return
    for check in (_storage_class, _provisioner, _custom_resources, lambda: _permissions(namespace)):
        yield from _answered(check)


def _answered(check: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    try:
        yield from check()
    except ApiException as error:
        yield Finding("cluster", f"{error.status} {error.reason}", "Grant this service account the right to look")
    except HTTPError as error:
        yield Finding("cluster", f"no answer ({error})", "The cluster's API server is away")


def _storage_class() -> Iterator[Finding]:
    classes = client.StorageV1Api().list_storage_class(_request_timeout=_SECONDS).items
    names = [found.metadata.name for found in classes]
    remedy = f"Install nfs-subdir-external-provisioner; its storage class is {STORAGE_CLASS}"
    yield require("storage class", ", ".join(names) or "none", STORAGE_CLASS in names, remedy)


def _provisioner() -> Iterator[Finding]:
    pods = client.CoreV1Api().list_pod_for_all_namespaces(
        label_selector="app=nfs-subdir-external-provisioner", _request_timeout=_SECONDS
    )
    seen = [f"{pod.metadata.namespace}/{pod.metadata.name} {pod.status.phase}" for pod in pods.items]
    running = any(pod.status.phase == "Running" for pod in pods.items)
    yield require(
        "NFS provisioner", ", ".join(seen) or "no pod", running, "Start it: without it no volume claim is bound"
    )


def _custom_resources() -> Iterator[Finding]:
    definitions = client.ApiextensionsV1Api().list_custom_resource_definition(_request_timeout=_SECONDS).items
    known = {definition.metadata.name for definition in definitions}
    for name, remedy in CUSTOM_RESOURCES.items():
        yield require(name, "defined" if name in known else "not defined", name in known, remedy)


def _permissions(namespace: str) -> Iterator[Finding]:
    """Ask what the launcher may do; that Airflow may start pods is shown by the pod that asks."""
    reviews: Any = client.AuthorizationV1Api()
    for verb in VERBS:
        asked = client.V1ResourceAttributes(
            group="sparkoperator.k8s.io",
            resource="sparkapplications",
            name="kiwi-settlement",
            verb=verb,
            namespace=namespace,
        )
        user = f"system:serviceaccount:{namespace}:{LAUNCHER}"
        spec = client.V1SubjectAccessReviewSpec(user=user, resource_attributes=asked)
        review = client.V1LocalSubjectAccessReview(metadata=client.V1ObjectMeta(namespace=namespace), spec=spec)
        answer = reviews.create_namespaced_local_subject_access_review(namespace, review, _request_timeout=_SECONDS)
        allowed = answer.status.allowed
        remedy = f"Install the chart kiwi in namespace {namespace}: it binds the Role of {LAUNCHER}"
        yield require(f"{LAUNCHER}: {verb} sparkapplications", "allowed" if allowed else "refused", allowed, remedy)
