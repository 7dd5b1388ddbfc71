"""The DAGs as Airflow sees them, and runs of them in this process on the real servers."""

from typing import Any

import pytest

from settlement.settings import Settings
from tests.dags import airflow_home  # first: Airflow reads where its home is when it is imported
from tests.dags.dag_run import DagRuns

DAGS_FOLDER = airflow_home.PROJECT / "dags"


@pytest.fixture(scope="session")
def dag_bag() -> Any:
    """All DAGs, read as the DAG processor reads them."""
    from airflow.dag_processing.dagbag import DagBag

    return DagBag(str(DAGS_FOLDER))


@pytest.fixture(scope="session")
def airflow_database() -> None:
    """Airflow's own database, migrated once."""
    from airflow.utils.db import initdb

    initdb()


@pytest.fixture
def dag_runs(airflow_database: None, app_settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> DagRuns:
    """Runs DAGs on the test's own database, topic and ZooKeeper tree."""
    url = app_settings.database_url.get_secret_value()
    variables = {
        "KIWI_RUNTIME": "local",
        "KIWI_KAFKA_BOOTSTRAP": app_settings.kafka_bootstrap,
        "KIWI_ZOOKEEPER_HOSTS": app_settings.zookeeper_hosts,
        "KIWI_TOPIC": app_settings.topic,
        "KIWI_DEAD_LETTER_TOPIC": app_settings.dead_letter_topic,
        "KIWI_API_URL": "http://127.0.0.1:1",  # nobody answers there
        "KIWI_REPORT_DIR": str(tmp_path / "reports"),
        "KIWI_RATES_SOURCE": "fixed",
        **{f"KIWI_DATABASE_URL_{role}": url for role in ("READ", "CATALOGUE", "OWNER")},
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("KIWI_DATABASE_URL", raising=False)
    return DagRuns(DAGS_FOLDER)
