"""A browser without scripts: it opens pages, follows links, fills the forms it finds, and checks each page on the way.

Whatever a person cannot reach by links and forms, a test cannot reach either.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import urljoin, urlsplit

from flask import Flask
from flask.testing import FlaskClient
from lxml import html
from werkzeug.datastructures import MultiDict
from werkzeug.test import TestResponse


class Quality(AssertionError):  # noqa: N818 - it says what is wrong with a page
    """A page that must not be shown to people."""


@dataclass
class Form:
    """A form found in a page, with what stands in its fields."""

    action: str
    method: str
    fields: MultiDict[str, str]
    button: str = ""


@dataclass
class Page:
    """One answer. `text` is what a person reads."""

    response: TestResponse
    address: str
    browser: Browser
    tree: Any = field(init=False)

    def __post_init__(self) -> None:
        is_html = self.response.mimetype == "text/html"
        self.tree = html.fromstring(self.response.get_data(as_text=True)) if is_html and self.response.data else None
        if self.tree is not None and not 300 <= self.status < 400 and b"<html" in self.response.data:
            check(self.response.get_data(as_text=True), self.tree, self.address)

    @property
    def status(self) -> int:
        return self.response.status_code

    @property
    def content(self) -> bytes:
        return self.response.data

    @property
    def heading(self) -> str:
        return _words(self.tree.xpath("//h1")[0])

    @property
    def text(self) -> str:
        return _words(self.tree.xpath("//body")[0])

    @property
    def links(self) -> list[str]:
        return [a.get("href") for a in self.tree.xpath("//a[@href]")]

    def forms(self) -> list[Form]:
        return [_form(node) for node in self.tree.xpath("//form")]

    def follow(self, label: str) -> Page:
        """Follow the link of that name."""
        for a in self.tree.xpath("//a[@href]"):
            if label in _words(a):
                return self.browser.open(urljoin(self.address, a.get("href")))
        raise AssertionError(f"no link {label!r} on {self.address}: {[_words(a) for a in self.tree.xpath('//a')]}")

    def submit(self, button: str, /, **values: Any) -> Page:
        """Press the button of that name in its form, with fields changed; a list is several values."""
        return self.browser.send(self.form_of(button), self.address, **values)

    def form_of(self, button: str) -> Form:
        """The form that a button belongs to, the button's own value included."""
        for node in self.tree.xpath("//form"):
            for pressed in node.xpath(".//button[not(@type) or @type='submit']"):
                if button in _words(pressed) and pressed.get("disabled") is None:
                    form = _form(node)
                    form.button = _words(pressed)
                    form.action = pressed.get("formaction") or form.action
                    if pressed.get("name"):
                        form.fields.add(pressed.get("name"), pressed.get("value", ""))
                    return form
        names = [_words(b) for b in self.tree.xpath("//form//button")]
        raise AssertionError(f"no button {button!r} on {self.address}: {names}")


class Browser:
    """One person's browser: its own cookies, its own language."""

    def __init__(self, app: Flask, *, language: str = "en", base_url: str = "http://guichet.test") -> None:
        self.client: FlaskClient = app.test_client()
        self.headers = {"Accept-Language": language, "Sec-Fetch-Site": "same-origin", "User-Agent": "Firefox Linux"}
        self.base_url = base_url

    def open(self, address: str, *, follow: bool = True, **headers: str) -> Page:
        """Open an address of ours; redirects are followed as long as they stay with us."""
        return self._go("GET", address, follow=follow, headers=headers)

    def send(self, form: Form, address: str, /, *, follow: bool = True, **values: Any) -> Page:
        """Send a form."""
        fields = form.fields.copy()
        for name, value in values.items():
            known = name.replace("__", "-") if name not in fields and name.replace("__", "-") in fields else name
            fields.setlist(known, [str(one) for one in value] if isinstance(value, list | tuple) else [str(value)])
        target = urljoin(address, form.action)
        if form.method == "get":
            return self._go("GET", target.split("?", maxsplit=1)[0], query=fields, follow=follow)
        return self._go("POST", target, data=fields, follow=follow)

    def _go(
        self,
        method: str,
        address: str,
        *,
        follow: bool,
        data: Any = None,
        query: Any = None,
        headers: dict[str, str] | None = None,
    ) -> Page:
        parts = urlsplit(address)
        path = parts.path + (f"?{parts.query}" if parts.query and query is None else "")
        response = self.client.open(
            path,
            method=method,
            data=data,
            query_string=query,
            headers=self.headers | (headers or {}),
            base_url=self.base_url,
            follow_redirects=False,
        )
        for _ in range(6):
            where = response.headers.get("Location", "")
            if not (follow and 300 <= response.status_code < 400 and self._is_ours(where)):
                break
            response = self.client.get(
                urlsplit(where).path + (f"?{urlsplit(where).query}" if urlsplit(where).query else ""),
                headers=self.headers,
                base_url=self.base_url,
            )
        address = response.request.full_path if response.request.query_string else response.request.path
        return Page(response, address, self)

    def _is_ours(self, where: str) -> bool:
        return not urlsplit(where).netloc or where.startswith(self.base_url)

    def speak(self, language: str) -> Self:
        self.headers["Accept-Language"] = language
        return self


