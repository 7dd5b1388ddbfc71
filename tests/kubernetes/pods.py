"""What is common to all pods of our charts, whichever resource they come from."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from tests.kubernetes.charts import VARIANTS, rendered


class PodSpec(NamedTuple):
    """One pod as its controller makes it.

    Attributes:
        name: variant, kind and name of the manifest.
        spec: the pod's.
    """

    name: str
    spec: dict[str, Any]

    @property
    def containers(self) -> list[dict[str, Any]]:
        """All of them, the early ones included."""
        return [*self.spec.get("initContainers", []), *self.spec["containers"]]

    @property
    def serves(self) -> bool:
        """Whether someone must know when it is ready: all but what ends by itself."""
        return bool(self.spec.get("restartPolicy", "Always") == "Always")


def pods() -> Iterator[PodSpec]:
    """Yield the pods of every variant."""
    for variant in VARIANTS:
        for manifest in rendered(variant):
            name = f"{variant}: {manifest['kind']} {manifest['metadata']['name']}"
            if manifest["kind"] == "Pod":
                yield PodSpec(name, manifest["spec"])
            elif manifest["kind"] in ("Deployment", "StatefulSet", "DaemonSet", "Job"):
                yield PodSpec(name, manifest["spec"]["template"]["spec"])
