"""The system's Chromium as a person uses it: a phone or a desktop, light or dark; what it saw is kept as pictures."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Locator,
    Page,
    Request,
    Response,
    sync_playwright,
)

from tools.find_browser import find_browser

SCREENS = Path(__file__).resolve().parents[2] / "var" / "screens"
PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1440, "height": 900}
PATIENCE_MS = 20_000


@contextmanager
def chromium() -> Iterator[Browser]:
    """A running browser. Without one the tests fail: a missing browser never passes silently."""
    path = find_browser()
    if path is None:
        pytest.fail("there is no Chromium: `make test` installs one, or NO_BROWSER=1 leaves these tests out")
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=path, args=arguments)
        yield browser
        browser.close()


@dataclass
class Visit:
    """One person at one screen. `complaints` is what the browser had to say against our pages."""

    name: str
    context: BrowserContext
    page: Page
    complaints: list[str] = field(default_factory=list)
    _shots: int = 0

    def watch(self, page: Page) -> Page:
        """Note every error, every failed part of a page and every request to a third party."""
        page.set_default_timeout(PATIENCE_MS)
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.complaints.append(f"script: {error}"))
        page.on("request", self._request)
        page.on("response", self._response)
        return page

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not message.text.startswith("Failed to load resource"):
            self.complaints.append(f"console: {message.text}")

    def _request(self, request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme in {"http", "https"} and address.hostname not in {"127.0.0.1", "localhost"}:
            self.complaints.append(f"third party: {request.url}")

    def _response(self, response: Response) -> None:
        if response.status >= 400 and response.request.resource_type != "document":
            self.complaints.append(f"{response.status}: {response.url}")

    def new_tab(self) -> Page:
        """Another tab of the same browser, with the same cookies."""
        return self.watch(self.context.new_page())

    def shot(self, name: str, page: Page | None = None) -> None:
        """A picture of the whole page as var/screens/<journey>/NN-name.png."""
        self._shots += 1
        folder = SCREENS / self.name
        folder.mkdir(parents=True, exist_ok=True)
        (page or self.page).screenshot(path=folder / f"{self._shots:02d}-{name}.png", full_page=True)

    def go(self, url: str) -> Page:
        self.page.goto(url)
        return self.page

    def enter(self, link: str) -> Page:
        """Through a magic link: the landing page, its one button, the account."""
        self.page.goto(link)
        self.page.locator("main form button[type=submit]").first.click()
        self.page.wait_for_url(re.compile(r"^http://[^/]+/(\?.*)?$"))
        return self.page

    def press(self, name: str | re.Pattern[str], *, page: Page | None = None) -> None:
        """The button or link of this name."""
        self.find(name, page=page).click()

    def find(self, name: str | re.Pattern[str], *, page: Page | None = None) -> Locator:
        where = page or self.page
        exact = isinstance(name, str)
        button = where.get_by_role("button", name=name, exact=exact)
        return button.or_(where.get_by_role("link", name=name, exact=exact)).first

    def text(self, page: Page | None = None) -> str:
        """What a person reads in the main part, with plain spaces."""
        return re.sub(r"\s+", " ", (page or self.page).locator("main").inner_text())

    def until(self, *words: str, page: Page | None = None, within_ms: int = PATIENCE_MS, reload: bool = False) -> str:
        """Wait until the page says all these words (reloading it when it does not change by itself); gives its text."""
        where = page or self.page
        waited = 0
        while True:
            said = self.text(where)
            if all(word.lower() in said.lower() for word in words):
                return said
            assert waited < within_ms, f"{where.url} does not say {words} but: {said}"
            where.wait_for_timeout(250)
            waited += 250
            if reload and waited % 1000 == 0:
                where.reload()


def open_visit(
    browser: Browser,
    name: str,
    *,
    size: dict[str, int],
    dark: bool = False,
    language: str = "en",
    javascript: bool = True,
) -> Visit:
    """A new browser profile. The caller closes `visit.context`."""
    options: dict[str, Any] = {
        "viewport": size,
        "color_scheme": "dark" if dark else "light",
        "locale": "fr-FR" if language == "fr" else "en-GB",
        "timezone_id": "Europe/Paris",
        "reduced_motion": "reduce",
        "java_script_enabled": javascript,
        "accept_downloads": True,
    }
    if size == PHONE:
        options |= {"is_mobile": True, "has_touch": True, "device_scale_factor": 2}
    context = browser.new_context(**options)
    visit = Visit(name, context, page=None)  # type: ignore[arg-type]
    visit.page = visit.watch(context.new_page())
    return visit
