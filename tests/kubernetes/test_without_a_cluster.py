"""`make test-kubernetes` where there is no cluster: it never looks like a success that showed something."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from local.home import PROJECT

KUBECONFIG = """
apiVersion: v1
kind: Config
clusters: [{name: away, cluster: {server: "https://127.0.0.1:1"}}]
contexts: [{name: away, context: {cluster: away, user: nobody}}]
current-context: away
users: [{name: nobody, user: {}}]
"""
SET = {
    "KIWI_IMAGE": "kiwi:1",
    "KIWI_TEST_KAFKA_IMAGE": "kafka:1",
    "KIWI_TEST_DATABASE_URL": "mysql+pymysql://a@10.0.0.1",
}


@pytest.mark.parametrize(("kubeconfig", "reason"), [(None, "KUBECONFIG is not set"), ("away", "does not answer")])
@pytest.mark.parametrize(("mode", "code"), [("", 1), ("optional", 0)])
def test_it_says_that_nothing_was_shown(
    kubeconfig: str | None, reason: str, mode: str, code: int, tmp_path: Path
) -> None:
    """None named or none reachable: a loud word with the reason, and a failure unless the caller can do without."""
    environment = {name: value for name, value in os.environ.items() if name != "KUBECONFIG"} | SET
    if kubeconfig:
        (tmp_path / kubeconfig).write_text(KUBECONFIG)
        environment["KUBECONFIG"] = str(tmp_path / kubeconfig)
    command = [sys.executable, "-m", "tests.cluster"]
    done = subprocess.run(
        command, env=environment | {"KIWI_CLUSTER": mode}, cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert "NOTHING WAS SHOWN ON A REAL CLUSTER" in done.stderr
    assert reason in done.stderr
    assert done.returncode == code
