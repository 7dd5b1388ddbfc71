"""# Refresh the exchange rates, each minute

One task for each currency asks the source; then all that came is written in ONE transaction of ZooKeeper, so that no
batch ever sees half a refresh. What was missed while Airflow was away is not made up for.

**One currency's source failing** makes its task red, and the run with it, and logs a line `ALERT`. The other three
get their new rates; the one that failed keeps its old rate *and its age*. Nobody stands in for it. Once that age
passes the limit (`rates_age_seconds_max` of `launch_settlement`), settlement holds, which the live page shows, until
a refresh succeeds.

| Param | |
|---|---|
| `source` | `configured` = by KIWI_RATES_SOURCE; `walk` (goes on from the rates that stand), `fixed`, `ecb`, `http` |

The asset `fx_rates` has an event for each refresh, whose metadata are the rates, when each was true, and the
transaction's zxid, which each batch of the ledger names too.

**When it is red**: the log of the red `fetch` says why its source failed. If `publish` is red too, either nothing
came or ZooKeeper is away; trigger `provision_check`.
"""

from datetime import timedelta
from typing import Any

from airflow.sdk import Param, TriggerRule, dag, task

from plugins.assets import FX_RATES
from plugins.defaults import DAG_DEFAULTS
from plugins.gate import gate

_SOURCES = ["configured", "walk", "fixed", "ecb", "http"]
_PARAMS = {"source": Param("configured", type="string", enum=_SOURCES, description="Where the rates come from.")}
_QUICK: dict[str, Any] = {
    "retries": 1,
    "retry_delay": timedelta(seconds=5),
    "execution_timeout": timedelta(seconds=45),
}


@task(map_index_template="{{ task.op_kwargs['currency'] }}", **_QUICK)
def fetch(currency: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
    """Ask the source for one currency."""
    from plugins import fx_tasks

    assert params is not None
    return fx_tasks.fetch(currency, params["source"])


@task(outlets=[FX_RATES], trigger_rule=TriggerRule.ALL_DONE, **_QUICK)
def publish(fetched: Any, params: dict[str, Any] | None = None, outlet_events: Any = None) -> None:
    """Write what came in one transaction."""
    from plugins import fx_tasks

    assert params is not None
    outlet_events[FX_RATES].extra = fx_tasks.publish(fetched, params["source"])


@dag(
    doc_md=__doc__,
    tags=["rates", "scheduled"],
    params=_PARAMS,
    schedule="* * * * *",
    dagrun_timeout=timedelta(minutes=5),
    **DAG_DEFAULTS,
)
def refresh_fx() -> None:
    """Fetch each currency, then publish together."""
    fetched = fetch.expand(currency=["CNY", "USD", "JPY", "EUR"])
    [fetched, publish(fetched)] >> gate("all_four_are_new")


refresh_fx()
