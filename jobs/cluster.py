"""Kubernetes, as far as launching needs it: one ConfigMap, one SparkApplication, the driver's log."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from kubernetes import client, config
from kubernetes.client.exceptions import ApiException
from kubernetes.config.config_exception import ConfigException
from urllib3.exceptions import HTTPError

from jobs.application import Manifest
from settlement.commands import fail

NAME: Final = "kiwi-settlement"
_RESOURCE: Final = {"group": "sparkoperator.k8s.io", "version": "v1beta2", "plural": "sparkapplications"}
_TEMPLATE_KEY: Final = "application.json"
_OWNER: Final = "kiwi-launcher"
_SECONDS: Final = 10
_NOT_FOUND: Final = 404
_SPARK_DEFAULTS: Final = Path(__file__).with_name("spark-defaults.conf")


def spark_defaults() -> dict[str, str]:
    """Return the settings of Spark that hold on one machine and on a cluster."""
    lines = (line.split(None, 1) for line in _SPARK_DEFAULTS.read_text().splitlines() if line and line[0] != "#")
    return {name: value.strip() for name, value in lines}


class Cluster:
    """The cluster whose pod this is, or that KUBECONFIG names.

    Every call raises `kubernetes.client.exceptions.ApiException` when it is refused and `urllib3.exceptions.HTTPError`
    when the API server is away.
    """

    def __init__(self, namespace: str) -> None:
        """Find the credentials; raises `kubernetes.config.ConfigException` where there are none."""
        config.load_config()
        self._where = {"namespace": namespace, "name": NAME}
        self._core = client.CoreV1Api()
        self._objects = client.CustomObjectsApi()

    def read_template(self) -> Manifest:
        """Return the application as the chart has it."""
        data = self._core.read_namespaced_config_map(**self._where, _request_timeout=_SECONDS).data
        template: Manifest = json.loads(data[_TEMPLATE_KEY])
        return template

    def read_application(self) -> Manifest | None:
        """Return the application with its status, or None if it was never launched."""
        try:
            found: Manifest = self._objects.get_namespaced_custom_object(
                **_RESOURCE, **self._where, _request_timeout=_SECONDS
            )
        except ApiException as error:
            if error.status == _NOT_FOUND:
                return None
            raise
        return found

    def apply(self, wanted: Manifest) -> Manifest:
        """Have the application be as wanted, whoever changed it before; return it.

        It is applied by the server: its `generation` grows only if that changes the specification.
        """
        applied: Manifest = self._objects.patch_namespaced_custom_object(
            **_RESOURCE,
            **self._where,
            body=wanted,
            field_manager=_OWNER,
            force=True,
            _content_type="application/apply-patch+yaml",
            _request_timeout=_SECONDS,
        )
        return applied

    def driver_log(self, lines: int) -> str:
        """Return the driver's last lines; empty if there is no driver."""
        where = self._where | {"name": f"{NAME}-driver"}
        try:
            return str(self._core.read_namespaced_pod_log(**where, tail_lines=lines, _request_timeout=_SECONDS))
        except ApiException:
            return ""


@contextmanager
def clear_cluster_errors() -> Iterator[None]:
    """Say what an operator can act upon instead of a traceback, and exit with code 1."""
    try:
        yield
    except ApiException as error:
        fail(
            f"the cluster refused: {error.status} {error.reason}. Install the chart kiwi and Kubeflow's spark-operator"
        )
    except ConfigException as error:
        fail(f"{error}. Run this in a pod, or set KUBECONFIG")
    except HTTPError as error:
        fail(f"the cluster's API server does not answer ({error})")
