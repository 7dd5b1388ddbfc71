"""The live page in a real Chromium: what a person sees of it."""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Literal

import pytest
from kazoo.client import KazooClient
from playwright.sync_api import Browser, expect
from sqlalchemy import Engine

from settlement.settings import Settings
from tests.dags.browser import chromium, looking_at
from tests.dags.live_shop import LiveShop
from tests.dags.page_server import page_served
from tests.integration.settling import order_text
from tests.integration.test_settler import SAMPLE_ORDERS

EURO = order_text(1, "EUR", [(1, 1)])
PATIENCE_MS = 15_000
SPILLED = """() => [...document.querySelectorAll('.card *')].filter(part => {
  const [inner, card] = [part.getBoundingClientRect(), part.closest('.card').getBoundingClientRect()];
  return inner.width && (inner.right > card.right + 0.5 || inner.left < card.left - 0.5);
}).map(part => part.outerHTML.slice(0, 80))"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for the module."""
    with chromium() as browser:
        yield browser


@pytest.fixture
def shop(engine: Engine, zookeeper: KazooClient, app_settings: Settings) -> LiveShop:
    """Six orders settled."""
    shop = LiveShop(engine, zookeeper, app_settings)
    shop.accept(*SAMPLE_ORDERS)
    shop.settle()
    return shop


def test_the_page_shows_the_numbers_and_follows_them(shop: LiveShop, app_settings: Settings, browser: Browser) -> None:
    """It updates by itself, has nothing to complain of, and asks nobody but its own server."""
    with page_served(app_settings) as url, looking_at(browser, url) as sight:
        page = sight.page
        expect(page.locator("#headline")).to_have_text("Settling")
        expect(page.locator("#amount")).to_have_text("6,685.96")
        expect(page.locator("#totals")).to_contain_text("5,266.24")
        expect(page.locator("#rates")).to_contain_text("0.15")
        expect(page.locator("#refusals tr", has_text="insufficient stock")).to_contain_text("1")
        expect(page.locator("#batches tr")).to_have_count(1)
        expect(page.locator("#chart path.line")).not_to_have_count(0)
        shop.accept(EURO, EURO)
        expect(page.locator("#lag")).to_have_text("2", timeout=PATIENCE_MS)
        shop.settle()
        expect(page.locator("#lag")).to_have_text("0", timeout=PATIENCE_MS)
        expect(page.locator("#batches tr")).to_have_count(2)
        expect(page.locator("#amount")).to_have_text("7,477.96")
    assert sight.errors == []
    assert sight.abroad == []


def test_a_halt_is_seen_with_its_reason(shop: LiveShop, app_settings: Settings, browser: Browser) -> None:
    """The state stands in large letters, and why beneath them."""
    shop.beat("halted", "a gap in the log: partition 0 lacks offset 6")
    with page_served(app_settings) as url, looking_at(browser, url) as sight:
        expect(sight.page.locator("#headline")).to_have_text("Halted")
        expect(sight.page.locator("#words")).to_contain_text("A gap in the log: partition 0 lacks offset 6.")
        size = sight.page.locator("#headline").evaluate("element => getComputedStyle(element).fontSize")
        assert int(re.sub(r"\D", "", size)) >= 24


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 290])
def test_a_phone_needs_no_sideways_scrolling(
    shop: LiveShop, app_settings: Settings, browser: Browser, theme: Literal["light", "dark"], width: int
) -> None:
    """Everything fits into 360 pixels, and into what Airflow's own bar leaves of them; the theme is the system's."""
    with page_served(app_settings) as url, looking_at(browser, url, width=width, theme=theme) as sight:
        expect(sight.page.locator("#batches tr")).to_have_count(1)
        assert sight.page.locator("html").evaluate("element => element.scrollWidth") == width
        assert sight.page.evaluate(SPILLED) == []
        ground = sight.page.locator("body").evaluate("element => getComputedStyle(element).backgroundColor")
        lightness = sum(map(int, re.findall(r"\d+", ground)[:3])) / 3
        assert (lightness > 200) == (theme == "light")
    assert sight.errors == []


def test_nothing_yet_says_what_to_do(app_settings: Settings, engine: Engine, browser: Browser) -> None:
    """An empty ledger is no error."""
    with page_served(app_settings) as url, looking_at(browser, url) as sight:
        expect(sight.page.locator("#headline")).to_have_text("Not started")
        expect(sight.page.locator("#batches-empty")).to_have_text("No batch yet: trigger launch_settlement.")
        expect(sight.page.locator("#rates-note")).to_contain_text("refresh_fx")
        expect(sight.page.locator("#audit-note")).to_contain_text("audit_ledger")
    assert sight.errors == []


def test_the_page_says_when_it_lost_contact(shop: LiveShop, app_settings: Settings, browser: Browser) -> None:
    """Old numbers are not shown as new ones."""
    with ExitStack() as window:
        with page_served(app_settings) as url:
            page = window.enter_context(looking_at(browser, url)).page
            expect(page.locator("#contact")).to_have_text("Live")
        expect(page.locator("#contact")).to_contain_text("Lost contact", timeout=PATIENCE_MS)
        assert page.locator("#amount").inner_text() == "6,685.96"


def test_a_page_that_is_not_seen_asks_nothing(shop: LiveShop, app_settings: Settings, browser: Browser) -> None:
    """Hidden, it stops; seen again, it goes on."""
    with page_served(app_settings) as url, looking_at(browser, url) as sight:
        page, asked = sight.page, []
        expect(page.locator("#contact")).to_have_text("Live")
        page.on("request", lambda request: asked.append(request.url))
        hide = (
            "(hidden) => { Object.defineProperty(document, 'hidden', {configurable: true, get: () => hidden});"
            " document.dispatchEvent(new Event('visibilitychange')); }"
        )
        page.evaluate(hide, True)
        page.wait_for_timeout(500)
        asked.clear()
        page.wait_for_timeout(5_000)
        assert asked == []
        with page.expect_request("**/data"):
            page.evaluate(hide, False)


def test_reports_are_listed_and_opened(app_settings: Settings, browser: Browser, tmp_path: Path) -> None:
    """From the page to the list, to a run, with its picture and its files."""
    run = tmp_path / "manual__2026-01-01T00:00:00+00:00"
    run.mkdir()
    (run / "report.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20"/>')
    (run / "report.json").write_text(
        '{"run": {"started_at": "2026-01-01T00:00:00Z"}, "orders": {"accepted": 19889, "settled": 19889},'
        ' "rates": {"accept_orders_per_second": 980.4}, "latency": {"settle": {"p50_ms": 614, "p99_ms": 2760}},'
        ' "problems": []}'
    )
    with page_served(app_settings, tmp_path) as url, looking_at(browser, url) as sight:
        sight.page.get_by_role("link", name="Benchmark reports").click()
        expect(sight.page.get_by_role("row").nth(1)).to_contain_text("19,889")
        sight.page.get_by_role("link", name=run.name).click()
        expect(sight.page.get_by_role("img", name="report.svg")).to_be_visible()
        assert sight.page.get_by_role("img", name="report.svg").evaluate("image => image.naturalWidth") == 40
        expect(sight.page.get_by_role("link", name="report.json")).to_be_visible()
        sight.page.set_viewport_size({"width": 360, "height": 800})
        assert sight.page.locator("html").evaluate("element => element.scrollWidth") == 360
        sight.page.get_by_role("link", name="All reports").click()
        expect(sight.page.get_by_role("row")).to_have_count(2)
        assert sight.page.locator("html").evaluate("element => element.scrollWidth") == 360
    assert sight.errors == []
    assert sight.abroad == []
