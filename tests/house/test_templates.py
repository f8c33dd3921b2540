"""Templates are lists of parts: a page that is read and changed line by line has lines that a person can read."""

from __future__ import annotations

import pytest

from shared.kit.templating import TEMPLATES

LONGEST = 140


@pytest.mark.parametrize("path", sorted(TEMPLATES.rglob("*.html")), ids=lambda path: str(path.relative_to(TEMPLATES)))
def test_no_line_is_longer_than_a_person_reads(path) -> None:
    long = [number for number, line in enumerate(path.read_text().splitlines(), 1) if len(line) > LONGEST]

    assert long == [], "break it where white space says nothing: between parts, inside tags, after commas"
