"""States and kinds in staff words: none is without."""

from __future__ import annotations

import wsgi
from backoffice.labels import LABELS
from backoffice.system.labels import DUTIES
from shared.kit import jobs


def test_every_state_and_kind_that_pages_show_has_words() -> None:
    tables = {type(value) for value in LABELS}

    assert [value for table in tables for value in table if value not in LABELS] == []


def test_every_duty_of_the_clock_says_what_it_does() -> None:
    wsgi.metadata()
    wsgi.import_jobs()

    assert {duty.name for duty in jobs.all_duties()} == set(DUTIES)
