"""A real Chromium, and what it saw of a page: errors, and every request that would have left the machine."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start Debian's chromium with a fresh profile; skip the test, loudly, where there is none."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("NO CHROMIUM ON PATH: the live page was not looked at (apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(_FLAGS))
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Sight:
    """A page, and what went wrong on it."""

    page: Page
    errors: list[str] = field(default_factory=list)
    abroad: list[str] = field(default_factory=list)


@contextmanager
def looking_at(
    browser: Browser, url: str, *, width: int = 1280, theme: Literal["light", "dark"] = "light", **context: Any
) -> Iterator[Sight]:
    """Open an address in a window of its own."""
    window = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=theme, **context)
    page = window.new_page()
    page.set_default_timeout(20_000)
    sight, home = Sight(page), urlsplit(url).netloc
    page.on("console", lambda message: sight.errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: sight.errors.append(str(error)))
    page.on("request", lambda request: sight.abroad.append(request.url) if _leads_away(request.url, home) else None)
    page.goto(url)
    try:
        yield sight
    finally:
        window.close()


def _leads_away(url: str, home: str) -> bool:
    """Return whether a request leaves for another server; `blob:` and `data:` are within the page."""
    return urlsplit(url).scheme not in ("blob", "data") and urlsplit(url).netloc != home
