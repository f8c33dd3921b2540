from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backoffice.disputes.rules import DEFAULT_REPLIES, PLACEHOLDERS, fill, needs_second_person, unknown_places

VALUES = {name: f"<{name}>" for name in PLACEHOLDERS}


@pytest.mark.parametrize("reply", DEFAULT_REPLIES, ids=lambda each: each.code)
def test_every_default_reply_can_be_filled_in_and_says_who_writes(reply) -> None:
    for text in (reply.text_fr, reply.text_en):
        assert unknown_places(text) == []
        filled = fill(text, VALUES)
        assert "{{" not in filled
        assert "<me>" in filled


@given(st.text())
def test_a_text_without_braces_stays_as_it_is(text: str) -> None:
    if "{{" not in text:
        assert fill(text, VALUES) == text


@given(st.text(), st.sampled_from(PLACEHOLDERS))
def test_what_is_filled_in_is_not_read_again(value: str, name: str) -> None:
    assert fill(f"a {{{{ {name} }}}} b", {name: value}) == f"a {value} b"


@pytest.mark.parametrize(
    ("text", "odd"),
    [
        ("{{debtor}}", []),
        ("{{ debtor }}", []),
        ("{{Debtor}}", ["Debtor"]),
        ("{{}}", [""]),
        ("{{ debtor", ["{{"]),
        ("{{debtor.password}}", ["debtor.password"]),
        ("}}", ["}}"]),
    ],
)
def test_odd_placeholders_are_named(text: str, odd: list[str]) -> None:
    assert unknown_places(text) == odd


def test_the_limit_itself_needs_nobody_else() -> None:
    assert needs_second_person(5_001, limit_minor=5_000)
    assert not needs_second_person(5_000, limit_minor=5_000)
    assert needs_second_person(1, limit_minor=0)
