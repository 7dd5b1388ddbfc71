"""Commands that look whether all is well, and fail loudly when it is not."""

import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from settlement.commands import clear_errors, fail, open_engine, open_zookeeper
from settlement.roles import Role
from settlement.settings import settings

if TYPE_CHECKING:
    from settlement.audit import AuditReport
    from settlement.provision.finding import Finding

check_app = typer.Typer(no_args_is_help=True, help="Is a dependency there, and as it must be? Exit code 1 if not.")


def audit(
    json: Annotated[Path | None, typer.Option(help="Also write the report to this file.")] = None,
    publish: Annotated[bool, typer.Option(help="Also write the outcome to ZooKeeper, for the live page.")] = False,
) -> None:
    """Recompute the whole ledger from Kafka's log and compare it; exit code 1 on any difference."""
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress

    from settlement.audit import audit as run_audit
    from settlement.audit import print_report

    with clear_errors(), Progress(*Progress.get_default_columns(), MofNCompleteColumn(), transient=True) as bar:
        task = bar.add_task("recomputing orders", total=None)
        report = run_audit(settings(), lambda done, total: bar.update(task, completed=done, total=total))
    if json:
        json.write_bytes(report.to_json())
    print_report(report, Console())
    if publish:
        _publish(report)
    raise typer.Exit(1 if report.difference_count else 0)


def watch(
    heartbeat_age_seconds_max: Annotated[float, typer.Option(min=1, help="An older heartbeat is an alarm.")] = 15,
    wait_seconds: Annotated[float, typer.Option(min=1, help="How long the ledger may stand while orders wait.")] = 30,
) -> None:
    """See whether settlement lives and follows the log; exit code 1 if not."""
    from settlement.watch import observe, require_progress

    with open_zookeeper() as client, open_engine() as engine:
        progress = require_progress(
            lambda: observe(client, engine, settings()),
            heartbeat_age_seconds_max=heartbeat_age_seconds_max,
            wait_seconds=wait_seconds,
        )
    typer.echo(str(progress))


@check_app.command()
def zookeeper() -> None:
    """Its quorum, writing, and the tree."""
    from settlement.provision.zookeeper import check_zookeeper

    _tell(check_zookeeper(settings()))


@check_app.command()
def kafka() -> None:
    """Its brokers, and the orders' topic."""
    from settlement.provision.kafka import check_kafka

    _tell(check_kafka(settings()))


@check_app.command()
def database(role: Annotated[Role, typer.Option(help="Whose rights the user must have.")] = "read") -> None:
    """Its version, its migrations, and the rights of the user."""
    from settlement.provision.database import check_database

    _tell(check_database(settings(), role))


@check_app.command()
def api() -> None:
    """Its readiness."""
    from settlement.provision.api import check_api

    _tell(check_api(settings()))


@check_app.command()
def kubernetes(namespace: Annotated[str, typer.Option(help="Where Kiwi runs.")] = "kiwi") -> None:
    """Storage, operators and permissions of the cluster."""
    from settlement.provision.kubernetes import check_kubernetes

    _tell(check_kubernetes(namespace))


def _tell(findings: Iterable["Finding"]) -> None:
    bad = 0
    for finding in findings:
        typer.secho(str(finding), fg=None if finding.good else typer.colors.RED)
        bad += not finding.good
    if bad:
        fail(f"{bad} of the checks failed; each names its remedy")


def _publish(report: "AuditReport") -> None:
    from settlement.audit_outcome import AuditOutcome, publish_outcome

    orders, batches = (report.counts.get(name, 0) for name in ("orders recomputed", "batches"))
    with open_zookeeper() as client:
        publish_outcome(client, AuditOutcome(time.time_ns() // 1_000_000, orders, batches, report.difference_count))
