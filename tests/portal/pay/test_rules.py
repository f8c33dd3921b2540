"""What a wish means, and how credit is spread: pure."""

from __future__ import annotations

import uuid
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.pay import rules
from portal.pay.rules import Payable, What, Wish

TODAY = date(2026, 3, 10)

items = st.lists(
    st.builds(
        Payable,
        invoice_id=st.uuids(),
        number=st.just("F"),
        due_on=st.integers(-60, 60).map(lambda days: TODAY + timedelta(days=days)),
        minor=st.integers(0, 100_000),
    ),
    max_size=12,
    unique_by=lambda one: one.invoice_id,
)


def payable(minor: int, due_in: int = 0) -> Payable:
    return Payable(uuid.uuid4(), "F", TODAY + timedelta(days=due_in), minor)


def test_everything_is_everything_that_may_be_paid_the_oldest_first() -> None:
    old, new, none = payable(100, -5), payable(50, 5), payable(0)

    chosen = rules.choose([new, none, old], Wish(What.ALL), TODAY)

    assert [one.invoice_id for one in chosen] == [old.invoice_id, new.invoice_id]


def test_what_is_due_today_is_not_late() -> None:
    assert rules.choose([payable(100, 0)], Wish(What.LATE), TODAY) == []
    assert rules.total(rules.choose([payable(100, -1)], Wish(What.LATE), TODAY)) == 100


def test_never_more_of_an_invoice_than_may_be_paid_of_it() -> None:
    one = payable(100)

    (chosen,) = rules.choose([one], Wish(What.THESE, (one.invoice_id,), {one.invoice_id: 10**9}), TODAY)

    assert chosen.minor == 100
    assert not chosen.is_part


@given(items, st.data())
def test_whatever_is_wished_the_parts_fit(given_items: list[Payable], data: st.DataObject) -> None:
    ids = tuple(one.invoice_id for one in given_items)
    amounts = data.draw(st.dictionaries(st.sampled_from(ids), st.integers(0, 200_000))) if ids else {}
    what = data.draw(st.sampled_from(What))
    available = {one.invoice_id: one.minor for one in given_items}

    chosen = rules.choose(given_items, Wish(what, ids, amounts), TODAY)

    assert all(0 < one.minor <= available[one.invoice_id] for one in chosen)
    assert len({one.invoice_id for one in chosen}) == len(chosen)
    assert rules.read(rules.written(chosen)) == [rules.Part(one.invoice_id, one.minor) for one in chosen]


@given(items, st.lists(st.integers(0, 100_000), max_size=5))
def test_credit_is_spread_without_losing_or_making_a_cent(given_items: list[Payable], sources: list[int]) -> None:
    chosen = rules.choose(given_items, Wish(What.ALL), TODAY)
    named = [(uuid.uuid4(), minor) for minor in sources]

    uses = rules.use_credit(chosen, [*named])

    assert sum(use.minor for use in uses) == min(rules.total(chosen), sum(sources))
    for source, minor in named:
        assert sum(use.minor for use in uses if use.note_id == source) <= minor
    for part in chosen:
        assert sum(use.minor for use in uses if use.invoice_id == part.invoice_id) <= part.minor


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        f"{uuid.UUID(int=1)}",
        f"{uuid.UUID(int=1)}:0",
        f"{uuid.UUID(int=1)}:-5",
        f"{uuid.UUID(int=1)}:1.5",
        f"{uuid.UUID(int=1)}:٣",
        "x:5",
        f"{uuid.UUID(int=1)}:{10**16}",
    ],
)
def test_what_no_form_of_ours_carries_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a part"):
        rules.read([text])


def test_the_same_invoice_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="twice"):
        rules.read([f"{uuid.UUID(int=1)}:5", f"{uuid.UUID(int=1)}:6"])


def test_two_versions_are_equal_when_the_same_was_shown() -> None:
    one, two = payable(100), payable(200)
    shown = rules.choose([one, two], Wish(What.ALL), TODAY)

    assert rules.version(shown) == rules.version(rules.choose([two, one], Wish(What.ALL), TODAY))
    assert rules.version(shown) != rules.version(shown[:1])
