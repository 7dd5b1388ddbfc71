"""# Does settlement make progress? Each two minutes

Looks at the heartbeat of the driver that holds the lock, and at the lag: the end of Kafka's log minus the ledger's
positions. While orders wait, it looks again until the ledger has moved. It changes nothing.

**It is red, and logs a line `ALERT`**, when

- the heartbeat is old: the driver is gone or cannot reach ZooKeeper. Trigger `launch_settlement`;
- settlement is `holding`: the rates are missing or too old. Look at `refresh_fx`; settlement goes on by itself;
- settlement is `halted`: a human must act. The job's log says on what;
- orders wait and the ledger has not moved for half a minute. Look into the job's log;
- orders wait and no driver has ever settled. Trigger `launch_settlement`.

Accepted orders are safe in Kafka all the while.
"""

from datetime import timedelta

from airflow.sdk import dag

from plugins.command import command
from plugins.defaults import DAG_DEFAULTS
from plugins.links import spark_links


@dag(
    doc_md=__doc__,
    tags=["settlement", "scheduled"],
    schedule="*/2 * * * *",
    dagrun_timeout=timedelta(minutes=5),
    **DAG_DEFAULTS,
)
def watch_settlement() -> None:
    """Look once."""
    command(
        "watch",
        "settlement",
        "watch",
        links=spark_links(),
        retries=0,  # it has waited long enough by itself
        execution_timeout=timedelta(minutes=2),
    )


watch_settlement()
