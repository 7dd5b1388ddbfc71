"""The live page inside the Airflow UI: what settlement is doing, now; under `kiwi/`, in the navigation as "Kiwi"."""

from typing import Any

from airflow.plugins_manager import AirflowPlugin

from plugins.live_page_app.access import viewer_check
from plugins.live_page_app.app import create_app
from settlement.settings import settings


class LivePagePlugin(AirflowPlugin):
    """Serves the page, and shows it in a frame of the UI; its addresses are relative, so any prefix will do."""

    name = "kiwi_live_page"
    fastapi_apps: list[Any] = [  # noqa: RUF012 - as the base class declares it
        {
            "app": create_app(settings(), settings().report_dir, viewer_check()),
            "url_prefix": "/kiwi",
            "name": "Kiwi live page",
        }
    ]
    external_views: list[Any] = [  # noqa: RUF012 - likewise
        {
            "name": "Kiwi",
            "href": "kiwi/",
            "destination": "nav",
            "nav_top_level": True,
            "url_route": "kiwi",
            "icon": "kiwi/static/icon.svg",
            "icon_dark_mode": "kiwi/static/icon.svg",
        }
    ]