def check(source: str, tree: Any, address: str) -> None:
    """The quality that every page has: raises Quality with what is wrong.

    One h1, a title, a language, landmarks, no raw dates or unfilled places, labelled fields, unique ids, no foreign
    address, no inline style or handler (the content policy would block them).
    """
    faults = [said for is_wrong, said in _faults(source, tree) if is_wrong]
    if faults:
        raise Quality(f"{address}: " + "; ".join(faults))


def _faults(source: str, tree: Any) -> list[tuple[Any, str]]:
    ids = [node.get("id") for node in tree.xpath("//*[@id]")]
    doubles = sorted({one for one in ids if ids.count(one) > 1})
    read = _words(tree.xpath("//main")[0]) if tree.xpath("//main") else ""
    outside = [
        address
        for address in tree.xpath("//script/@src | //link/@href | //img/@src")
        if urlsplit(address).netloc and not address.startswith("data:")
    ]
    labelled = set(tree.xpath("//label/@for"))
    bare = [
        node.get("name")
        for node in tree.xpath("//input[not(@type='hidden')] | //select | //textarea")
        if node.get("id") not in labelled and not node.xpath("ancestor::label") and not node.get("aria-label")
    ]
    broken = [ref for ref in " ".join(tree.xpath("//@aria-describedby")).split() if ref not in ids]
    return [
        (len(tree.xpath("//h1")) != 1, "not exactly one h1"),
        (not "".join(tree.xpath("//title/text()")).strip(), "no title"),
        (not tree.xpath("/html/@lang"), "no language"),
        (len(tree.xpath("//main")) != 1, "not exactly one main"),
        (doubles, f"ids used twice: {doubles}"),
        (re.search(r"\b\d{4}-\d{2}-\d{2}\b", read), "a bare ISO date"),
        (re.search(r"%\(\w+\)s|\{\{|None\b|Undefined|LazyText", read), "an unfilled place or a bare None"),
        (outside, f"foreign addresses: {outside}"),
        (bare, f"fields without a label: {bare}"),
        (broken, f"descriptions that are not there: {broken}"),
        (tree.xpath("//*[@style] | //style"), "inline style"),
        (re.search(r"\son\w+=", source), "inline handler"),
        (len(source) > 600_000, "too heavy"),
    ]


def _form(node: Any) -> Form:
    fields: MultiDict[str, str] = MultiDict()
    for one in node.xpath(".//input[@name] | .//select[@name] | .//textarea[@name]"):
        if one.get("disabled") is not None:
            continue
        if one.tag == "select":
            chosen = one.xpath("./option[@selected]") or one.xpath("./option")
            if chosen:
                fields.add(one.get("name"), chosen[0].get("value", ""))
        elif one.tag == "textarea":
            fields.add(one.get("name"), one.text or "")
        elif one.get("type") in ("checkbox", "radio"):
            if one.get("checked") is not None:
                fields.add(one.get("name"), one.get("value", "on"))
        elif one.get("type") not in ("submit", "button", "file"):
            fields.add(one.get("name"), one.get("value", ""))
    return Form(node.get("action") or "", (node.get("method") or "get").lower(), fields)


def _words(node: Any) -> str:
    return " ".join(node.text_content().split())
