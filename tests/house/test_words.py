"""Both languages are complete: whatever the code says has its French words, and the French fits its places."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from babel.messages.extract import extract_from_dir, extract_python
from babel.messages.pofile import read_po
from jinja2.ext import babel_extract

ROOT = Path(__file__).resolve().parent.parent.parent
FOLDERS = ("shared", "payments", "portal", "backoffice", "templates")
KEYWORDS = {"_": None, "_l": None, "gettext": None, "lazy_gettext": None, "N_": None, "ngettext": (1, 2), "_n": (1, 2)}
PLACE = re.compile(r"%\((\w+)\)[sd]")

Message = str | tuple[str, str]


def messages() -> dict[Message, str]:
    """Every message of code and templates, with the place where it first stands."""
    found: dict[Message, str] = {}
    for folder in FOLDERS:
        for file, line, message, _comments, _context in extract_from_dir(
            ROOT / folder,
            method_map=[("**.py", extract_python), ("**.html", _jinja), ("**.j2", _jinja), ("**.txt", _jinja)],
            options_map={},
            keywords=KEYWORDS,
        ):
            key = (message[0], message[1]) if isinstance(message, tuple) else message
            if key:
                found.setdefault(key, f"{folder}/{file}:{line}")
    return found


def _jinja(fileobj, keywords, comment_tags, options) -> Iterator[tuple]:
    options = {**options, "extensions": "jinja2.ext.do,jinja2.ext.i18n", "trimmed": "false", "newstyle_gettext": "true"}
    return babel_extract(fileobj, keywords, comment_tags, {**options, "silent": "false"})


def translations() -> dict[str, tuple[str, ...]]:
    """All French catalogues together."""
    known: dict[str, tuple[str, ...]] = {}
    for path in sorted((ROOT / "shared/translations/fr").glob("*.po")):
        with path.open("rb") as file:
            for message in read_po(file, locale="fr"):
                if message.id and not message.fuzzy:
                    key = message.id[0] if isinstance(message.id, tuple) else message.id
                    forms = message.string if isinstance(message.string, tuple | list) else (message.string,)
                    if all(forms):
                        known[key] = tuple(forms)
    return known


def untranslated(wanted: dict[Message, str]) -> dict[str, str]:
    """Messages without French, by text."""
    known = translations()
    missing = {}
    for message, place in wanted.items():
        key = message[0] if isinstance(message, tuple) else message
        needs = 2 if isinstance(message, tuple) else 1
        if len(known.get(key, ())) < needs:
            missing[key] = place
    return missing


def test_every_message_has_its_french_words() -> None:
    wanted = messages()

    assert len(wanted) > 500
    assert untranslated(wanted) == {}


def test_a_translation_fills_the_same_places() -> None:
    wrong = {}
    for text, forms in translations().items():
        for form in forms:
            if not set(PLACE.findall(form)) <= set(PLACE.findall(text)) | {"n", "num"}:
                wrong[text] = form

    assert wrong == {}


def test_french_typography_is_kept() -> None:
    """A no-break space before ; : ! ? » and after «, and the curly apostrophe."""
    wrong = [
        form
        for forms in translations().values()
        for form in forms
        if re.search(r"[^\s\u00a0\u202f/(.!?…] ?[;!?»](?![\w=&/])", re.sub(r"[\u00a0\u202f][;:!?»]", "", form))
        or re.search(r"\w'\w", form)
    ]

    assert wrong == []


def test_no_text_for_people_is_left_outside_gettext() -> None:
    """Views speak through gettext: a flash message must not be a bare string."""
    bare = []
    for path in (*ROOT.glob("portal/**/*.py"), *ROOT.glob("backoffice/**/*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "flash":
                bare += [f"{path.name}:{node.lineno}" for arg in node.args[:1] if isinstance(arg, ast.Constant)]

    assert bare == []


def test_a_text_has_one_translation_whatever_the_catalogue() -> None:
    """Catalogues are merged: the same English text must not mean two things."""
    known: dict[str, tuple[str, str]] = {}
    torn = []
    for path in sorted((ROOT / "shared/translations/fr").glob("*.po")):
        with path.open("rb") as file:
            for message in read_po(file, locale="fr"):
                if not message.id:
                    continue
                key, said = str(message.id), str(message.string)
                if key in known and known[key][1] != said:
                    torn.append(f"{key}: {known[key]} and {(path.name, said)}")
                known.setdefault(key, (path.name, said))

    assert torn == []
