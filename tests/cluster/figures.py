"""What was measured, told at the end of the run."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Final

from tests.cluster.kubectl import KAFKA_NAMESPACE, NAMESPACE, kubectl

FIGURES: Final[list[str]] = []
_MIB: Final = 1024 * 1024


def note(what: str, seconds: float) -> None:
    """Keep a time."""
    FIGURES.append(f"{what}: {seconds:.1f} s")


@contextmanager
def timed(what: str) -> Iterator[None]:
    """Keep the time of a step."""
    began = monotonic()
    yield
    note(what, monotonic() - began)


def note_memory() -> None:
    """Keep each pod's memory, as its kubelet counts it: the working set, and of how much it may take."""
    for node in json.loads(kubectl("get", "nodes", "--output=json"))["items"]:
        summary = json.loads(kubectl("get", "--raw", f"/api/v1/nodes/{node['metadata']['name']}/proxy/stats/summary"))
        for pod in summary["pods"]:
            name = pod["podRef"]
            if name["namespace"] in (NAMESPACE, KAFKA_NAMESPACE, "spark-operator") and "memory" in pod:
                used = pod["memory"].get("workingSetBytes", 0) // _MIB
                FIGURES.append(f"memory of {name['namespace']}/{name['name']}: {used} MiB")
