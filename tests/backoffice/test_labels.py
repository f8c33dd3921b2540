"""States and kinds in staff words: none is without."""

from __future__ import annotations

import re
from pathlib import Path

import wsgi
from backoffice.labels import ACTORS, LABELS
from backoffice.messages.labels import KINDS
from backoffice.system.labels import DUTIES
from shared.kit import jobs


def test_every_state_and_kind_that_pages_show_has_words() -> None:
    tables = {type(value) for value in LABELS}

    assert [value for table in tables for value in table if value not in LABELS] == []


def test_every_duty_of_the_clock_says_what_it_does() -> None:
    wsgi.metadata()
    wsgi.import_jobs()

    assert {duty.name for duty in jobs.all_duties()} == set(DUTIES)


def test_every_kind_of_message_and_every_part_of_guichet_that_acts_has_words() -> None:
    root = Path(wsgi.__file__).parent
    kinds = {path.stem for path in (root / "templates/mail").glob("*.j2")}
    sources = [path for room in ("backoffice", "payments", "portal", "shared") for path in (root / room).rglob("*.py")]
    texts = [path.read_text(encoding="utf-8") for path in sources]
    actors = {name for text in texts for found in ACTOR.findall(text) for name in found if name}
    unkept = {name for text in texts for name in re.findall(r'unkept\.send\([^)]*?kind="(\w+)"', text)}

    assert unkept
    assert sorted(kinds - unkept - PIECES) == sorted(KINDS)  # the list of messages offers every kind that is kept
    assert actors
    assert sorted(actors - set(ACTORS)) == []


ACTOR = re.compile(r"""Actor\.system\("([^"]+)"\)|'system', '([^']+)'""")
"""A part of Guichet in code, or in an INSERT."""
PIECES = {"_guide.mjml", "components.mjml", "components.txt", "layout.mjml", "layout.txt"}
