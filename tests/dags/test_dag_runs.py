"""The DAGs run in this process against real servers."""

import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from kafka import KafkaProducer
from kazoo.client import KazooClient
from sqlalchemy import Engine, text

from settlement.audit_outcome import read_outcome
from settlement.settings import Settings
from settlement.status import Status, write_status
from tests.dags.dag_run import DagRuns

STOCK = text("SELECT id, inventory FROM commodity ORDER BY id")


def stock(engine: Engine) -> dict[int, int]:
    """Return the stock of each commodity."""
    with engine.connect() as connection:
        return {row.id: row.inventory for row in connection.execute(STOCK)}


def test_seeding_shows_first_adds_then_and_never_rewrites(dag_runs: DagRuns, engine: Engine) -> None:
    """A dry run, which is the default, changes nothing; then they are added; those that are there stay as they are."""
    assert dag_runs.run("seed_db", sample=False, number=3).state == "success"
    assert stock(engine) == {}
    outcome = dag_runs.run("seed_db", sample=False, number=3, stock=7, dry_run=False)
    assert outcome.tasks == {"migrate": "success", "seed": "success"}
    assert stock(engine) == {1: 7, 2: 7, 3: 7}
    dag_runs.run("seed_db", sample=False, number=4, stock=9, dry_run=False)
    assert stock(engine) == {1: 7, 2: 7, 3: 7, 4: 9}


def test_restocking_some_all_or_none(dag_runs: DagRuns, engine: Engine) -> None:
    """Those named, or all; a change that cannot be is red and changes nothing; the audit then agrees."""
    dag_runs.run("seed_db", sample=False, number=3, stock=10, dry_run=False)
    assert dag_runs.run("restock", units=5, commodities=[1, 3]).state == "success"
    assert stock(engine) == {1: 15, 2: 10, 3: 15}
    assert dag_runs.run("restock", units=-10, all_commodities=True).state == "success"
    assert stock(engine) == {1: 5, 2: 0, 3: 5}
    assert dag_runs.run("restock", units=-1, commodities=[1, 2]).state == "failed"
    assert dag_runs.run("restock", units=-1, all_commodities=True).state == "failed"
    assert stock(engine) == {1: 5, 2: 0, 3: 5}
    assert dag_runs.run("audit_ledger").state == "success"


def test_a_param_is_never_read_by_a_shell(dag_runs: DagRuns, engine: Engine, tmp_path: Path) -> None:
    """Quotes, semicolons, substitutions and leading dashes in a Param stay one argument."""
    mark = tmp_path / "touched"
    touch = f"touch {mark}"
    for hostile in (f"; {touch} ; $({touch}) `{touch}` ' ; {touch} ; ' \" ; {touch} \n {touch}", "x --dry-run"):
        outcome = dag_runs.run("seed_db", csv=hostile, dry_run=False)
        assert outcome.tasks["seed"] == "failed"
        assert not mark.exists()
    assert stock(engine) == {}


def test_no_password_is_rendered_or_logged(
    dag_runs: DagRuns, engine: Engine, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Neither what the UI shows of a task nor its log has the database's address, even when the database refuses."""
    from airflow.models.renderedtifields import RenderedTaskInstanceFields
    from airflow.utils.session import create_session
    from sqlalchemy import select

    wrong = engine.url.set(password="s3cret-word").render_as_string(hide_password=False)  # noqa: S106 - a wrong one
    monkeypatch.setenv("KIWI_DATABASE_URL_CATALOGUE", wrong)
    outcome = dag_runs.run("restock", units=1, all_commodities=True)
    assert outcome.state == "failed"
    with create_session() as session:
        rendered = session.scalars(
            select(RenderedTaskInstanceFields.rendered_fields).where(
                RenderedTaskInstanceFields.run_id == outcome.run_id
            )
        ).all()
    assert "--all" in str(rendered)
    said = capfd.readouterr()
    assert "restock" in said.out + said.err
    for shown in (str(rendered), said.out, said.err):
        assert "s3cret-word" not in shown
        assert "mysql+pymysql" not in shown


def test_each_dependency_is_checked_by_itself(dag_runs: DagRuns, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an API its task alone is red, with one all are green."""

    class Ready(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()

    outcome = dag_runs.run("provision_check")
    assert outcome.state == "failed"
    assert {task for task, state in outcome.tasks.items() if state != "success"} == {"api"}
    with ThreadingHTTPServer(("127.0.0.1", 0), Ready) as server:
        Thread(target=server.handle_request).start()
        monkeypatch.setenv("KIWI_API_URL", f"http://127.0.0.1:{server.server_port}")
        assert dag_runs.run("provision_check").state == "success"


def test_the_watch_tells_a_standstill(
    dag_runs: DagRuns, app_settings: Settings, zookeeper: KazooClient, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing to settle is green; orders that wait without a driver, and a silent driver, are red with an alert."""
    assert dag_runs.run("watch_settlement").state == "success"
    write_status(zookeeper, Status("settling", "here", 0, "", time.time_ns() // 1_000_000 - 60_000))
    assert dag_runs.run("watch_settlement").state == "failed"
    assert "ALERT dag=watch_settlement task=watch" in caplog.text
    zookeeper.delete("/kiwi/settlement")
    producer = KafkaProducer(bootstrap_servers=app_settings.kafka_bootstrap)
    producer.send(app_settings.topic, b"{}", partition=0).get(timeout=10)
    producer.close()
    assert dag_runs.run("watch_settlement").state == "failed"


def test_an_audit_publishes_and_fails_loudly(dag_runs: DagRuns, engine: Engine, zookeeper: KazooClient) -> None:
    """The outcome is in ZooKeeper for the live page; a stock that nobody changed rightly makes the run red."""
    dag_runs.run("seed_db", dry_run=False)
    assert dag_runs.run("audit_ledger").state == "success"
    found = read_outcome(zookeeper)
    assert found is not None
    assert found.differences == 0
    with engine.begin() as connection:
        connection.execute(text("UPDATE commodity SET inventory = inventory + 1 WHERE id = 2"))
    assert dag_runs.run("audit_ledger").state == "failed"
    found = read_outcome(zookeeper)
    assert found is not None
    assert found.differences == 1
