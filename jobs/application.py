"""The settlement job as a SparkApplication: what is wanted of it, how it stood, and whether it settles."""

from collections.abc import Mapping
from copy import deepcopy
from datetime import datetime
from typing import Any, Final

from settlement.watch import Progress

Manifest = dict[str, Any]

BATCH_ORDERS_MAX: Final = "KIWI_BATCH_ORDERS_MAX"
RATES_AGE_SECONDS_MAX: Final = "KIWI_RATES_AGE_SECONDS_MAX"
LAUNCH: Final = "kiwi/launch"
"""The driver's annotation that makes an application which has ended start again: to the operator it is a change."""

HEARTBEAT_AGE_SECONDS_MAX: Final = 10  # one a second is written; the clocks of two machines differ a little
_ENDED: Final = ("FAILED", "FAILING", "SUBMISSION_FAILED", "COMPLETED", "UNKNOWN")


class NotSettlingError(Exception):
    """The job does not settle yet; the message says what is missing."""


class HaltedError(Exception):
    """The job has halted until a human acts; the message says on what."""


def compose(
    template: Manifest,
    spark_defaults: Mapping[str, str],
    live: Manifest | None,
    given: Mapping[str, str],
    launch: str | None = None,
) -> Manifest:
    """Return the application that is wanted.

    Args:
        template: as the chart has it.
        spark_defaults: settings of Spark that hold everywhere; the template's own go before them.
        live: the application as it was last launched, or None.
        given: settings that this launch asks for, by variable; the others stay as they were last asked for.
        launch: names this launch if it must start a new driver in any case.
    """
    wanted = deepcopy(template)
    spec, driver = wanted["spec"], wanted["spec"]["driver"]
    spec["sparkConf"] = {**spark_defaults, **spec.get("sparkConf", {})}
    settings = {**asked_for(live), **given}
    kept = [each for each in driver.get("env", []) if each["name"] not in settings]
    driver["env"] = kept + [{"name": name, "value": value} for name, value in sorted(settings.items())]
    if launch := launch or _annotations(live).get(LAUNCH):
        driver["annotations"] = driver.get("annotations", {}) | {LAUNCH: launch}
    return wanted


def asked_for(live: Manifest | None) -> dict[str, str]:
    """Return the settings that earlier launches asked for, by variable."""
    env = live["spec"]["driver"].get("env", []) if live else []
    return {each["name"]: each["value"] for each in env if each["name"] in (BATCH_ORDERS_MAX, RATES_AGE_SECONDS_MAX)}


def _annotations(live: Manifest | None) -> dict[str, str]:
    return (live or {}).get("spec", {}).get("driver", {}).get("annotations") or {}


def must_start_anew(live: Manifest | None, progress: Progress) -> bool:
    """Return whether the job has ended or halted, so that only a new driver can settle."""
    halted = progress.status is not None and progress.status.state == "halted"
    return live is not None and (halted or state_of(live) in _ENDED)


def describe_launch(live: Manifest | None, progress: Progress, *, changed: bool) -> str:
    """Return in words what a launch has found and done.

    Args:
        live: the application before it.
        progress: as it was before it.
        changed: whether the specification is another one now.
    """
    if live is None:
        return "started"
    if live["spec"].get("suspend"):
        return "resumed"
    if must_start_anew(live, progress):
        found = "halted" if state_of(live) not in _ENDED else f"ended, {state_of(live)} {_error_of(live)}".strip()
        return f"started again after it had {found}"
    return "settings changed, restarted" if changed else "running as wanted"


def state_of(application: Manifest) -> str:
    """Return the operator's word for it; NEW before it has one."""
    return str(application.get("status", {}).get("applicationState", {}).get("state") or "NEW")


def submission_of(application: Manifest | None) -> str:
    """Return the id of the driver's last start, or empty."""
    return str((application or {}).get("status", {}).get("submissionID", ""))


def _error_of(application: Manifest) -> str:
    return str(application["status"]["applicationState"].get("errorMessage", ""))


def require_settling(application: Manifest, old_submission: str | None, progress: Progress, settled: int) -> None:
    """Return if the driver runs, says that it settles, and does so while orders wait.

    Args:
        application: as it is now.
        old_submission: the start that must have been followed by another one; None = any will do.
        progress: as it is now.
        settled: orders that were settled before the launch.

    Raises:
        NotSettlingError: not yet.
        HaltedError: it has halted.
    """
    state, status = state_of(application), progress.status
    if old_submission is not None and submission_of(application) in ("", old_submission):
        raise NotSettlingError(f"the operator has not started the driver yet ({state})")
    fresh = status is not None and status.at_ms >= _submitted_ms(application)
    if status is not None and fresh and status.state == "halted":
        raise HaltedError(status.detail)
    if state != "RUNNING":
        raise NotSettlingError(f"the application is {state} {_error_of(application) if state != 'NEW' else ''}".strip())
    if status is None or not fresh:
        raise NotSettlingError("the new driver has not been heard of yet")
    if status.state != "settling" or progress.heartbeat_age_seconds > HEARTBEAT_AGE_SECONDS_MAX:
        raise NotSettlingError(str(progress))
    if progress.lag and progress.settled == settled:
        raise NotSettlingError(f"{progress.lag:,} orders wait, and no batch has been committed since the launch")


def _submitted_ms(application: Manifest) -> int:
    written = application.get("status", {}).get("lastSubmissionAttemptTime")
    return int(datetime.fromisoformat(written).timestamp() * 1000) if written else 0
