"""Saved replies: what may be filled in, how it is, and the replies that every company begins with."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backoffice.replies.defaults import DEFAULTS
from backoffice.replies.labels import ACTS as ACT_WORDS
from backoffice.replies.labels import PLACES as PLACE_WORDS
from backoffice.replies.rules import ACTS, LONGEST_REPLY, PLACES, ReplyDefault, Room, fill, unknown_places

KNOWN = PLACES[Room.DISPUTE]
VALUES = {name: f"<{name}>" for name in KNOWN}


@pytest.mark.parametrize("reply", DEFAULTS, ids=lambda each: f"{each.room.value}-{each.code}")
def test_every_default_reply_can_be_filled_in_in_both_languages(reply) -> None:
    assert reply.act in ACTS[reply.room]
    for text in (reply.text_fr, reply.text_en):
        assert unknown_places(text, PLACES[reply.room]) == []
        assert "{{" not in fill(text, dict.fromkeys(PLACES[reply.room], "x"))
        assert text == text.strip()


@pytest.mark.parametrize("reply", [each for each in DEFAULTS if each.act == "answer"], ids=lambda each: each.code)
def test_an_answer_in_a_conversation_says_who_writes(reply) -> None:
    assert "{{me}}" in reply.text_fr
    assert "{{me}}" in reply.text_en


def test_every_act_in_which_staff_write_to_a_debtor_has_a_reply_and_a_word() -> None:
    wanted = {(room, act) for room in Room for act in ACTS[room]}

    assert {(each.room, each.act) for each in DEFAULTS} == wanted == set(ACT_WORDS)
    assert {place for places in PLACES.values() for place in places} == set(PLACE_WORDS)


def test_a_code_stands_once_in_its_room() -> None:
    assert max(Counter((each.room, each.code) for each in DEFAULTS).values()) == 1


@given(st.text())
def test_a_text_without_braces_stays_as_it_is(text: str) -> None:
    if "{{" not in text:
        assert fill(text, VALUES) == text


@given(st.text(), st.sampled_from(KNOWN))
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
        ("{{left}}", ["left"]),
    ],
)
def test_odd_placeholders_are_named(text: str, odd: list[str]) -> None:
    assert unknown_places(text, KNOWN) == odd


def test_the_acts_and_the_placeholders_of_each_room() -> None:
    assert {room.value: acts for room, acts in ACTS.items()} == {
        "dispute": ("answer", "accept", "reject"),
        "plan": ("offer", "change", "decline", "pause", "cancel", "default"),
        "promise": ("cancel",),
        "declaration": ("refuse",),
    }
    assert {room.value: places for room, places in PLACES.items()} == {
        "dispute": ("debtor", "reference", "invoices", "amount", "deadline", "company", "me"),
        "plan": ("debtor", "reference", "invoices", "amount", "left", "company", "me"),
        "promise": ("debtor", "reference", "invoices", "amount", "day", "company", "me"),
        "declaration": ("debtor", "reference", "invoices", "amount", "day", "company", "me"),
    }
    assert LONGEST_REPLY == 4_000


def test_a_placeholder_that_nobody_knows_stays_as_it_was_written() -> None:
    assert fill("a {{ b }} {{c}}", {"c": "d"}) == "a {{ b }} d"
    assert unknown_places("{{x}} {{ }} }} {{", ("x",)) == ["", "{{", "}}"]


def test_a_reply_is_called_in_the_language_of_the_one_who_asks() -> None:
    reply = ReplyDefault(Room.PLAN, "offer", "code", "titre", "title", "texte", "text")
    assert (reply.title("fr"), reply.title("en"), reply.title("de"), reply.asks) == ("titre", "title", "title", False)
