"""What the image's entrypoint makes of the arguments and variables that Spark gives to its pods."""

import os
import subprocess
from pathlib import Path

import pytest

from local.home import PROJECT

EXECUTOR = {
    "SPARK_JAVA_OPT_0": "-Dfirst=1",
    "SPARK_JAVA_OPT_10": "-Deleventh=with a space",
    "SPARK_JAVA_OPT_2": "-Dthird=a=b",
    "SPARK_EXECUTOR_MEMORY": "1g",
    "SPARK_DRIVER_URL": "spark://driver",
    "SPARK_EXECUTOR_ID": "7",
    "SPARK_EXECUTOR_CORES": "1",
    "SPARK_APPLICATION_ID": "app",
    "SPARK_EXECUTOR_POD_IP": "10.0.0.7",
    "SPARK_RESOURCE_PROFILE_ID": "0",
    "SPARK_EXECUTOR_POD_NAME": "exec-7",
}


@pytest.fixture
def init(tmp_path: Path) -> Path:
    """A folder with an init that prints what it would start, one argument a line."""
    program = tmp_path / "tini"
    program.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    program.chmod(0o755)
    return tmp_path


def started(init: Path, *arguments: str, **variables: str) -> list[str]:
    """Return what the entrypoint hands to the init, without the init's own options."""
    environment = {"PATH": f"{init}:{os.environ['PATH']}", "SPARK_HOME": "/spark"} | variables
    command = [str(PROJECT / "jobs" / "entrypoint.sh"), *arguments]
    printed = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=10).stdout
    options, _, handed_over = printed.partition("--\n")
    assert options == "-s\n"
    return handed_over.splitlines()


def test_any_other_command_is_run_as_it_is(init: Path) -> None:
    """The API, a task and Airflow's own commands pass through, each argument as one."""
    assert started(init, "python", "-m", "settlement", "a b", "") == ["python", "-m", "settlement", "a b", ""]


def test_a_driver_is_submitted_in_its_own_pod(init: Path) -> None:
    """Spark's arguments stay at the end, after the address that the pod listens on."""
    given = ["--properties-file", "/opt/spark/conf/spark.properties", "local:///opt/kiwi/jobs/settle.py"]
    command = started(init, "driver", *given, SPARK_DRIVER_BIND_ADDRESS="10.0.0.1")
    assert command[:3] == ["/spark/bin/spark-submit", "--deploy-mode", "client"]
    assert "spark.driver.bindAddress=10.0.0.1" in command
    assert command[-3:] == given


def test_an_executor_gets_the_jvms_options_in_their_order(init: Path) -> None:
    """Numbered variables are sorted by number, and keep spaces and equals signs."""
    command = started(init, "executor", **EXECUTOR)
    assert command[:6] == ["java", "-Dfirst=1", "-Dthird=a=b", "-Deleventh=with a space", "-Xms1g", "-Xmx1g"]
    assert command[command.index("--executor-id") + 1] == "7"
    assert command[command.index("--podName") + 1] == "exec-7"
    assert "/spark/jars/*" in command[command.index("-cp") + 1]


def test_a_driver_without_its_address_fails(init: Path) -> None:
    """A variable that Spark did not set is an error, not an empty string."""
    with pytest.raises(subprocess.CalledProcessError):
        started(init, "driver")
