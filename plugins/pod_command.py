"""A command as a pod of the cluster."""

from collections.abc import Sequence
from typing import Any, Final

from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from airflow.sdk import BaseOperatorLink
from kubernetes.client import models as k8s

from plugins.plain_output import PLAIN_OUTPUT
from plugins.report_folder import POD_REPORT_DIR

CONFIG_MAP: Final = "kiwi"
DATABASE_SECRET: Final = "kiwi-database"  # noqa: S105 # its name
REPORT_CLAIM: Final = "kiwi-reports"
_USER: Final = 10001
_STARTUP_SECONDS: Final = 180


class PodCommand(KubernetesPodOperator):
    """Runs `python -m ARGUMENTS` in a pod that ends with the task; its output is the log.

    The pod may write to /tmp alone, and to the volume of reports if it has one. The database's address comes from a
    Secret, which neither Airflow nor a log ever sees.
    """

    ui_color = "#e8f3dc"

    def __init__(
        self,
        *,
        command_arguments: Sequence[str],
        role: str | None,
        memory: str = "512Mi",
        links: Sequence[BaseOperatorLink] = (),
        reports: bool = False,
        **more: Any,
    ) -> None:
        super().__init__(
            name=f"kiwi-{more['task_id'].replace('_', '-')}",
            cmds=["python", "-m"],
            arguments=list(command_arguments),
            configmaps=[CONFIG_MAP],
            env_vars=_environment(role),
            container_resources=_resources(memory),
            security_context=_pod_security(),
            container_security_context=_container_security(),
            volumes=_volumes(reports=reports),
            volume_mounts=_mounts(reports=reports),
            labels={"app.kubernetes.io/name": "kiwi", "app.kubernetes.io/component": "task"},
            startup_timeout_seconds=_STARTUP_SECONDS,
            on_finish_action="delete_pod",
            on_kill_action="delete_pod",
            termination_grace_period=20,
            durable=True,  # a worker that comes back finds its pod again instead of starting a second one
            get_logs=True,
            do_xcom_push=False,
            **more,
        )
        self.operator_extra_links = tuple(links)

    def render_template_fields(self, context: Any, jinja_env: Any = None) -> None:
        """Render, and leave out the arguments that render to nothing."""
        super().render_template_fields(context, jinja_env)
        self.arguments = [argument for argument in self.arguments or [] if argument]


def _environment(role: str | None) -> list[k8s.V1EnvVar]:
    plain = PLAIN_OUTPUT | {"HOME": "/tmp"}  # noqa: S108 # the pod's own
    variables = [k8s.V1EnvVar(name=name, value=value) for name, value in plain.items()]
    if role is not None:
        key = k8s.V1SecretKeySelector(name=DATABASE_SECRET, key=role)
        variables.append(k8s.V1EnvVar(name="KIWI_DATABASE_URL", value_from=k8s.V1EnvVarSource(secret_key_ref=key)))
    return variables


def _resources(memory: str) -> k8s.V1ResourceRequirements:
    return k8s.V1ResourceRequirements(
        requests={"cpu": "100m", "memory": memory, "ephemeral-storage": "64Mi"},
        limits={"cpu": "2", "memory": memory, "ephemeral-storage": "1Gi"},
    )


def _pod_security() -> k8s.V1PodSecurityContext:
    return k8s.V1PodSecurityContext(
        run_as_non_root=True,
        run_as_user=_USER,
        run_as_group=_USER,
        fs_group=_USER,
        seccomp_profile=k8s.V1SeccompProfile(type="RuntimeDefault"),
    )


def _container_security() -> k8s.V1SecurityContext:
    return k8s.V1SecurityContext(
        allow_privilege_escalation=False,
        read_only_root_filesystem=True,
        run_as_non_root=True,
        capabilities=k8s.V1Capabilities(drop=["ALL"]),
        seccomp_profile=k8s.V1SeccompProfile(type="RuntimeDefault"),
    )


def _volumes(*, reports: bool) -> list[k8s.V1Volume]:
    scratch = k8s.V1Volume(name="tmp", empty_dir=k8s.V1EmptyDirVolumeSource(size_limit="1Gi"))
    claim = k8s.V1PersistentVolumeClaimVolumeSource(claim_name=REPORT_CLAIM)
    return [scratch, *([k8s.V1Volume(name="reports", persistent_volume_claim=claim)] if reports else [])]


def _mounts(*, reports: bool) -> list[k8s.V1VolumeMount]:
    scratch = k8s.V1VolumeMount(name="tmp", mount_path="/tmp")  # noqa: S108 # the pod's own
    return [scratch, *([k8s.V1VolumeMount(name="reports", mount_path=POD_REPORT_DIR)] if reports else [])]
