"""The chart and the settings object say the same: no setting is missing on a cluster, none is invented."""

import json
from typing import Any

import yaml

from settlement.settings import Settings
from settlement.topic import _CONFIG
from tests.kubernetes.charts import find
from tests.kubernetes.helm import CHARTS

ELSEWHERE = {
    "KIWI_DATABASE_URL": "a secret, by role, from the Secret kiwi-database",
    "KIWI_REPORT_DIR": "the volume that tasks mount, at plugins.report_folder.POD_REPORT_DIR",
}
OF_THE_CHART = {"KIWI_API_BIND", "KIWI_API_URL", "KIWI_RUNTIME", "KIWI_IMAGE", "KIWI_NAMESPACE", "KIWI_SCRATCH_DIR"}
DIFFERENT_ON_A_CLUSTER = {
    "KIWI_KAFKA_BOOTSTRAP",
    "KIWI_ZOOKEEPER_HOSTS",
    "KIWI_TOPIC_PARTITIONS",
    "KIWI_TOPIC_REPLICATION",
    "KIWI_API_WORKERS",
}
FIELDS = {f"KIWI_{name.upper()}": name for name in Settings.model_fields}


def given() -> dict[str, str]:
    """Return the ConfigMap's variables."""
    data: dict[str, str] = find("kiwi", "ConfigMap", "kiwi")["data"]
    return data


def values(chart: str) -> Any:
    """Return a chart's own values."""
    return yaml.safe_load((CHARTS / chart / "values.yaml").read_text())


def test_every_setting_is_given_and_none_invented() -> None:
    """Each field of Settings is in the ConfigMap or has a reason not to be, and nothing else is there."""
    assert given().keys() | ELSEWHERE.keys() == FIELDS.keys()
    assert not given().keys() & ELSEWHERE.keys()


def test_the_settings_object_reads_them_back() -> None:
    """What the chart writes, Settings takes: types, limits and patterns fit."""
    read = Settings.model_validate({FIELDS[name]: value for name, value in given().items()})
    for name, value in values("kiwi")["settings"].items():
        assert getattr(read, name) == value


def test_defaults_are_the_same_but_for_what_a_cluster_changes() -> None:
    """A default that changes in Settings changes here too."""
    for name, value in given().items():
        default = str(Settings.model_fields[FIELDS[name]].default)
        if name not in DIFFERENT_ON_A_CLUSTER | OF_THE_CHART:
            assert float(value) == float(default) if value.replace(".", "").isdigit() else value == default, name


def test_limits_are_the_same() -> None:
    """The chart refuses what Settings would refuse: the schema of the values has the same limits."""
    stated = json.loads((CHARTS / "kiwi" / "values.schema.json").read_text())["properties"]["settings"]["properties"]
    fields = Settings.model_json_schema()["properties"]
    for name, schema in stated.items():
        assert schema == {key: value for key, value in fields[name].items() if key not in ("title", "default")}, name


def test_the_topic_is_as_settlement_demands() -> None:
    """Strimzi creates what `settlement.topic` would create, with as many partitions as the settings say."""
    for name, partitions in (("orders", int(given()["KIWI_TOPIC_PARTITIONS"])), ("orders.dead", 1)):
        topic = find("kafka", "KafkaTopic", name)["spec"]
        assert {key: str(value) for key, value in topic["config"].items()} == _CONFIG
        assert topic["partitions"] == partitions
        assert str(topic["replicas"]) == given()["KIWI_TOPIC_REPLICATION"]
    assert {given()["KIWI_TOPIC"], given()["KIWI_DEAD_LETTER_TOPIC"]} == {"orders", "orders.dead"}


def test_clients_name_every_member_of_zookeeper() -> None:
    """No client depends on one member being there."""
    members = values("zookeeper")["members"]
    wanted = [f"zookeeper-{member}.zookeeper-members:2181" for member in range(members)]
    assert given()["KIWI_ZOOKEEPER_HOSTS"].split(",") == wanted


def test_the_bootstrap_address_is_strimzis() -> None:
    """The address names the cluster, its namespace and the listener without passwords, as the network policy does."""
    policies = values("kiwi")["networkPolicies"]["kafka"]
    cluster = find("kafka", "Kafka", "kafka")
    (plain,) = (each for each in cluster["spec"]["kafka"]["listeners"] if not each["tls"])
    assert given()["KIWI_KAFKA_BOOTSTRAP"] == f"kafka-kafka-bootstrap.{policies['namespace']}:{plain['port']}"
    assert policies["port"] == plain["port"]
