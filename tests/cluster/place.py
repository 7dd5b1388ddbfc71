"""What the tests on a cluster are told from outside."""

import os
import subprocess
from dataclasses import dataclass
from typing import Final

from sqlalchemy import URL, make_url

from tests.cluster.kubectl import kubectl

OPTIONAL: Final = "KIWI_CLUSTER"
"""`optional` in CI: then no cluster is no failure."""

_NEEDED: Final = {
    "KUBECONFIG": "it names the cluster to test on",
    "KIWI_IMAGE": "our image; its nodes have it or can pull it",
    "KIWI_TEST_KAFKA_IMAGE": "the image of tests/cluster/Dockerfile, likewise",
    "KIWI_TEST_DATABASE_URL": "mysql+pymysql://ADMINISTRATOR:PASSWORD@ADDRESS:PORT of a server that pods reach too",
}


@dataclass(frozen=True)
class Place:
    """Where the tests run.

    Attributes:
        image: ours, with its tag.
        kafka_image: Kafka's server for the tests, with its tag.
        database: the administrator's address, by an IP address that pods reach as well.
        operator_chart: Kubeflow's chart, a folder; None = the version that ./install takes, from its repository.
        operator_image: another image than the chart's own, as REGISTRY/REPOSITORY:TAG.
        kept: go on with what an earlier run has installed.
    """

    image: str
    kafka_image: str
    database: URL
    operator_chart: str | None
    operator_image: str | None
    kept: bool


def read_place() -> Place:
    """Return it; raises `KeyError` where a variable lacks."""
    given = os.environ
    return Place(
        given["KIWI_IMAGE"],
        given["KIWI_TEST_KAFKA_IMAGE"],
        make_url(given["KIWI_TEST_DATABASE_URL"]),
        given.get("KIWI_TEST_OPERATOR_CHART"),
        given.get("KIWI_TEST_OPERATOR_IMAGE"),
        given.get("KIWI_TEST_KEPT") == "1",
    )


def why_not() -> str | None:
    """Return why there is nothing to test on, or None."""
    for name, meaning in _NEEDED.items():
        if not os.environ.get(name):
            return f"{name} is not set: {meaning}"
    try:
        kubectl("get", "--raw", "/readyz", seconds=20)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        return f"the cluster of KUBECONFIG={os.environ['KUBECONFIG']} does not answer ({error})"
    return None
