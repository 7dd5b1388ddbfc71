"""Launches the settlement job on Kubernetes: `python -m jobs.launch`, in a pod of the ServiceAccount kiwi-launcher.

Exit codes: 0 = it settles, 1 = it does not (yet) or the cluster refused, 70 = it halted until a human acts.
"""

import time
from collections.abc import Callable
from typing import Annotated, Final

import typer

from jobs.application import (
    BATCH_ORDERS_MAX,
    RATES_AGE_SECONDS_MAX,
    HaltedError,
    NotSettlingError,
    asked_for,
    compose,
    describe_launch,
    must_start_anew,
    require_settling,
    submission_of,
)
from jobs.cluster import Cluster, clear_cluster_errors, spark_defaults
from settlement.commands import fail, open_engine, open_zookeeper
from settlement.settings import Settings, settings
from settlement.watch import Progress, observe

_HALTED: Final = 70
_LOG_LINES: Final = 40
_POLL_SECONDS: Final = 1
_REMEDY: Final = (
    "What to do: if it holds for want of rates, run the DAG refresh_fx; otherwise remove what the log names, then "
    "launch again."
)


def main(
    batch_orders_max: Annotated[
        int | None, typer.Option(min=1, max=1_000_000, help="Largest micro-batch; default as at the last launch.")
    ] = None,
    rates_age_seconds_max: Annotated[
        float | None, typer.Option(min=0.001, help="Older rates hold settlement; default as at the last launch.")
    ] = None,
    wait_seconds: Annotated[float, typer.Option(min=1, help="Longest wait until batches are committed.")] = 300,
) -> None:
    """Have exactly one settlement job run as wanted, and wait until it commits batches."""
    given = {}
    if batch_orders_max is not None:
        given[BATCH_ORDERS_MAX] = str(batch_orders_max)
    if rates_age_seconds_max is not None:
        given[RATES_AGE_SECONDS_MAX] = f"{rates_age_seconds_max:g}"
    with clear_cluster_errors(), open_zookeeper() as zookeeper, open_engine() as engine:
        _launch(Cluster(settings().namespace), given, lambda: observe(zookeeper, engine, settings()), wait_seconds)


def _launch(cluster: Cluster, given: dict[str, str], look: Callable[[], Progress], wait_seconds: float) -> None:
    live, before = cluster.read_application(), look()
    anew = f"{time.time_ns()}" if must_start_anew(live, before) else None
    wanted = compose(cluster.read_template(), spark_defaults(), live, given, anew)
    applied = cluster.apply(wanted)
    changed = live is None or applied["metadata"]["generation"] != live["metadata"]["generation"]
    outcome = describe_launch(live, before, changed=changed)
    typer.echo(f"{outcome}; waiting until batches are committed")
    old_submission = submission_of(live) if changed else None
    _await_commits(cluster, lambda: _check(cluster, old_submission, look(), before.settled), wait_seconds)
    typer.echo(f"{outcome}: {_describe_settings(asked_for(wanted))}")


def _check(cluster: Cluster, old_submission: str | None, progress: Progress, settled: int) -> None:
    application = cluster.read_application()
    if application is None:
        raise NotSettlingError("the application has been deleted")
    require_settling(application, old_submission, progress, settled)


def _await_commits(cluster: Cluster, check: Callable[[], None], wait_seconds: float) -> None:
    deadline = time.monotonic() + wait_seconds
    said = ""
    while True:
        try:
            return check()
        except HaltedError as error:
            typer.secho(f"halted until a human acts: {error}\n{cluster.driver_log(_LOG_LINES)}", err=True)
            raise typer.Exit(_HALTED) from error
        except NotSettlingError as error:
            if time.monotonic() > deadline:
                fail(f"{cluster.driver_log(_LOG_LINES)}\nfailing: {error}, for {wait_seconds:.0f} s\n{_REMEDY}")
            if str(error) != said:
                said = str(error)
                typer.echo(said)
        time.sleep(_POLL_SECONDS)


def _describe_settings(asked: dict[str, str]) -> str:
    own = settings()
    chosen = Settings.model_validate(
        {
            "batch_orders_max": asked.get(BATCH_ORDERS_MAX, own.batch_orders_max),
            "rates_age_seconds_max": asked.get(RATES_AGE_SECONDS_MAX, own.rates_age_seconds_max),
        }
    )
    return (
        f"batches of at most {chosen.batch_orders_max:,} orders, rates of at most {chosen.rates_age_seconds_max:,g} s"
    )


if __name__ == "__main__":
    typer.run(main)
