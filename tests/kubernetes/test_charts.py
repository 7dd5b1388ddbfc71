"""Every manifest of our charts, against the schemas of every Kubernetes that we support and of the operators."""

import copy
import subprocess

import pytest

from tests.kubernetes.charts import VARIANTS, Manifest, find, rendered
from tests.kubernetes.helm import CHARTS, run_helm
from tests.kubernetes.schemas import VERSIONS, RefusedError, require_valid

CHART_NAMES = sorted({chart for chart, *_ in VARIANTS.values()})


def refusal(manifest: Manifest) -> str:
    """Return why a cluster refuses the manifest."""
    with pytest.raises(RefusedError) as refused:
        require_valid(manifest, VERSIONS[-1])
    return str(refused.value)


def test_every_chart_is_looked_at() -> None:
    """A new chart cannot be forgotten here."""
    assert sorted(path.parent.name for path in CHARTS.glob("*/Chart.yaml")) == CHART_NAMES


@pytest.mark.parametrize("variant", VARIANTS)
def test_helm_finds_no_fault(variant: str) -> None:
    """`helm lint` passes, with warnings taken as errors."""
    chart, *options = VARIANTS[variant]
    assert "0 chart(s) failed" in run_helm("lint", "--strict", str(CHARTS / chart), *options)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("variant", VARIANTS)
def test_a_cluster_takes_every_manifest(variant: str, version: str) -> None:
    """Each field is known to this version, and has its type."""
    assert len(rendered(variant)) >= 5
    for manifest in rendered(variant):
        require_valid(manifest, version)


@pytest.mark.parametrize("variant", VARIANTS)
def test_nothing_is_there_twice(variant: str) -> None:
    """No two manifests of a chart fight for one name."""
    names = [(each["kind"], each["metadata"]["name"]) for each in rendered(variant)]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("variant", "kind", "name"),
    [
        ("kiwi", "Deployment", "kiwi-api"),
        ("kiwi", "SparkApplication", "kiwi-settlement"),
        ("kiwi", "NetworkPolicy", "kiwi"),
        ("zookeeper", "StatefulSet", "zookeeper"),
        ("kafka", "Kafka", "kafka"),
        ("kafka", "KafkaNodePool", "node"),
        ("kafka", "KafkaTopic", "orders"),
        ("kafka", "KafkaUser", "orders-reader"),
    ],
)
def test_a_misspelt_field_is_found(variant: str, kind: str, name: str) -> None:
    """The schemas are strict: a slip of the pen would not pass."""
    slip = copy.deepcopy(find(variant, kind, name))
    slip["spec"]["replicaCuont"] = 3
    assert "replicaCuont" in refusal(slip)


def test_a_slip_deep_inside_a_custom_resource_is_found() -> None:
    """Also below lists and maps, where the driver's own fields are."""
    slip = copy.deepcopy(find("kiwi", "SparkApplication", "kiwi-settlement"))
    slip["spec"]["driver"]["env"][0]["valueFrom"]["secretKeyReff"] = {}
    assert "secretKeyReff" in refusal(slip)


@pytest.mark.parametrize(
    "option", ["settings.topik=x", "image.tag=latest", "api.autoscalling.replicasMin=1", "mysql.address=db"]
)
def test_wrong_values_are_refused(option: str) -> None:
    """The values' schema knows every value and its form."""
    with pytest.raises(subprocess.CalledProcessError) as refused:
        run_helm("template", "kiwi", str(CHARTS / "kiwi"), "--set", option)
    assert option.split(".")[0] in refused.value.stderr
