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
    actors = {name for path in sources for name in re.findall(r'Actor\.system\("([^"]+)"\)', path.read_text())}

    assert sorted(kinds - set(KINDS) - PIECES) == []
    assert actors
    assert sorted(actors - set(ACTORS)) == []


PIECES = {"_guide.mjml", "components.mjml", "components.txt", "layout.mjml", "layout.txt"}
