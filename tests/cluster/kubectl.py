"""The cluster as an operator sees it, and waiting for what it must come to."""

import json
import subprocess
import time
from collections.abc import Callable
from typing import Any, Final

from tests.kubernetes.helm import ensure_program

NAMESPACE: Final = "kiwi"
KAFKA_NAMESPACE: Final = "kafka"
_SECONDS: Final = 60
_POLL_SECONDS: Final = 0.5

Manifest = dict[str, Any]


def kubectl(*arguments: str, namespace: str = NAMESPACE, typed: str | None = None, seconds: float = _SECONDS) -> str:
    """Return what kubectl prints.

    Args:
        arguments: of kubectl.
        namespace: where.
        typed: its standard input.
        seconds: it may take.

    Raises:
        subprocess.CalledProcessError: it refused; `stderr` says why.
    """
    command = [str(ensure_program("kubectl")), "--namespace", namespace, *arguments]
    done = subprocess.run(command, input=typed, capture_output=True, text=True, timeout=seconds, check=False)
    if done.returncode:
        raise subprocess.CalledProcessError(
            done.returncode, command, done.stdout, f"{done.stderr}\n{done.stdout}"[-2000:]
        )
    return done.stdout


def find(kind: str, name: str, namespace: str = NAMESPACE) -> Manifest | None:
    """Return an object, or None if there is none."""
    found = kubectl("get", kind, name, "--ignore-not-found", "--output=json", namespace=namespace)
    return json.loads(found) if found else None


def pods(selector: str, namespace: str = NAMESPACE) -> list[Manifest]:
    """Return the pods with these labels that have not ended; those of a killed driver stay listed as Completed."""
    lasting = "--field-selector=status.phase!=Succeeded,status.phase!=Failed"
    found = json.loads(kubectl("get", "pods", f"--selector={selector}", lasting, "--output=json", namespace=namespace))
    items: list[Manifest] = found["items"]
    return items


def ready(pod: Manifest) -> bool:
    """Return whether a pod is ready, and not on its way out."""
    conditions = {each["type"]: each["status"] for each in pod["status"].get("conditions", [])}
    return conditions.get("Ready") == "True" and "deletionTimestamp" not in pod["metadata"]


def await_condition(what: str, holds: Callable[[], bool], seconds_max: float) -> float:
    """Wait until a condition holds; return the seconds that it took."""
    began = time.monotonic()
    while not holds():
        waited = time.monotonic() - began
        assert waited < seconds_max, f"not after {waited:.0f} s: {what}"
        time.sleep(_POLL_SECONDS)
    return time.monotonic() - began
