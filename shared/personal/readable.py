"""What is held about a person, as somebody reads it: sections in plain words, on a page and in the file that is handed out."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from shared.kit import personal, templating
from shared.kit.money import Money, format_money
from shared.kit.words import current_language
from shared.kit.words import gettext as _
from shared.kit.words import lazy_gettext as _l
from shared.personal import export
from shared.personal.labels import FIELDS

_HEADINGS = ("subject", "reference", "account_code", "name", "action", "purpose", "at", "created_at")
"""What an entry is called: the first of these that it has."""
_WHENS = ("created_at", "at", "uploaded_at", "accepted_at")
_TEXTS = frozenset(["text", "note", "answer"])
_INNER = {
    "decided_on": _l("Decided on"),
    "offset_days": _l("Days from the due day"),
    "listed": _l("Asked for"),
    "left_out": _l("Left out"),
    "number": _l("Invoice"),
    "due_on": _l("Due"),
    "minor": _l("Amount"),
}
"""What stands within a value, in this order."""
_HIDDEN = frozenset(["currency"])
"""Said with the amount."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that is held: what it is called, the facts in one line each, and the longer texts."""

    title: str
    facts: tuple[tuple[str, str], ...]
    texts: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Section:
    """One kind, with what it is for and how long it is kept."""

    kind: str
    title: str
    what_for: str
    legal_basis: str
    kept: str
    source: str
    entries: tuple[Entry, ...]


def sections(found: Mapping[str, Any], *, oneself: str = "") -> list[Section]:
    """Of what `export.gather` found, every kind of which there is something, in the language of the moment.

    `oneself` is what the person is called where it acted, for readers other than that person.
    """
    zone = found["company"]["zone"]
    return [
        Section(
            each["kind"],
            each["title"],
            each["what_for"],
            each["legal_basis"],
            each["kept"],
            each["source"],
            tuple(
                _entry(each["kind"], row | {"by": oneself} if oneself and row.get("by") == "oneself" else row, zone)
                for row in each["rows"]
            ),
        )
        for each in found["kinds"]
        if each["rows"]
    ]


def nothing_of(found: Mapping[str, Any]) -> list[str]:
    """The titles of the kinds of which nothing is held."""
    return [each["title"] for each in found["kinds"] if not each["rows"]]


def _entry(kind: str, row: Mapping[str, Any], zone: str) -> Entry:
    said = {name: _said(kind, name, value, row, zone) for name, value in row.items() if name not in _HIDDEN}
    said = {name: text for name, text in said.items() if text}
    called = next((name for name in _HEADINGS if name in said), "")
    when = next((said[name] for name in _WHENS if name in said and name != called), "")
    title = " · ".join(part for part in (said.get(called, ""), when) if part)
    shown = {called, *(name for name in _WHENS if said.get(name) == when)}
    facts = tuple(
        (str(FIELDS.get(name, name)), text) for name, text in said.items() if name not in shown and name not in _TEXTS
    )
    texts = tuple((str(FIELDS.get(name, name)), said[name]) for name in said if name in _TEXTS)
    return Entry(title, facts, texts)


def _said(kind: str, name: str, value: Any, row: Mapping[str, Any], zone: str) -> str:
    if value is None or value in ("", [], {}):
        return ""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if name == "minor" or name.endswith("_minor"):
        return format_money(Money(value, str(row.get("currency", "EUR"))), current_language())
    if name == "at" or name.endswith("_at"):
        return templating.moment(datetime.fromisoformat(value), zone)
    if name.endswith("_on"):
        return templating.day(date.fromisoformat(value))
    if isinstance(value, Mapping):
        return _listed(kind, value, zone)
    if isinstance(value, list):
        return " · ".join(filter(None, (_said(kind, name, each, row, zone) for each in value)))
    return personal.in_words(kind, name, value) if isinstance(value, str) else str(value)


def _listed(kind: str, value: Mapping[str, Any], zone: str) -> str:
    """A value of several parts, in one line."""
    parts = []
    for key, each in sorted(value.items(), key=lambda part: ([*_INNER, part[0]].index(part[0]), part[0])):
        text = "" if key in _HIDDEN else _said(kind, key, each, value, zone)
        if text:
            label = _INNER.get(key) or FIELDS.get(key) or key.replace("_", " ")
            parts.append(_("%(label)s: %(text)s", label=label, text=text))
    return " – ".join(parts)


def as_page(found: Mapping[str, Any]) -> bytes:
    """The whole as one HTML file that needs nothing beside it: opened by any browser, fit to be printed."""
    template = templating.environment().get_template("paper/personal_data.html")
    made_at = templating.moment(datetime.fromisoformat(found["made_at"]), found["company"]["zone"])
    return template.render(
        found=found,
        sections=sections(found),
        nothing=nothing_of(found),
        made_at=made_at,
        language=current_language(),
    ).encode()


def as_zip(found: Mapping[str, Any]) -> bytes:
    """The page for the person and the JSON for programs, in one file."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{file_name()}.html", as_page(found))
        archive.writestr(f"{file_name()}.json", export.as_json(dict(found)))
    return target.getvalue()


def file_name() -> str:
    """What the file is called, without its ending."""
    return _("data-about-you")
