"""The one task of most DAGs: run this image with this command, as a process here or as a pod, by `KIWI_RUNTIME`."""

from collections.abc import Sequence
from typing import Any, Literal

from airflow.sdk import BaseOperator, BaseOperatorLink

from settlement.settings import Settings

Role = Literal["read", "catalogue", "owner"]
"""A database user by its rights; each task gets the least that its work needs."""


def command(
    task_id: str,
    *arguments: str,
    role: Role | None = "read",
    links: Sequence[BaseOperatorLink] = (),
    service_account: str = "kiwi-task",
    memory: str = "512Mi",
    reports: bool = False,
    **more: Any,
) -> BaseOperator:
    """Return a task that runs `python -m ARGUMENTS`.

    Args:
        task_id: the task's name.
        arguments: the module and what follows it. Each is a template and stays one argument whatever it renders to, as
            no shell reads it; those that render to nothing are left out. Write `--name={{ params.name }}`.
        role: whose database address the command gets as KIWI_DATABASE_URL; it is never rendered. None = no address.
        links: further links on the task's page.
        service_account: of the pod.
        memory: of the pod.
        reports: whether the pod gets the volume of reports.
        more: what any operator takes.

    The task fails unless the exit code is 0; at 2 (wrong usage) and 70 (a human must act) it is not tried again.
    """
    chosen = Settings()
    if chosen.runtime == "kubernetes":
        from plugins.pod_command import PodCommand  # its libraries are heavy, and only a cluster needs them

        return PodCommand(
            task_id=task_id,
            command_arguments=arguments,
            role=role,
            links=links,
            image=chosen.image,
            namespace=chosen.namespace,
            service_account_name=service_account,
            memory=memory,
            reports=reports,
            **more,
        )
    from plugins.local_command import LocalCommand

    return LocalCommand(task_id=task_id, arguments=arguments, role=role, links=links, **more)
