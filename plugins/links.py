"""Links on the pages of tasks: the live page, a benchmark's report, Spark's own pages."""

from typing import Any, Final
from urllib.parse import urlsplit

from airflow.providers.common.compat.sdk import conf
from airflow.sdk import BaseOperatorLink

from plugins.report_folder import report_folder
from settlement.settings import Settings


def _prefix() -> str:
    """Return the path under which the UI lives, without a slash at its end."""
    return urlsplit(conf.get("api", "base_url", fallback="") or "").path.rstrip("/")


class LivePageLink(BaseOperatorLink):
    """To the live page inside the UI."""

    @property
    def name(self) -> str:
        """The button's text."""
        return "Live page"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:  # noqa: ARG002 # as the base class declares it
        """Return the address."""
        return f"{_prefix()}/plugin/kiwi"


class ReportLink(BaseOperatorLink):
    """To the report of this run."""

    @property
    def name(self) -> str:
        """The button's text."""
        return "Report"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:  # noqa: ARG002 # likewise
        """Return the address."""
        return f"{_prefix()}/kiwi/reports/{report_folder(ti_key.run_id)}/"


class SparkLink(BaseOperatorLink):
    """To Spark's own pages, where they are on."""

    @property
    def name(self) -> str:
        """The button's text."""
        return "Spark"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:  # noqa: ARG002 # likewise
        """Return the address."""
        return Settings().spark_ui_url


REPORT: Final = ReportLink()


def spark_links() -> tuple[BaseOperatorLink, ...]:
    """Return a link to Spark's pages if there are any."""
    return (SparkLink(),) if Settings().spark_ui_url else ()
