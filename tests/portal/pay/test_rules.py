"""What a wish means, and how credit is spread: pure."""

from __future__ import annotations

import hashlib
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
    with pytest.raises(ValueError, match=r"^an invoice twice$"):
        rules.read([f"{uuid.UUID(int=1)}:5", f"{uuid.UUID(int=1)}:6"])


def test_two_versions_are_equal_when_the_same_was_shown() -> None:
    one, two = payable(100), payable(200)
    shown = rules.choose([one, two], Wish(What.ALL), TODAY)

    assert rules.version(shown) == rules.version(rules.choose([two, one], Wish(What.ALL), TODAY))
    assert rules.version(shown) != rules.version(shown[:1])


ONE, TWO = uuid.UUID(int=1), uuid.UUID(int=2)


def test_only_the_invoices_that_were_chosen_are_paid_and_only_those_that_are_late() -> None:
    late, due, other = payable(100, -1), payable(50, 0), payable(70, -2)

    these = Wish(What.THESE, (late.invoice_id, due.invoice_id))
    assert [one.minor for one in rules.choose([due, late, other], these, TODAY)] == [100, 50]
    assert [one.minor for one in rules.choose([due, late, other], Wish(What.LATE), TODAY)] == [70, 100]
    assert [one.minor for one in rules.choose([due, late, other], Wish(What.PLAN), TODAY)] == [70, 100, 50]


def test_a_wish_says_nothing_of_amounts_plans_or_kept_choices_by_itself() -> None:
    assert Wish(What.ALL) == Wish(What.ALL, (), {}, None, False, None)
    assert [each.value for each in What] == ["all", "late", "these", "plan"]


@pytest.mark.parametrize(
    ("asked", "paid", "is_part"), [(100, 100, False), (99, 99, True), (1, 1, True), (101, 100, False)]
)
def test_a_part_is_less_than_may_be_paid(asked: int, paid: int, *, is_part: bool) -> None:
    (chosen,) = rules.choose([Payable(ONE, "F", TODAY, 100)], Wish(What.ALL, (), {ONE: asked}), TODAY)
    assert (chosen.minor, chosen.is_part, chosen.available_minor) == (paid, is_part, 100)


@pytest.mark.parametrize("asked", [0, -1])
def test_of_what_is_wished_nothing_of_nothing_is_paid(asked: int) -> None:
    assert rules.choose([Payable(ONE, "F", TODAY, 100)], Wish(What.ALL, (), {ONE: asked}), TODAY) == []


def test_what_is_due_on_one_day_is_paid_in_the_order_of_its_identity() -> None:
    items = [Payable(TWO, "F-2", TODAY, 1), Payable(ONE, "F-1", TODAY, 1)]
    assert [one.number for one in rules.choose(items, Wish(What.ALL), TODAY)] == ["F-1", "F-2"]


def test_a_form_carries_parts_up_to_ten_million_millions_of_cents() -> None:
    assert rules.read([f"{ONE}:1", f"{TWO}:{10**15 - 1}"]) == [rules.Part(ONE, 1), rules.Part(TWO, 10**15 - 1)]
    with pytest.raises(ValueError, match="not a part"):
        rules.read([f"{ONE}:{10**15}"])
    assert rules.read([]) == []


def test_what_was_shown_has_a_name_of_sixteen_characters_that_changes_with_a_cent() -> None:
    one = rules.choose([Payable(ONE, "F", TODAY, 100)], Wish(What.ALL), TODAY)
    other = rules.choose([Payable(ONE, "F", TODAY, 101)], Wish(What.ALL), TODAY)
    both = rules.choose([Payable(ONE, "F", TODAY, 100), Payable(TWO, "F", TODAY, 1)], Wish(What.ALL), TODAY)
    assert rules.written(both) == [f"{ONE}:100", f"{TWO}:1"]
    assert rules.version(one) != rules.version(other)
    assert rules.version(both) == hashlib.sha256(f"{ONE}:100|{TWO}:1".encode()).hexdigest()[:16]


def test_credit_goes_source_after_source_to_the_oldest_part_first() -> None:
    parts = rules.choose([Payable(ONE, "F", TODAY, 100), Payable(TWO, "F", TODAY, 50)], Wish(What.ALL), TODAY)
    note = uuid.UUID(int=9)

    assert rules.use_credit(parts, [(note, 120), (None, 100)]) == [
        rules.CreditUse(note, ONE, 100),
        rules.CreditUse(note, TWO, 20),
        rules.CreditUse(None, TWO, 30),
    ]
    assert rules.use_credit(parts, [(note, 1), (None, 0)]) == [rules.CreditUse(note, ONE, 1)]
    assert rules.use_credit([], [(note, 1)]) == []
    assert rules.total(parts) == 150
