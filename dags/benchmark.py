"""# Put load on the system, and report how it bore it

Sends orders as the Params say, waits until all are settled and looks every result up, audits the ledger, and compares
with the run before. **It buys for real**: orders take stock and stay in the ledger.

| task | does |
|---|---|
| `send_orders` | sends, drains, verifies; writes `report.json` and `report.png` |
| `audit` | recomputes the whole ledger and compares it |
| `compare` | writes `comparison.md`: this run beside the one before |

The button **Report** on each task's page leads to the run's folder. The form has a field for each option of the
generator; those under "Faults on purpose" send what the system must refuse.

**Example:** `{"orders": 100000, "rate": 0, "bulk": 1000}` - as fast as possible, a thousand orders a request.

**When it is red**: `send_orders` says which orders have no result, or that there is no API or an empty catalogue
(trigger `seed_db`). It is not tried again by itself: that would be another load. `audit` names each difference: stop
the job, keep the log, look.
"""

from datetime import timedelta

from airflow.sdk import dag

from plugins.benchmark_params import ARGUMENTS, PARAMS
from plugins.command import command
from plugins.defaults import DAG_DEFAULTS
from plugins.links import REPORT
from plugins.report_folder import report_folder, report_root

_FOLDER = report_root() + "/{{ run_id | report_folder }}"


@dag(
    doc_md=__doc__,
    tags=["load", "on demand"],
    params=PARAMS,
    user_defined_filters={"report_folder": report_folder},
    **DAG_DEFAULTS,
)
def benchmark() -> None:
    """Send and drain, audit, compare."""
    send = command(
        "send_orders",
        "generator",
        "run",
        *ARGUMENTS,
        f"--report-dir={_FOLDER}",
        links=[REPORT],
        memory="1Gi",
        reports=True,
        retries=0,  # a second run would be another load
        execution_timeout=timedelta(hours=2),
    )
    audit = command(
        "audit",
        "settlement",
        "audit",
        "--publish",
        links=[REPORT],
        memory="1Gi",
        execution_timeout=timedelta(hours=1),
    )
    compare = command("compare", "generator", "compare", _FOLDER, role=None, links=[REPORT], reports=True)
    send >> audit >> compare


benchmark()
