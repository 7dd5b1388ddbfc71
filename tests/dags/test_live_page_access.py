"""Who gets to see the live page: whoever is logged in to Airflow, and nobody else."""

import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from fastapi.routing import APIRoute
from kazoo.client import KazooClient
from playwright.sync_api import expect
from sqlalchemy import Engine

from plugins.live_page_app.access import viewer_check
from plugins.live_page_app.app import create_app
from settlement.settings import Settings
from tests.dags.airflow_ui import airflow_ui
from tests.dags.browser import chromium, looking_at
from tests.dags.live_shop import LiveShop
from tests.dags.page_server import anyone, page_served
from tests.integration.test_settler import SAMPLE_ORDERS

EXAMPLE = {"/static/{name}": "/static/page.js", "/reports/{run}/": "/reports/run/"}
EXAMPLE["/reports/{run}/{name}"] = "/reports/run/report.txt"


def paths(settings: Settings) -> list[str]:
    """Return an address for every route that the application has."""
    routes = create_app(settings, None, anyone).routes
    assert routes
    assert all(isinstance(route, APIRoute) for route in routes), "a mount would not ask who is looking"
    return [EXAMPLE.get(route.path, route.path) for route in routes if isinstance(route, APIRoute)]


def status(url: str, token: str | None = None) -> tuple[int, str]:
    """Return how an address answers, and its content policy."""
    request = urllib.request.Request(url, headers={"Cookie": f"_token={token}"} if token else {})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - our own server
            return answer.status, answer.headers["Content-Security-Policy"]
    except urllib.error.HTTPError as error:
        return error.code, error.headers["Content-Security-Policy"] or ""


@pytest.fixture
def report_dir(tmp_path: Path) -> Path:
    """One run with one file."""
    (tmp_path / "reports" / "run").mkdir(parents=True)
    (tmp_path / "reports" / "run" / "report.txt").write_text("fine")
    return tmp_path / "reports"


@pytest.mark.timeout(300)
def test_the_page_in_airflow_is_for_those_who_are_logged_in(
    engine: Engine, zookeeper: KazooClient, app_settings: Settings, report_dir: Path, tmp_path: Path
) -> None:
    """Every route refuses strangers, serves a viewer by the UI's cookie, and shows in a frame of the UI."""
    shop = LiveShop(engine, zookeeper, app_settings)
    shop.accept(*SAMPLE_ORDERS)
    shop.settle()
    home = tmp_path / "airflow"
    home.mkdir()
    with airflow_ui(app_settings, report_dir, home) as airflow:
        for path in paths(app_settings):
            url = f"{airflow.url}kiwi{path}"
            assert status(url)[0] == 401, path
            assert status(url, "no.such.token")[0] in (401, 403), path
            code, policy = status(url, airflow.token)
            assert code == 200, path
            assert policy.startswith("default-src 'none'"), path
        # The cookie is there before the first visit: one without it is led to the log-in page, late answers and all.
        with chromium() as browser, looking_at(browser, airflow.url, storage_state=airflow.logged_in) as sight:
            link = sight.page.get_by_role("link", name="Kiwi")
            expect(link, f"at {sight.page.url}, said {sight.errors}").to_be_visible(timeout=60_000)
            link.click()
            frame = sight.page.frame_locator("iframe[title=Kiwi]")
            expect(frame.locator("#amount")).to_have_text("6,685.96", timeout=30_000)
            expect(frame.locator("#contact")).to_have_text("Live")
            assert sight.abroad == []


def test_without_airflows_check_nobody_is_let_in(
    app_settings: Settings, report_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A release of Airflow that has moved it closes the page, instead of opening it."""
    monkeypatch.setitem(sys.modules, "airflow.api_fastapi.core_api.security", None)
    with page_served(app_settings, report_dir, viewer_check()) as url:
        for path in paths(app_settings):
            assert status(f"{url}{path[1:]}")[0] == 403, path


@pytest.mark.parametrize(
    "path",
    [
        "reports/run/..%2f..%2fsecret",
        "reports/..%2f/secret",
        "reports/%2e%2e/secret",
        "static/..%2fapp.py",
        "static/app.py",
    ],
)
def test_no_address_leads_out_of_the_folders(app_settings: Settings, report_dir: Path, path: str) -> None:
    """Whatever is written into an address, it names one of our files or nothing."""
    (report_dir.parent / "secret").write_text("secret")
    with page_served(app_settings, report_dir) as url:
        assert status(f"{url}{path}")[0] == 404
        code, policy = status(f"{url}reports/run/report.txt")
    assert code == 200
    assert "sandbox" in policy
