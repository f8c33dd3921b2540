"""When a digest is due, and what it says."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import Environment, FileSystemLoader, Template

from shared.kit.templating import TEMPLATES, furnish
from shared.messages.rules import excerpt, is_digest_time, last_digest_moment, unwrap

PARIS = "Europe/Paris"


def test_the_moment_of_the_digest_is_monday_at_eight_in_the_companys_zone() -> None:
    tuesday = datetime(2026, 3, 10, 9, 0, tzinfo=UTC)
    assert last_digest_moment(tuesday, PARIS).astimezone(UTC) == datetime(2026, 3, 9, 7, 0, tzinfo=UTC)


def test_before_eight_on_monday_the_last_digest_is_a_week_old() -> None:
    early = datetime(2026, 3, 9, 6, 59, tzinfo=UTC)
    assert last_digest_moment(early, PARIS).astimezone(UTC) == datetime(2026, 3, 2, 7, 0, tzinfo=UTC)


def test_the_week_in_which_the_clocks_change_has_its_digest_at_eight_all_the_same() -> None:
    assert last_digest_moment(datetime(2026, 3, 31, 9, 0, tzinfo=UTC), PARIS).astimezone(UTC).hour == 6


@given(st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1)))  # noqa: DTZ001 - given its zone below
def test_the_last_moment_has_come_and_is_less_than_eight_days_old(at: datetime) -> None:
    now = at.replace(tzinfo=UTC)
    gone_by = now - last_digest_moment(now, PARIS)
    assert 0 <= gone_by.total_seconds() <= 7 * 86_400 + 3600


def test_a_digest_leaves_by_day_only() -> None:
    assert not is_digest_time(datetime(2026, 3, 9, 6, 59, tzinfo=UTC), PARIS)
    assert is_digest_time(datetime(2026, 3, 9, 7, 0, tzinfo=UTC), PARIS)
    assert not is_digest_time(datetime(2026, 3, 9, 19, 0, tzinfo=UTC), PARIS)


TEXT = """Hello,

Thank you: we have received your payment.

Payment: PAY-1
On: 10 March 2026

See the payment and its receipt:
http://guichet.test/l/PERSONAL-LINK

--
not the last one, so no foot

--
You get this because you paid.
"""


def test_an_excerpt_leaves_out_greeting_link_and_foot() -> None:
    assert excerpt(TEXT, link="PERSONAL-LINK") == [
        "Thank you: we have received your payment.",
        "Payment: PAY-1\nOn: 10 March 2026",
        "--\nnot the last one, so no foot",
    ]


@given(st.lists(st.text("abcdefghij", min_size=1, max_size=12), min_size=1, max_size=60))
def test_a_wrapped_paragraph_is_found_again(said: list[str]) -> None:
    paragraph = " ".join(said)
    assert unwrap(_as_text(paragraph).splitlines()) == paragraph


@cache
def _pieces() -> Template:
    env = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=False)  # noqa: S701 - the text part of a message
    furnish(env)
    return env.get_template("mail/components.txt.j2")


def _as_text(paragraph: str) -> str:
    return str(_pieces().module.words(paragraph)).strip()  # type: ignore[attr-defined]


@pytest.mark.parametrize("before", range(40, 77))
def test_an_address_is_not_broken_at_its_hyphen_in_a_message(before: int) -> None:
    address = "https://atelier-des-lices.example/" + "a-b" * 20
    said = f"{'a' * before} {address} b"

    assert address in _as_text(said).splitlines()


@pytest.mark.parametrize(
    ("now", "moment"),
    [
        (datetime(2026, 3, 9, 7, 0, tzinfo=UTC), datetime(2026, 3, 9, 7, 0, tzinfo=UTC)),
        (datetime(2026, 3, 9, 6, 59, 59, tzinfo=UTC), datetime(2026, 3, 2, 7, 0, tzinfo=UTC)),
        (datetime(2026, 3, 15, 22, 59, tzinfo=UTC), datetime(2026, 3, 9, 7, 0, tzinfo=UTC)),
        (datetime(2026, 3, 15, 23, 0, tzinfo=UTC), datetime(2026, 3, 9, 7, 0, tzinfo=UTC)),
        (datetime(2026, 3, 16, 7, 0, tzinfo=UTC), datetime(2026, 3, 16, 7, 0, tzinfo=UTC)),
    ],
)
def test_the_week_of_a_digest_ends_on_monday_at_eight_to_the_second(now, moment) -> None:
    assert last_digest_moment(now, PARIS).astimezone(UTC) == moment


def test_a_digest_leaves_until_just_before_eight_in_the_evening() -> None:
    assert is_digest_time(datetime(2026, 3, 9, 18, 59, 59, tzinfo=UTC), PARIS)


def test_a_message_without_a_foot_is_read_whole() -> None:
    assert excerpt("Hello,\n\nA word.\n", link="L") == ["A word."]
    assert excerpt("A word without a comma first\n\nAnd more", link="L") == ["A word without a comma first", "And more"]


def test_only_a_short_line_that_ends_with_a_comma_is_a_greeting() -> None:
    long = "x" * 75 + ","
    assert excerpt(f"{long}\n\nb", link="L") == [long, "b"]
    assert excerpt("x" * 74 + ",\n\nb", link="L") == ["b"]
    assert excerpt("a\n\nb,\n\nc", link="L") == ["a", "b,", "c"]
    assert excerpt("see L\n\nDear Dora,\n\nc", link="L") == ["c"]
    assert excerpt("L", link="L") == []


def test_a_rule_across_the_page_says_nothing_and_two_strokes_are_a_text() -> None:
    assert excerpt("a\n\n---\n\n-----\n\nb", link="L") == ["a", "b"]
    assert excerpt("a\n\n-- x", link="L") == ["a", "-- x"]


@pytest.mark.parametrize(
    ("lines", "joined"),
    [
        (["a" * 76, "b"], "a" * 76 + " b"),
        (["a" * 75, "b"], "a" * 75 + " b"),
        (["a" * 74, "b"], "a" * 74 + "\nb"),
        (["a" * 70, "bbbbb c"], "a" * 70 + "\nbbbbb c"),
        (["a" * 70, "bbbbbb c"], "a" * 70 + " bbbbbb c"),
        (["a" * 76, "- b"], "a" * 76 + "\n- b"),
        (["", "b"], "b"),
        (["a" * 76], "a" * 76),
        ([], ""),
    ],
)
def test_a_line_is_joined_to_the_one_that_had_no_room_for_its_first_word(lines, joined) -> None:
    assert unwrap(lines) == joined
