"""Who may see the live page: whoever may see plugins in Airflow, by the UI's cookie or a bearer token.

Airflow serves a plugin's application without any authentication of its own, so each route of ours asks for it.
"""

from collections.abc import Callable
from typing import Any, NoReturn

from fastapi import HTTPException, status


def _refuse_everyone() -> NoReturn:
    raise HTTPException(status.HTTP_403_FORBIDDEN, "Airflow's access control is not to be had; nobody is let in")


def viewer_check() -> Callable[..., Any]:
    """Return what every route depends on; without Airflow's own check it refuses everyone."""
    try:
        from airflow.api_fastapi.auth.managers.models.resource_details import AccessView
        from airflow.api_fastapi.core_api.security import requires_access_view
    except ImportError:
        return _refuse_everyone
    return requires_access_view(AccessView.PLUGINS)
