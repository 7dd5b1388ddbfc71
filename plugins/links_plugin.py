"""Puts the link to the live page on the page of every task."""

from typing import Any

from airflow.plugins_manager import AirflowPlugin

from plugins.links import LivePageLink


class LinksPlugin(AirflowPlugin):
    """Registers it; links of single tasks stand in their DAGs."""

    name = "kiwi_links"
    global_operator_extra_links: list[Any] = [LivePageLink()]  # noqa: RUF012 - as the base class declares it
