"""What launching decides: which application is wanted, how it stood, and when it counts as settling."""

from datetime import UTC, datetime
from typing import Any

import pytest

from jobs.application import (
    BATCH_ORDERS_MAX,
    LAUNCH,
    RATES_AGE_SECONDS_MAX,
    HaltedError,
    Manifest,
    NotSettlingError,
    asked_for,
    compose,
    describe_launch,
    must_start_anew,
    require_settling,
)
from jobs.cluster import spark_defaults
from settlement.status import State, Status
from settlement.watch import Progress

SUBMITTED_AT = "2026-11-20T10:00:00Z"
SUBMITTED_MS = int(datetime(2026, 11, 20, 10, tzinfo=UTC).timestamp() * 1000)
TEMPLATE: Manifest = {
    "metadata": {"name": "kiwi-settlement"},
    "spec": {
        "suspend": False,
        "sparkConf": {"spark.ui.enabled": "true"},
        "driver": {"annotations": {"kiwi/settings": "1"}, "env": [{"name": "KIWI_DATABASE_URL", "valueFrom": {}}]},
    },
}


def compose_after(live: Manifest | None, launch: str | None = None, **given: str) -> Manifest:
    """Return what is wanted of the template."""
    return compose(TEMPLATE, {"spark.ui.enabled": "false", "spark.log.level": "WARN"}, live, given, launch)


def running(state: str = "RUNNING", submission: str = "2", **spec: Any) -> Manifest:
    """Return an application as the operator keeps it."""
    status = {
        "applicationState": {"state": state, "errorMessage": "driver exited with 1" if state == "FAILED" else ""},
        "submissionID": submission,
        "lastSubmissionAttemptTime": SUBMITTED_AT,
    }
    return {"spec": compose_after(None)["spec"] | spec, "status": status}


def progress(
    state: State = "settling", at_ms: int = SUBMITTED_MS + 1, age_seconds: float = 1, settled: int = 10, lag: int = 0
) -> Progress:
    """Return what is seen of settlement."""
    return Progress(Status(state, "driver", 3, "why" if state != "settling" else "", at_ms), age_seconds, settled, lag)


def assert_settling(application: Manifest, seen: Progress, old_submission: str | None = "1", settled: int = 10) -> None:
    """Look as the launcher does."""
    require_settling(application, old_submission, seen, settled)


def test_the_applications_own_spark_settings_go_before_the_common_ones() -> None:
    """The chart turns Spark's pages on; everything else holds on a cluster as on one machine."""
    conf = compose_after(None)["spec"]["sparkConf"]
    assert conf == {"spark.ui.enabled": "true", "spark.log.level": "WARN"}


def test_the_common_spark_settings_are_read() -> None:
    """Each line of the properties file is a setting, with its whole value."""
    found = spark_defaults()
    assert found["spark.driver.extraJavaOptions"] == "-XX:+UseSerialGC"
    assert found["spark.sql.shuffle.partitions"] == "1"
    assert all(name.startswith("spark.") for name in found)


def test_settings_stay_as_they_were_last_asked_for() -> None:
    """A launch changes what it names; what earlier ones named stays, and the database's address too."""
    first = compose_after(None, **{BATCH_ORDERS_MAX: "20000"})
    second = compose_after(first, **{RATES_AGE_SECONDS_MAX: "60"})
    assert asked_for(second) == {BATCH_ORDERS_MAX: "20000", RATES_AGE_SECONDS_MAX: "60"}
    third = compose_after(second, **{BATCH_ORDERS_MAX: "30000"})
    assert asked_for(third) == {BATCH_ORDERS_MAX: "30000", RATES_AGE_SECONDS_MAX: "60"}
    assert TEMPLATE["spec"]["driver"]["env"][0] in third["spec"]["driver"]["env"]
    assert asked_for(None) == {}


def test_the_template_is_left_alone() -> None:
    """Composing twice gives the same: nothing is written into what was read."""
    assert compose_after(None, **{BATCH_ORDERS_MAX: "1"}) != compose_after(None)
    assert compose_after(None) == compose_after(None)


def test_a_forced_launch_changes_the_specification_once() -> None:
    """The mark of a forced launch stays at the next ones, which would otherwise restart the driver by removing it."""
    forced = compose_after(None, launch="17")
    assert forced["spec"] != compose_after(None)["spec"]
    assert forced["spec"]["driver"]["annotations"] == {"kiwi/settings": "1", LAUNCH: "17"}
    assert compose_after(forced)["spec"] == forced["spec"]
    assert compose_after(forced, launch="18")["spec"] != forced["spec"]


def test_only_what_ended_or_halted_must_start_anew() -> None:
    """A driver that runs, comes up, is suspended or was never launched needs no force."""
    for state in ("FAILED", "FAILING", "SUBMISSION_FAILED", "COMPLETED", "UNKNOWN"):
        assert must_start_anew(running(state), progress())
    assert must_start_anew(running(), progress("halted"))
    for state in ("RUNNING", "SUBMITTED", "PENDING_RERUN", "INVALIDATING", "SUSPENDED", ""):
        assert not must_start_anew(running(state), progress())
    assert not must_start_anew(None, progress("halted"))


@pytest.mark.parametrize(
    ("live", "seen", "changed", "words"),
    [
        (None, progress(), True, "started"),
        (running("SUSPENDED", suspend=True), progress(), True, "resumed"),
        (running("FAILED"), progress(), True, "started again after it had ended, FAILED driver exited with 1"),
        (running(), progress("halted"), True, "started again after it had halted"),
        (running(), progress(), True, "settings changed, restarted"),
        (running(), progress(), False, "running as wanted"),
    ],
)
def test_a_launch_says_what_it_found(live: Manifest | None, seen: Progress, changed: bool, words: str) -> None:
    """Each way in which the job may have stood has its own words."""
    assert describe_launch(live, seen, changed=changed) == words


def test_a_driver_that_commits_is_settling() -> None:
    """New submission, running, a heartbeat of its own; and with orders waiting, orders settled since."""
    assert_settling(running(), progress())
    assert_settling(running(), progress(lag=5, settled=11))
    assert_settling(running(submission="1"), progress(), old_submission=None)


@pytest.mark.parametrize(
    ("application", "seen", "message"),
    [
        (running(submission="1"), progress(), "not started the driver yet"),
        (running("INVALIDATING", submission=""), progress(), "not started the driver yet"),
        (running("SUBMITTED"), progress(), "SUBMITTED"),
        (running("FAILED"), progress(), "driver exited with 1"),
        (running(), progress(at_ms=SUBMITTED_MS - 1), "has not been heard of"),
        (running(), Progress(None, 0, 10, 0), "has not been heard of"),
        (running(), progress("holding"), "holding: why"),
        (running(), progress(age_seconds=60), "heartbeat 60 s old"),
        (running(), progress("halted", at_ms=SUBMITTED_MS - 1), "has not been heard of"),
        (running(), progress(lag=5), "5 orders wait"),
    ],
)
def test_what_does_not_settle_yet_is_told_apart(application: Manifest, seen: Progress, message: str) -> None:
    """A former driver's heartbeat, a driver that comes up, holds, is silent or commits nothing: none is settling."""
    with pytest.raises(NotSettlingError, match=message):
        assert_settling(application, seen)


@pytest.mark.parametrize("state", ["RUNNING", "FAILING"])
def test_a_halt_is_final(state: str) -> None:
    """The driver's own word that it has halted ends the wait, whatever the operator makes of it."""
    with pytest.raises(HaltedError, match="why"):
        assert_settling(running(state), progress("halted"))
