"""Refreshing the rates by its DAG, with a source that fails for one currency."""

from typing import Any

import pytest
from kazoo.client import KazooClient

from settlement.currency import CODES, Currency
from settlement.rate_store import read_snapshot
from settlement.rates import Snapshot, format_rate
from settlement.zookeeper import RATES_META_PATH, RATES_PATH
from tests.dags.dag_run import DagRuns
from tests.dags.rate_server import rate_server

GREEN = {f"fetch[{index}]": "success" for index in range(4)} | {"publish": "success", "all_four_are_new": "success"}


def stands(zookeeper: KazooClient) -> Snapshot:
    """Return the snapshot in ZooKeeper; that it can be read proves one transaction for all."""
    return read_snapshot(zookeeper, age_seconds_max=float("inf"), now_ms=0)


def last_event() -> dict[str, Any]:
    """Return the metadata of the asset's newest event."""
    from airflow.models.asset import AssetEvent
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        event = session.scalars(select(AssetEvent).order_by(AssetEvent.id.desc()).limit(1)).one()
        return dict(event.extra)


def test_a_refresh_writes_all_four_together(dag_runs: DagRuns, zookeeper: KazooClient) -> None:
    """All tasks are green, the znodes share one mzxid, and the asset's event has the snapshot."""
    outcome = dag_runs.run("refresh_fx", source="fixed")
    assert outcome.state == "success"
    assert outcome.tasks == GREEN
    paths = [RATES_META_PATH, *(f"{RATES_PATH}/{code}" for code in CODES)]
    assert len({zookeeper.get(path)[1].mzxid for path in paths}) == 1
    event = last_event()
    assert event["zxid"] == stands(zookeeper).zxid
    assert event["rates"] == {"CNY": "2", "USD": "12", "JPY": "0.15", "EUR": "9"}


def test_the_walk_goes_on_from_the_rates_that_stand(dag_runs: DagRuns, zookeeper: KazooClient) -> None:
    """A step of the walk is at most 2 % off the rate before, not off the start value."""
    zookeeper.ensure_path(RATES_PATH)
    dag_runs.run("refresh_fx", source="walk")
    first = stands(zookeeper)
    assert dag_runs.run("refresh_fx", source="walk").state == "success"
    second = stands(zookeeper)
    assert second.zxid > first.zxid
    for old, new in zip(first.rates, second.rates, strict=True):
        assert abs(new - old) <= 0.02 * old + 1


def test_one_failing_currency_keeps_its_old_rate_and_age(
    dag_runs: DagRuns, zookeeper: KazooClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The other three are new, its own task and the run are red, an alert names it; it recovers by itself."""
    with rate_server() as server:
        monkeypatch.setenv("KIWI_RATES_HTTP_URL", server.url + "/{currency}")
        server.rates = dict.fromkeys(CODES, "1.5")
        assert dag_runs.run("refresh_fx", source="http").state == "success"
        before = stands(zookeeper)
        server.rates = {"CNY": "1.6", "USD": "1.7", "EUR": "1.8"}
        outcome = dag_runs.run("refresh_fx", source="http")
        after = stands(zookeeper)
        assert [format_rate(rate) for rate in after.rates] == ["1.6", "1.7", "1.5", "1.8"]
        assert after.as_of_ms[Currency.JPY] == before.as_of_ms[Currency.JPY]
        assert all(after.as_of_ms[each] > before.as_of_ms[each] for each in set(Currency) - {Currency.JPY})
        assert outcome.state == "failed"
        assert outcome.tasks == GREEN | {"fetch[2]": "failed", "all_four_are_new": "upstream_failed"}
        assert last_event()["as_of_ms"]["JPY"] == before.as_of_ms[Currency.JPY]
        assert "ALERT dag=refresh_fx task=fetch[2]" in caplog.text
        server.rates["JPY"] = "0.2"
        assert dag_runs.run("refresh_fx", source="http").state == "success"
        assert format_rate(stands(zookeeper).rates[Currency.JPY]) == "0.2"


def test_no_source_at_all_changes_nothing(
    dag_runs: DagRuns, zookeeper: KazooClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When every currency fails, the run is red and the old snapshot stands untouched."""
    dag_runs.run("refresh_fx", source="fixed")
    before = stands(zookeeper)
    with rate_server() as server:
        monkeypatch.setenv("KIWI_RATES_HTTP_URL", server.url + "/{currency}")
        outcome = dag_runs.run("refresh_fx", source="http")
    assert outcome.state == "failed"
    assert outcome.tasks["publish"] == "failed"
    assert stands(zookeeper) == before
