"""One installation for the whole run, DAGs that run against it, and a job that settles."""

from collections.abc import Iterator

import pytest
from kazoo.client import KazooClient
from sqlalchemy import Engine

from settlement.zookeeper import connect_zookeeper
from tests.cluster.figures import FIGURES, note_memory, timed
from tests.cluster.installation import install
from tests.cluster.kubectl import NAMESPACE, kubectl
from tests.cluster.ledger import open_ledger
from tests.cluster.place import Place, read_place
from tests.dags import airflow_home  # before anything of Airflow: it reads where its home is when it is imported
from tests.dags.dag_run import DagRuns

RATES_AGE_SECONDS_MAX = 100_000
"""Nobody refreshes the rates during the run."""


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tell what was measured."""
    if FIGURES:
        terminalreporter.section("measured on the cluster")
        terminalreporter.write_line("\n".join(FIGURES))


@pytest.fixture(scope="session")
def place() -> Place:
    """What the tests are told from outside."""
    return read_place()


@pytest.fixture(scope="session")
def installed(place: Place) -> Place:
    """Everything is installed, and nothing is settled yet unless it was kept; it stays, so that one can look at it."""
    install(place)
    return place


@pytest.fixture(scope="session")
def ledger(installed: Place) -> Iterator[Engine]:
    """The ledger, from outside the cluster."""
    engine = open_ledger(installed.database)
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def zookeeper_hosts(installed: Place) -> str:
    """ZooKeeper, from outside the cluster: the port of `zookeeper-outside` on each node."""
    path = "{.items[*].status.addresses[?(@.type=='InternalIP')].address}"
    nodes = kubectl("get", "nodes", f"--output=jsonpath={path}").split()
    return ",".join(f"{address}:30181" for address in nodes)


@pytest.fixture(scope="session")
def zookeeper(zookeeper_hosts: str) -> Iterator[KazooClient]:
    """A client from outside the cluster."""
    client = connect_zookeeper(zookeeper_hosts)
    yield client
    client.stop()
    client.close()


@pytest.fixture(scope="session")
def dag_runs(installed: Place, zookeeper_hosts: str) -> Iterator[DagRuns]:
    """Runs DAGs whose commands are pods of the cluster; this process is what Airflow's scheduler is there."""
    from airflow.utils.db import initdb

    initdb()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KIWI_RUNTIME", "kubernetes")
        patch.setenv("KIWI_IMAGE", installed.image)
        patch.setenv("KIWI_NAMESPACE", NAMESPACE)
        patch.setenv("KIWI_ZOOKEEPER_HOSTS", zookeeper_hosts)
        yield DagRuns(airflow_home.PROJECT / "dags")


@pytest.fixture(scope="session")
def settling(dag_runs: DagRuns) -> DagRuns:
    """There are commodities and rates, and the job settles: each step by its own DAG."""
    steps: dict[str, dict[str, object]] = {
        "seed_db": {"number": 100, "stock": 10_000_000, "dry_run": False},
        "refresh_fx": {"source": "walk"},
        "launch_settlement": {"rates_age_seconds_max": RATES_AGE_SECONDS_MAX},
    }
    for dag_id, params in steps.items():
        with timed(f"DAG {dag_id}"):
            outcome = dag_runs.run(dag_id, **params)
        assert outcome.state == "success", outcome
    note_memory()
    return dag_runs
