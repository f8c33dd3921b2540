"""The look: every component stands for itself, every colour reads, every page is light and needs no inline style or script."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import mrml
import pytest
from flask import Flask, render_template
from jinja2 import Environment

from shared.kit import colours, words
from shared.kit.templating import TEMPLATES, environment
from shared.web import assets, guide
from shared.web.app import build

CSS = assets.STATIC / "css"
COMPONENTS = sorted(path for path in (TEMPLATES / "components").glob("*.html") if not path.name.startswith("_"))
GUIDE_PAGES = sorted(path.stem for path in (TEMPLATES / "components").glob("_guide*.html"))
WITHOUT_STYLE = {"csrf"}

GROUNDS = ("ground", "surface", "raised", "sunken", "hover")
# (text, ground): every pair that a page shows; 4.5 : 1 in both schemes
READ_TOGETHER = [
    *((ink, ground) for ink in ("ink", "ink-soft", "ink-faint") for ground in GROUNDS),
    *(("accent-text", ground) for ground in (*GROUNDS, "accent-soft")),
    ("on-accent", "accent"),
    ("on-accent", "accent-hover"),
    *(
        (tone, ground)
        for tone in ("late", "wait", "good", "info")
        for ground in ("ground", "surface", "sunken", "hover")
    ),
    *((tone, f"{tone}-soft") for tone in ("late", "wait", "good", "info")),
    *(("ink", f"{tone}-soft") for tone in ("late", "wait", "good", "info")),
    ("ink", "accent-soft"),
    ("ink-faint", "accent-soft"),
    ("late", "accent-soft"),
]
# what is drawn and must be seen, though not read: 3 : 1
SEEN_TOGETHER = [("line-strong", ground) for ground in GROUNDS]


@pytest.fixture
def door(settings) -> Flask:
    app = build("portal", settings, cookie="guide")

    def show(name: str, face: str) -> str:
        return render_template(f"components/{name}.html", face=face, **guide.examples())

    app.add_url_rule("/guide/<name>/<face>", "guide", show)
    return app


def _blocks() -> dict[str, dict[str, str]]:
    css = (CSS / "tokens.css").read_text()
    light, dark = css.split("@media screen and (prefers-color-scheme: dark)")
    values = {"light": dict(re.findall(r"--([\w-]+):\s*(#[0-9a-f]{6});", light))}
    values["dark"] = values["light"] | dict(re.findall(r"--([\w-]+):\s*(#[0-9a-f]{6});", dark))
    return values


def _contrast(values: dict[str, str], one: str, other: str) -> float:
    first, second = colours.hex_colour(values[one]), colours.hex_colour(values[other])
    assert first is not None
    assert second is not None
    return colours.contrast(first, second)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_reads_on_its_ground_in_light_and_in_dark(scheme):
    values = _blocks()[scheme]
    weak = {pair: round(_contrast(values, *pair), 2) for pair in READ_TOGETHER if _contrast(values, *pair) < 4.5}
    weak |= {pair: round(_contrast(values, *pair), 2) for pair in SEEN_TOGETHER if _contrast(values, *pair) < 3}
    assert weak == {}


def _first_comment(path: Path) -> str:
    text = path.read_text()
    assert text.startswith("{#"), f"{path.name} does not begin with a comment"
    return text[2 : text.index("#}")]


@pytest.mark.parametrize("path", COMPONENTS, ids=lambda path: path.stem)
@pytest.mark.parametrize("language", words.LANGUAGES)
def test_the_example_in_a_components_first_comment_works(path, language, door):
    calls = re.findall(
        r"\{\{.*?\}\}(?= |\n|$|,|\.)|\{% call.*?\{% endcall %\}", _first_comment(path).split("Example:")[1], re.DOTALL
    )
    assert calls, f"{path.name} shows no call"
    macros = re.findall(r"macro ([a-z]\w*)\(", path.read_text())
    wanted = dict.fromkeys(macros, path.stem) | {"button": "button", "tick": "table"}
    imports = "".join(f"{{% from 'components/{home}.html' import {name} %}}" for name, home in wanted.items())
    with door.test_request_context(), words.speaking(language):
        for call in calls:
            html = door.jinja_env.from_string(imports + call).render(**guide.examples())
            assert html.strip(), f"{path.name}: {call} shows nothing"


def test_each_component_has_a_style_sheet_of_its_name_and_no_sheet_stands_alone():
    sheets = {path.stem for path in (CSS / "components").glob("*.css")}
    assert sheets == {path.stem for path in COMPONENTS} - WITHOUT_STYLE


@pytest.mark.parametrize("face", ["portal", "backoffice"])
@pytest.mark.parametrize("name", GUIDE_PAGES)
def test_the_guide_shows_every_page_in_both_languages(name, face, door):
    for language in words.LANGUAGES:
        html = door.test_client().get(f"/guide/{name}/{face}", headers={"Accept-Language": language}).text
        assert f'<html lang="{language}">' in html
        assert html.count("<h1>") == 1


def test_the_guide_shows_every_component(door):
    guide_source = (TEMPLATES / "components/_guide.html").read_text()
    shown = set(re.findall(r'from "components/(\w+)\.html"', guide_source))
    in_layouts = {"rail", "language", "skip", "peek", "print_head"}
    assert {path.stem for path in COMPONENTS} == shown | in_layouts


PAGES = [
    path for path in TEMPLATES.rglob("*.html") if path.relative_to(TEMPLATES).parts[0] not in {"mail", "paper", "twins"}
]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(TEMPLATES)))
def test_no_page_needs_an_inline_style_or_script(path):
    text = re.sub(r"\{#.*?#\}", "", path.read_text(), flags=re.DOTALL)
    assert not re.search(r"\sstyle\s*=\s*[\"']", text)
    assert "<style" not in text
    assert not re.search(r"\son[a-z]+\s*=\s*[\"']", text)
    assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", text))
    assert "//cdn" not in text


STYLES = [path for path in CSS.rglob("*.css") if path.name not in {"tokens.css", "paper.css"}]


@pytest.mark.parametrize("path", STYLES, ids=lambda path: str(path.relative_to(CSS)))
def test_styles_take_their_values_from_the_tokens(path):
    text = re.sub(r"/\*.*?\*/|url\(\"data:[^\"]*\"\)", "", path.read_text(), flags=re.DOTALL)
    assert "!important" not in text
    assert not re.search(r":[^;{}]*#[0-9a-fA-F]{3,8}\b", text), "a colour of its own"
    assert not re.search(r"^#[\w-]+|[\s,]#[a-z][\w-]*\s*[{,]", text, re.MULTILINE), "an id as selector"
    used = set(re.findall(r"var\(--([\w-]+)", text))
    known = set(re.findall(r"--([\w-]+):", (CSS / "tokens.css").read_text()))
    assert {name for name in used if not name.startswith("bs-")} <= known


@pytest.mark.parametrize("face", ["portal", "backoffice"])
def test_a_page_weighs_less_than_100_kilobytes_compressed(face, door):
    name = "_guide_account" if face == "portal" else "_guide_debtor"
    html = door.test_client().get(f"/guide/{name}/{face}").data
    shelf = assets.shelf()
    weights = {
        "html": len(gzip.compress(html)),
        "css": len(shelf[f"{face}.css"].gzipped or b""),
        "js": len(shelf[f"{face}.js"].gzipped or b""),
        "icon": len(shelf["img/favicon.svg"].body),
    }
    assert all(weights.values())
    assert sum(weights.values()) < 100_000, weights


def _mail(language: str) -> str:
    mail: Environment = environment()
    with words.speaking(language):
        return mail.get_template("mail/_guide.mjml.j2").render(**guide.examples())


@pytest.mark.parametrize("language", words.LANGUAGES)
def test_a_message_becomes_html_without_a_warning_and_asks_nothing_from_outside(language):
    output = mrml.to_html(_mail(language))
    assert output.warnings == []
    assert f'lang="{language}"' in output.content
    assert "https://pay.example/l/8K2M4Q7F3K2M9Q4" in output.content
    assert not re.search(r"<(img|link|script)\b|url\(|@import", output.content)
    assert len(output.content) < 60_000, "Gmail cuts messages above 102 kB"


def test_names_in_a_message_are_escaped():
    facts = guide.examples() | {"company": {"name": "<b>O'Hara & Fils</b>"}}
    output = mrml.to_html(environment().get_template("mail/_guide.mjml.j2").render(**facts))
    assert "<b>O" not in output.content
    assert "&amp; Fils" in output.content


def test_what_is_printed_is_dark_on_white_whatever_the_screen_is() -> None:
    sheets = [path.read_text() for path in sorted(CSS.rglob("*.css"))]
    asked = [line for sheet in sheets for line in sheet.splitlines() if "prefers-color-scheme" in line]

    assert len(asked) >= 2
    assert [line for line in asked if not line.startswith("@media screen and ")] == []
