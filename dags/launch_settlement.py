"""# Launch the settlement job, or change it

Has exactly one settlement job run as the Params say, and waits until it commits batches. It may be triggered at any
time; the log's last line says what it found:

| the job was | what happens |
|---|---|
| never launched | it is started |
| running as wanted | nothing |
| running otherwise | it starts anew between two batches with the new settings; nothing is lost or settled twice |
| suspended | it is resumed |
| failing or halted | it is started again, once |

| Param | |
|---|---|
| `batch_orders_max` | the largest micro-batch; empty = as at the last launch |
| `rates_age_seconds_max` | older rates hold settlement; empty = as at the last launch |

**Example:** `{"batch_orders_max": 20000}`

**When it is red**, the log ends with the job's own last lines. `holding`: trigger `refresh_fx`. `halted`, exit code
70: a human must act; the message says on what. Otherwise trigger `provision_check`.
"""

from airflow.sdk import Param, dag

from plugins.command import command
from plugins.defaults import DAG_DEFAULTS
from plugins.links import spark_links
from plugins.runtime import launcher, on_kubernetes

_PARAMS = {
    "batch_orders_max": Param(
        None,
        type=["null", "integer"],
        minimum=1,
        maximum=1_000_000,
        description="The largest micro-batch, orders; empty = as at the last launch.",
    ),
    "rates_age_seconds_max": Param(
        None,
        type=["null", "number"],
        exclusiveMinimum=0,
        description="Rates older than so many seconds hold settlement; empty = as at the last launch.",
    ),
}


@dag(doc_md=__doc__, tags=["settlement", "on demand"], params=_PARAMS, **DAG_DEFAULTS)
def launch_settlement() -> None:
    """Have the job run as wanted."""
    command(
        "launch",
        *launcher(),
        "{{ '--batch-orders-max=%d' % params.batch_orders_max if params.batch_orders_max else '' }}",
        "{{ '--rates-age-seconds-max=%s' % params.rates_age_seconds_max if params.rates_age_seconds_max else '' }}",
        role="read" if on_kubernetes() else None,
        links=spark_links(),
        service_account="kiwi-launcher",
        retries=1,
    )


launch_settlement()
