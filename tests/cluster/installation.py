"""Installs everything as the manual says, with what the tests have instead of Strimzi and the official ZooKeeper."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from tests.cluster import ledger
from tests.cluster.figures import timed
from tests.cluster.kubectl import KAFKA_NAMESPACE, NAMESPACE, await_condition, find, kubectl, pods
from tests.cluster.place import Place
from tests.kubernetes.helm import CHARTS, run_helm

MANIFESTS: Final = Path(__file__).with_name("manifests")
_OURS: Final = "kiwi/test"
"""The label of namespaces that these tests have made, and so may empty."""

_HELM_SECONDS: Final = 600
_GONE_SECONDS: Final = 180


def install(place: Place) -> None:
    """Have everything installed and ready, from nothing unless it is to be kept."""
    for namespace in (NAMESPACE, KAFKA_NAMESPACE):
        _claim(namespace)
    if not place.kept:
        with timed("removing what an earlier run left"):
            _remove_all(place)
    _make_secret(place)
    steps: dict[str, Callable[[Place], object]] = {
        "spark-operator": install_operator,
        "zookeeper": install_zookeeper,
        "kafka (test only)": _install_kafka,
        "kiwi": install_kiwi,
    }
    for name, step in steps.items():
        with timed(f"install {name}"):
            step(place)


def _claim(namespace: str) -> None:
    found = find("namespace", namespace)
    if found is None:
        kubectl("create", "namespace", namespace)
        kubectl("label", "namespace", namespace, f"{_OURS}=yes")
    elif _OURS not in found["metadata"].get("labels", {}):
        pytest.exit(f"the namespace {namespace} is not of these tests, which would empty it: use another cluster", 2)


def _remove_all(place: Place) -> None:
    if find("crd", "sparkapplications.sparkoperator.k8s.io"):
        kubectl("delete", "sparkapplication", "--all", "--wait", seconds=_GONE_SECONDS)
    uninstall("kiwi")
    uninstall("zookeeper")
    for namespace in (NAMESPACE, KAFKA_NAMESPACE):
        kubectl("delete", "statefulset,job,pod", "--all", "--wait", namespace=namespace, seconds=_GONE_SECONDS)
        kubectl("delete", "pvc,secret", "--all", "--wait", namespace=namespace, seconds=_GONE_SECONDS)
    ledger.drop_ledger(place.database)


def uninstall(release: str) -> None:
    """Remove a release of ours, and wait until its pods are gone."""
    run_helm("uninstall", release, f"--namespace={NAMESPACE}", "--ignore-not-found", "--wait", seconds=_HELM_SECONDS)
    selector = f"app.kubernetes.io/name={release}"
    await_condition(f"no pod of {release}", lambda: not pods(selector), _GONE_SECONDS)


def _make_secret(place: Place) -> None:
    if place.kept and find("secret", "kiwi-database"):
        return
    passwords = ledger.create_ledger(place.database)
    values = [
        f"--from-literal={role}=mysql+pymysql://{ledger.user_of(role)}:{password}@mysql:3306/{ledger.DATABASE}"
        for role, password in passwords.items()
    ]
    kubectl("delete", "secret", "kiwi-database", "--ignore-not-found")
    kubectl("create", "secret", "generic", "kiwi-database", *values)


def install_operator(place: Place) -> None:
    """Install Kubeflow's operator with our values."""
    versions = dict(word.split("=", 1) for word in (CHARTS / "versions.env").read_text().split() if "=" in word)
    if place.operator_chart:
        chart = [place.operator_chart]
    else:
        chart = [
            versions["SPARK_CHART"],
            f"--repo={versions['SPARK_REPOSITORY']}",
            f"--version={versions['SPARK_VERSION']}",
        ]
    options = [f"--values={CHARTS / 'spark-operator.yaml'}", "--create-namespace"]
    if place.operator_image:
        name, tag = place.operator_image.rsplit(":", 1)
        registry, repository = name.split("/", 1)
        options.append(f"--set-string=image.registry={registry},image.repository={repository},image.tag={tag}")
    _release("spark-operator", "spark-operator", *chart, *options)


def install_zookeeper(place: Place) -> str:
    """Install three members, and a way to them from outside; return what helm says."""
    repository, tag = place.image.rsplit(":", 1)
    values = [
        f"--values={MANIFESTS / 'zookeeper-values.yaml'}",
        f"--set-string=image.repository={repository},image.tag={tag}",
    ]
    said = _release("zookeeper", NAMESPACE, str(CHARTS / "zookeeper"), *values)
    kubectl("apply", f"--filename={MANIFESTS / 'zookeeper-outside.yaml'}")
    return said


def _install_kafka(place: Place) -> None:
    manifest = (MANIFESTS / "kafka.yaml").read_text().replace("IMAGE", place.kafka_image)
    kubectl("apply", "--filename=-", namespace=KAFKA_NAMESPACE, typed=manifest)
    kubectl("rollout", "status", "statefulset/kafka", "--timeout=240s", namespace=KAFKA_NAMESPACE, seconds=250)


def install_kiwi(place: Place) -> str:
    """Install our chart, create the topics (elsewhere Strimzi does), await the API; return what helm says."""
    repository, tag = place.image.rsplit(":", 1)
    values = f"--set-string=image.repository={repository},image.tag={tag}"
    database = f"--set=mysql.address={place.database.host},mysql.port={place.database.port}"
    said = run_helm(
        "upgrade",
        "--install",
        "kiwi",
        str(CHARTS / "kiwi"),
        f"--namespace={NAMESPACE}",
        values,
        database,
        seconds=_HELM_SECONDS,
    )
    await_condition("a running pod of the API", _api_runs, 120)
    kubectl("exec", "deployment/kiwi-api", "--", "python", "-m", "settlement", "topic", seconds=120)
    kubectl("rollout", "status", "deployment/kiwi-api", "--timeout=240s", seconds=250)
    return said


def _api_runs() -> bool:
    return any(pod["status"]["phase"] == "Running" for pod in pods("app.kubernetes.io/component=api"))


def _release(name: str, namespace: str, *options: str) -> str:
    where = ("upgrade", "--install", name, f"--namespace={namespace}", "--wait", "--timeout=5m")
    return run_helm(*where, *options, seconds=_HELM_SECONDS)
