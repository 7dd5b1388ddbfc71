"""What a demonstration run ends with: the generator's report and the ledger's totals, in a few lines."""

import json
import re
from pathlib import Path
from typing import Any

from local.connections import Connections
from local.home import SetupError
from settlement.audit_outcome import read_outcome
from settlement.database import create_database_engine
from settlement.queries import Turnover, read_turnover
from settlement.zookeeper import connect_zookeeper


def report_folder(reports: Path, run_id: str) -> Path:
    """Return where the DAG `benchmark` puts the report of one of its runs."""
    return reports / re.sub(r"[^A-Za-z0-9_.-]", "_", run_id)


def read_run(folder: Path) -> dict[str, Any]:
    """Return the generator's report.

    Raises:
        SetupError: there is none.
    """
    try:
        report: dict[str, Any] = json.loads((folder / "report.json").read_bytes())
    except FileNotFoundError as error:
        raise SetupError(f"the benchmark left no report in {folder}; its log in Airflow says why") from error
    return report


def verdict_lines(run: dict[str, Any], connections: Connections) -> list[str]:
    """Return the lines: accepted against settled, totals, latencies, and what the audit found."""
    orders, latency = run["orders"], run["latency"]
    turnover = _turnover(connections)
    sign = "=" if run["accepted_equals_settled"] else "≠"
    paid = ", ".join(f"{amount:,} {code}" for code, amount in turnover.paid.items())
    lines = [
        f"accepted {orders['accepted']:,} {sign} settled {orders['settled']:,}",
        f"total {turnover.amount_cny:,} CNY over {turnover.orders:,} orders; paid {paid}",
    ]
    for name, key in (("sent to accepted", "request"), ("accepted to settled", "settle")):
        if values := latency[key]:
            shown = ", ".join(f"{part} {values[f'{part}_ms']:,.1f}" for part in ("p50", "p90", "p99", "max"))
            lines.append(f"{name}, ms: {shown}")
    return [*lines, f"audit: {count_differences(connections):,} differences"]


def count_differences(connections: Connections) -> int:
    """Return what the last audit found.

    Raises:
        SetupError: none was ever published.
    """
    client = connect_zookeeper(connections.home.address("zookeeper"))
    try:
        outcome = read_outcome(client)
    finally:
        client.stop()
        client.close()
    if outcome is None:
        raise SetupError("no audit has published its outcome; the log of audit_ledger in Airflow says why")
    return outcome.differences


def _turnover(connections: Connections) -> Turnover:
    engine = create_database_engine(connections.settings("read").database_url.get_secret_value(), pool_size=1)
    try:
        with engine.connect() as connection:
            return read_turnover(connection)
    finally:
        engine.dispose()
