"""States and kinds in staff words: none is without."""

from __future__ import annotations

from backoffice.labels import LABELS


def test_every_state_and_kind_that_pages_show_has_words() -> None:
    tables = {type(value) for value in LABELS}

    assert [value for table in tables for value in table if value not in LABELS] == []
