"""Our charts, each rendered with its own values and with each variant that the documentation offers."""

import json
from collections.abc import Iterator
from functools import cache
from typing import Any, Final

from tests.kubernetes.helm import CHARTS, render

Manifest = dict[str, Any]

VARIANTS: Final = {
    "kiwi": ("kiwi",),
    "kiwi with all options": (
        "kiwi",
        "--set=mysql.address=192.168.56.20",
        "--set=image.pullSecrets={registry}",
        "--set=monitoring.serviceMonitors=true",
        "--set=monitoring.dashboard=true",
    ),
    "zookeeper": ("zookeeper",),
    "kafka": ("kafka",),
    "kafka on local volumes": ("kafka", f"--values={CHARTS / 'kafka-local-volumes.yaml'}"),
}


@cache
def rendered(variant: str) -> tuple[Manifest, ...]:
    """Return the manifests of a variant, and the SparkApplication that its ConfigMap holds."""
    manifests = render(*VARIANTS[variant])
    return (*manifests, *_applications(manifests))


def _applications(manifests: list[Manifest]) -> Iterator[Manifest]:
    for manifest in manifests:
        if manifest["kind"] == "ConfigMap" and "application.json" in manifest["data"]:
            yield json.loads(manifest["data"]["application.json"])


def find(variant: str, kind: str, name: str) -> Manifest:
    """Return the one manifest of this kind and name."""
    (found,) = (each for each in rendered(variant) if (each["kind"], each["metadata"]["name"]) == (kind, name))
    return found
