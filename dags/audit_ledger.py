"""# Recompute the ledger from Kafka's log, daily

Reads every message that was ever settled, decides and prices it again with code of its own, and compares every row,
stock, total and position with the ledger as of one moment. Settlement may run meanwhile. The outcome goes to the live
page.

**Example:** trigger it without Params whenever you want to be sure.

**When it is red**, and the log says `audit: N differences`, each is named with what was expected and what was found.
Suspend the settlement job, keep the log, look. Nothing repairs a difference by itself. Any other message says which
server is away.
"""

from datetime import timedelta

from airflow.sdk import dag

from plugins.command import command
from plugins.defaults import DAG_DEFAULTS


@dag(doc_md=__doc__, tags=["audit", "scheduled", "on demand"], schedule="0 3 * * *", **DAG_DEFAULTS)
def audit_ledger() -> None:
    """Audit, and publish the outcome."""
    command(
        "audit",
        "settlement",
        "audit",
        "--publish",
        memory="1Gi",
        retries=1,
        execution_timeout=timedelta(hours=2),
    )


audit_ledger()
