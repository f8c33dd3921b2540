"""The scripts and styles at work in a browser: totals, keys, looking in, one submit; nothing refused by the content policy; axe finds nothing."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import axe_playwright_python
import pytest
from flask import Flask, render_template, request
from playwright.sync_api import Browser, Page, sync_playwright
from werkzeug.serving import make_server

from shared.kit import words
from shared.web import guide
from shared.web.app import build
from tools.find_browser import find_browser

pytestmark = pytest.mark.browser

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
PAGES = [
    "_guide/portal",
    "_guide/backoffice",
    "_guide_account/portal",
    "_guide_invoice/portal",
    "_guide_pay/portal",
    "_guide_debtor/backoffice",
    "_guide_list/backoffice",
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser())
        yield browser
        browser.close()


def _door(settings) -> Flask:
    app = build("portal", settings, cookie="guide")
    posts: list[str] = []

    def show(name: str, face: str) -> str:
        facts = guide.examples()
        facts["company"] = facts["company"] | {"accent": request.args.get("accent", "")}
        facts["rail"] = [(entry[0], entry[1], f"/room/{entry[0]}", *entry[3:]) for entry in facts["rail"]]
        for debtor in facts["debtor_examples"]:
            debtor["url"] = "/guide/_guide_debtor/backoffice"
        return render_template(f"components/{name}.html", face=face, **facts)

    def post() -> tuple[str, int]:
        posts.append(request.form["name"])
        return "", 204

    app.add_url_rule("/guide/<name>/<face>", "guide", show)
    app.add_url_rule("/room/<key>", "room", lambda key: f"room {key}")
    app.add_url_rule("/once", "once", post, methods=["POST"])
    app.config["WTF_CSRF_CHECK_DEFAULT"] = False
    app.extensions["posts"] = posts
    return app


@pytest.fixture
def served(settings) -> Iterator[tuple[str, Flask]]:
    app = _door(settings)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.port}", app
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def page(browser, served) -> Iterator[Page]:
    context = browser.new_context(locale="en-GB", viewport={"width": 1440, "height": 900}, base_url=served[0])
    page = context.new_page()
    complaints: list[str] = []
    page.on(
        "console", lambda message: complaints.append(message.text) if message.type in {"error", "warning"} else None
    )
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "request",
        lambda asked: complaints.append(asked.url) if not asked.url.startswith((served[0], "data:")) else None,
    )
    yield page
    context.close()
    assert complaints == []


def test_the_bar_sums_what_is_ticked(page):
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto("/guide/_guide_account/portal")
    bar = page.locator("[data-selection-bar]")
    assert "€730.00" in bar.inner_text()
    page.locator("input[name=invoice]").first.check()
    assert "€1,110.00" in bar.inner_text()
    assert page.locator("[data-selection-count]").inner_text() == "2"
    while page.locator("input[name=invoice]:checked").count():
        page.locator("input[name=invoice]:checked").first.uncheck()
    assert not bar.is_visible()


def test_one_box_ticks_all(page):
    page.goto("/guide/_guide_account/portal")
    page.locator("[data-select-all]").check()
    assert page.locator("[data-selection-count]").inner_text() == "4"
    page.locator("input[name=invoice]").first.uncheck()
    assert page.locator("[data-select-all]").evaluate("box => box.indeterminate")


def test_the_keyboard_walks_searches_and_changes_room(page):
    page.goto("/guide/_guide_list/backoffice")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.matches('[data-global-search]')")
    page.keyboard.type("g d ?")
    assert page.locator("[data-global-search]").input_value() == "g d ?"
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    assert page.locator(".rail-keys").is_visible()
    page.keyboard.press("Escape")
    assert not page.locator(".rail-keys").is_visible()
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("x")
    assert page.locator("tr[data-at] input").is_checked()
    assert page.locator("tbody input:checked").count() == 1
    page.keyboard.press("g")
    page.keyboard.press("p")
    page.wait_for_url("**/room/p")


def test_the_letters_can_be_switched_off_and_stay_off(page):
    page.goto("/guide/_guide_list/backoffice")
    page.keyboard.press("?")
    page.locator("[data-keys-switch]").click()
    page.reload()
    page.keyboard.press("?")
    assert not page.locator(".rail-keys").is_visible()


def test_a_row_is_looked_into_without_leaving_the_list(page):
    page.goto("/guide/_guide_list/backoffice")
    page.evaluate("document.querySelector('tr[data-row] a').href = '/guide/_guide_debtor/backoffice'")
    page.locator("tr[data-row] td").nth(3).click()
    panel = page.locator(".peek")
    panel.wait_for(state="visible")
    assert "Cabinet Dora Vidal" in panel.inner_text()
    assert panel.locator("input").count() == 0
    page.keyboard.press("Escape")
    assert not panel.is_visible()


def test_a_column_is_hidden_and_stays_hidden(page):
    page.goto("/guide/_guide_list/backoffice")
    page.locator(".column-choice summary").click()
    page.locator(".column-choice label", has_text="Owner").locator("input").uncheck()
    assert not page.get_by_role("columnheader", name="Owner").is_visible()
    page.reload()
    assert not page.get_by_role("columnheader", name="Owner").is_visible()
    assert page.locator("tfoot th").get_attribute("colspan") == "6"
    late, shown = page.locator("tfoot td").first.bounding_box(), page.get_by_role("columnheader", name="Late").last
    assert abs(late["x"] - shown.bounding_box()["x"]) < 1


def test_a_form_is_sent_once(page, served):
    page.goto("/guide/_guide/portal")
    page.evaluate(
        "document.body.insertAdjacentHTML('beforeend', "
        "'<form id=t method=post action=/once><input name=name value=dora><button>send</button></form>')"
    )
    page.locator("#t button").dblclick()
    page.wait_for_timeout(300)
    assert served[1].extensions["posts"] == ["dora"]


def test_after_an_error_the_reader_starts_at_the_summary_and_reaches_the_field(page):
    page.goto("/guide/_guide/portal")
    assert page.evaluate("document.activeElement.className") == "error-summary"
    page.locator(".error-summary a").first.click()
    assert page.evaluate("document.activeElement.id") == "amount"


def test_pages_work_without_javascript(browser, served):
    with browser.new_context(
        java_script_enabled=False, base_url=served[0], viewport={"width": 390, "height": 844}
    ) as bare:
        page = bare.new_page()
        page.goto("/guide/_guide_account/portal")
        assert page.locator("[data-selection-bar] button").is_visible()
        assert not page.locator("[data-select-all]").is_visible()
        page.goto("/guide/_guide_debtor/backoffice")
        page.locator(".acts .confirm summary").click()
        assert page.locator(".acts .confirm form").is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
def test_axe_finds_nothing_in_the_guide(browser, served, scheme, width):
    found = []
    with browser.new_context(
        color_scheme=scheme, viewport={"width": width, "height": 900}, bypass_csp=True, base_url=served[0]
    ) as context:
        page = context.new_page()
        for path in ("_guide/portal", "_guide/backoffice", "_guide_account/portal?accent=%23ffd43b"):
            page.goto(f"/guide/{path}")
            page.evaluate(AXE)
            report = page.evaluate("rules => axe.run(document, {runOnly: rules})", RULES)
            found += [(path, one["id"], one["nodes"][0]["html"][:120]) for one in report["violations"]]
    assert found == []


@pytest.mark.parametrize("width", [320, 390, 820, 1280])
def test_no_page_is_wider_than_its_window(browser, served, width):
    with browser.new_context(viewport={"width": width, "height": 900}, base_url=served[0]) as context:
        page = context.new_page()
        for path in PAGES:
            page.goto(f"/guide/{path}")
            assert page.evaluate("document.documentElement.scrollWidth") == width, path


@pytest.mark.parametrize("language", words.LANGUAGES)
def test_what_fingers_touch_is_44_pixels_high(browser, served, language):
    small = """() => [...document.querySelectorAll(".portal :is(a, button, input, select, summary)")].filter((one) => {
        if (one.closest("p, li:not(.ways li), .skip, .invoices-number, .demo-strip, .sheet-table, dd")) return false;
        const box = (one.closest("label") ?? one).getBoundingClientRect();
        return box.width > 0 && box.height > 0 && box.height < 43.5;
    }).map((one) => one.outerHTML.slice(0, 100))"""
    with browser.new_context(viewport={"width": 390, "height": 844}, base_url=served[0], locale=language) as context:
        page = context.new_page()
        for path in (path for path in PAGES if path.endswith("portal")):
            page.goto(f"/guide/{path}")
            assert page.evaluate(small) == []
