"""The files around our charts fit together: versions, names, users, Secrets, and what ./install does with them."""

import re
from typing import Any

import yaml

from local.home import PROJECT
from tests.kubernetes.charts import find
from tests.kubernetes.helm import CHARTS

INSTALL = (CHARTS / "install").read_text()
UNINSTALL = (CHARTS / "uninstall").read_text()
DOCKERFILE = (PROJECT / "Dockerfile").read_text()
MANUAL = (PROJECT / "docs" / "kubernetes.md").read_text()
LOCKED = (PROJECT / "requirements.txt").read_text()


def values(name: str) -> Any:
    """Return the values for a third party's chart."""
    return yaml.safe_load((CHARTS / f"{name}.yaml").read_text())


def mebibytes(quantity: str) -> int:
    """Return a size of Kubernetes or of the JVM, which both count in powers of two."""
    number, unit = re.fullmatch(r"(\d+)([mMgG])i?", quantity, re.ASCII).groups()  # type: ignore[union-attr]
    return int(number) * (1024 if unit in "gG" else 1)


def locked(package: str) -> str:
    """Return the version that the image holds."""
    found = re.search(rf"^{package}==(\S+)", LOCKED, re.MULTILINE)
    assert found is not None
    return found[1]


def test_every_values_file_is_used() -> None:
    """No file lies about that nothing installs, and every release that is installed can be removed."""
    files = {path.name for path in CHARTS.glob("*.yaml")}
    assert files
    assert {name for name in files if name not in INSTALL} == set()
    installed = set(re.findall(r"^ *release (\S+)|upgrade --install (\w\S+)", INSTALL, re.MULTILINE))
    names = {first or second for first, second in installed}
    assert names >= {"kiwi", "kafka", "zookeeper", "airflow"}
    assert {name for name in names if f"remove {name} " not in UNINSTALL} == set()


def test_third_parties_charts_are_pinned() -> None:
    """Each chart has one exact version."""
    pinned = re.findall(r"(\w+)_VERSION=(\S+)", (CHARTS / "versions.env").read_text())
    assert {name for name, _ in pinned} == {"NFS", "STRIMZI", "SPARK", "AIRFLOW", "PROMETHEUS"}
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for _, version in pinned)


def test_a_tag_of_digits_alone_stays_a_tag() -> None:
    """`--set` would make a number of the tag 20261123, which the charts refuse."""
    assert INSTALL.count('--set-string "image') == 2
    assert not re.search(r'--set "[^"]*tag=', INSTALL)


def test_versions_are_those_of_the_image() -> None:
    """What manifests say of Airflow and Spark is what the locked packages are."""
    assert values("airflow")["airflowVersion"] == locked("apache-airflow")
    assert find("kiwi", "SparkApplication", "kiwi-settlement")["spec"]["sparkVersion"] == locked("pyspark")


def test_everything_runs_as_the_images_user() -> None:
    """The user that the image names owns what it may write, so pods and Airflow name the same one."""
    (user,) = re.findall(r"^USER (\d+):\1$", DOCKERFILE, re.MULTILINE)
    application = find("kiwi", "SparkApplication", "kiwi-settlement")["spec"]
    api = find("kiwi", "Deployment", "kiwi-api")["spec"]["template"]["spec"]
    airflow = values("airflow")
    named = [application[role]["podSecurityContext"]["runAsUser"] for role in ("driver", "executor")]
    named += [api["securityContext"]["runAsUser"], airflow["uid"], airflow["gid"]]
    named.append(airflow["securityContexts"]["pod"]["runAsUser"])
    assert {str(each) for each in named} == {user}


def test_secrets_that_are_referred_to_are_asked_for() -> None:
    """Before anything is installed, ./install demands each Secret and key that some manifest names."""
    named = re.findall(r"""^require_secret (\S+) ("[^"]*"|'[^']*'|\S+)""", INSTALL, re.MULTILINE)
    asked = {name: keys.strip("\"'") for name, keys in named}
    airflow = values("airflow")
    assert set(asked["kiwi-database"].split()) == {"read", "settle", "catalogue", "owner"}
    assert airflow["data"]["metadataSecretName"] in asked
    assert {airflow[f"{name}SecretName"] for name in ("fernetKey", "jwt", "apiSecretKey")} == {"airflow-keys"}
    assert set(asked["airflow-keys"].split()) == {"fernet-key", "jwt-secret", "api-secret-key"}
    volumes = [each["secret"]["secretName"] for each in airflow["apiServer"]["extraVolumes"] if "secret" in each]
    assert set(volumes) <= asked.keys()


def test_the_operator_watches_us_and_may_submit() -> None:
    """It watches Kiwi's namespace, and its account is the one that gets the right which its own chart lacks."""
    assert "kiwi" in values("spark-operator")["spark"]["jobNamespaces"]
    (subject,) = find("kiwi", "RoleBinding", "kiwi-spark-operator")["subjects"]
    assert (subject["namespace"], subject["name"]) == ("spark-operator", "spark-operator-controller")
    (rule,) = find("kiwi", "Role", "kiwi-spark-operator")["rules"]
    assert rule["resources"] == ["networkpolicies"]
    assert {"get", "create", "patch", "delete"} <= set(rule["verbs"])


def test_the_image_is_built_from_what_is_pinned() -> None:
    """Packages come with hashes, jars with the local stack's checksums, and the base can be named from outside."""
    assert re.search(r"^ARG BASE=\S+:\S+$", DOCKERFILE, re.MULTILINE)
    assert ":latest" not in DOCKERFILE
    assert DOCKERFILE.count("--require-hashes") == 2
    assert "local.image_jars" in DOCKERFILE
    for argument in ("APT_MIRROR", "PIP_INDEX_URL", "MAVEN_URL"):
        assert f"ARG {argument}=" in DOCKERFILE


def test_the_image_holds_every_room_that_runs_in_it() -> None:
    """A module that a pod is to run is copied, and so is let through by .dockerignore."""
    let_through = (PROJECT / ".dockerignore").read_text().split()
    for room in ("settlement", "api", "jobs", "generator", "dags", "plugins"):
        assert f"COPY {room} {room}" in DOCKERFILE
        assert f"!{room}" in let_through


def test_the_sizing_table_is_what_the_manifests_request() -> None:
    """The documentation's MiB of each part are those that the scheduler will count."""
    table = dict(re.findall(r"^\| ([^|]+?) \| \d \| ([\d,]+) \|", MANUAL, re.MULTILINE))
    zookeeper = find("zookeeper", "StatefulSet", "zookeeper")["spec"]["template"]["spec"]["containers"][0]
    api = find("kiwi", "Deployment", "kiwi-api")["spec"]["template"]["spec"]["containers"][0]
    spark = find("kiwi", "SparkApplication", "kiwi-settlement")["spec"]
    requested = {
        "ZooKeeper": mebibytes(zookeeper["resources"]["requests"]["memory"]),
        "Kafka": mebibytes(find("kafka", "KafkaNodePool", "node")["spec"]["resources"]["requests"]["memory"]),
        "API": mebibytes(api["resources"]["requests"]["memory"]),
        "settlement: driver": sum(mebibytes(spark["driver"][part]) for part in ("memory", "memoryOverhead")),
        "settlement: executors": sum(mebibytes(spark["executor"][part]) for part in ("memory", "memoryOverhead")),
    }
    assert {name: int(table[name].replace(",", "")) for name in requested} == requested
