"""The decision about one debtor, read aloud."""

from __future__ import annotations

import uuid
from datetime import date, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backoffice.reminders.rules import Facts, Item, Outcome, Policy, Step, decide, is_sending_time
from backoffice.reminders.scenarios.queries import first_policy

TODAY = date(2026, 3, 10)
STEPS = [Step(uuid.uuid4(), n, offset, "kind", 3) for n, offset in enumerate((-5, 3, 15, 30), start=1)]
POLICY = Policy(STEPS, minimum_minor=100, quiet_days=3)


def item(days_late: int, *, minor: int = 10_000, held: int = 0, frozen: int = 0, last: int = 0) -> Item:
    """`last`: the number of the step it was reminded at, 0 for none."""
    taken = STEPS[last - 1].offset_days if last else None
    return Item(uuid.uuid4(), days_late, minor, held, max(minor - held - frozen, 0), taken)


def facts(*items: Item, **values) -> Facts:
    plain = {
        "credit_minor": 0,
        "is_paused": False,
        "has_address": True,
        "pays_by_debit": False,
        "last_reminded_on": None,
    }
    return Facts(items=items, **(plain | values))


@pytest.mark.parametrize(
    ("late", "last", "position"), [(-5, 0, 1), (-3, 0, 1), (3, 1, 2), (5, 1, 2), (15, 2, 3), (30, 3, 4), (33, 3, 4)]
)
def test_a_step_is_taken_when_its_day_has_come(late: int, last: int, position: int) -> None:
    decision = decide(facts(item(late, last=last)), POLICY, TODAY)

    assert decision.outcome is Outcome.REMIND
    assert decision.step is not None
    assert decision.step.position == position


@pytest.mark.parametrize(
    ("why", "outcome"),
    [
        (facts(item(-6)), Outcome.NOT_YET),
        (facts(item(3, last=2)), Outcome.ALREADY),
        (facts(item(3), is_paused=True), Outcome.PAUSED),
        (facts(item(3), has_address=False), Outcome.NO_ADDRESS),
        (facts(item(3), pays_by_debit=True), Outcome.AUTOPAY),
        (facts(item(3, held=10_000)), Outcome.IN_FLIGHT),
        (facts(item(3, frozen=10_000)), Outcome.FROZEN),
        (facts(item(3), credit_minor=10_000), Outcome.CREDIT),
        (facts(item(3, minor=99)), Outcome.SMALL),
        (facts(item(3), last_reminded_on=TODAY - timedelta(days=2)), Outcome.TOO_SOON),
        (facts(item(-1)), Outcome.LATE),
    ],
)
def test_each_reason_to_be_silent_has_its_name(why: Facts, outcome: Outcome) -> None:
    assert decide(why, POLICY, TODAY).outcome is outcome


def test_one_message_asks_for_all_that_is_late_with_the_highest_new_step() -> None:
    old, young = item(15, last=2), item(3, last=1)

    decision = decide(facts(old, young), POLICY, TODAY)

    assert decision.amount_minor == 20_000
    assert decision.step is STEPS[2]
    assert {step.position for _id, step in decision.reached} == {2, 3}


def test_reminding_one_invoice_does_not_silence_the_others() -> None:
    decision = decide(facts(item(20, last=3), item(3, last=1)), POLICY, TODAY)

    assert decision.outcome is Outcome.REMIND
    assert decision.step is STEPS[1]


def test_an_invoice_that_came_in_old_begins_with_the_first_letter_and_climbs_at_the_ladders_pace() -> None:
    first = decide(facts(item(200)), POLICY, TODAY)
    assert first.step is STEPS[1]

    soon = facts(item(205, last=2), last_reminded_on=TODAY - timedelta(days=5))
    assert decide(soon, POLICY, TODAY).outcome is Outcome.TOO_SOON

    later = soon._replace(last_reminded_on=TODAY - timedelta(days=12))
    assert decide(later, POLICY, TODAY).step is STEPS[2]


def test_the_first_ladder_writes_no_second_letter_within_a_week() -> None:
    policy = first_policy()
    another = facts(item(3), item(1, last=2), last_reminded_on=TODAY - timedelta(days=6))

    assert decide(another, policy, TODAY).outcome is Outcome.TOO_SOON
    assert decide(another._replace(last_reminded_on=TODAY - timedelta(days=7)), policy, TODAY).outcome is Outcome.REMIND


@pytest.mark.parametrize("every", [1, 2, 3, 4, 5, 6, 7, 11])
def test_letters_about_others_let_no_invoice_miss_a_step(every: int) -> None:
    """An account that gets an invoice every few days is written to once a week, and each invoice climbs all the same."""
    policy = first_policy()
    taken: dict[uuid.UUID, list[tuple[int, int]]] = {}
    due = {uuid.uuid4(): TODAY + timedelta(days=days) for days in range(0, 120, every)}
    last: date | None = None
    for days in range(-10, 160):
        today = TODAY + timedelta(days=days)
        if today.weekday() > 4:
            continue
        items = [
            Item(identity, (today - on).days, 10_000, 0, 10_000, taken[identity][-1][0] if identity in taken else None)
            for identity, on in due.items()
        ]
        decision = decide(facts(*items, last_reminded_on=last), policy, today)
        if decision.outcome is not Outcome.REMIND:
            continue
        assert last is None or (today - last).days >= 7
        last = today
        for identity, step in decision.reached:
            taken.setdefault(identity, []).append((step.offset_days, (today - due[identity]).days))
    for steps in taken.values():
        late = [step for step, _on in steps if step > 0]
        assert late == [3, 15, 30]
        assert all(on <= step + 3 + 7 for step, on in steps if step > 0)


@given(
    st.lists(
        st.builds(
            item,
            st.integers(-40, 400),
            minor=st.integers(1, 10**6),
            held=st.integers(0, 10**6),
            frozen=st.integers(0, 10**6),
            last=st.integers(0, 4),
        ),
        max_size=6,
    ),
    st.integers(0, 10**6),
    st.booleans(),
)
def test_nobody_is_reminded_of_money_that_is_frozen_in_flight_or_covered(items, credit, paused) -> None:
    decision = decide(facts(*items, credit_minor=credit, is_paused=paused), POLICY, TODAY)

    if decision.outcome is Outcome.REMIND:
        free = sum(each.free_minor for each in items if each.days_late >= -5)
        assert not paused
        assert decision.amount_minor == free > credit
        by_id = {each.invoice_id: each for each in items}
        assert all(by_id[identity].free_minor > 0 for identity, _step in decision.reached)
        assert all(step.offset_days > (by_id[identity].last_offset or -99) for identity, step in decision.reached)


def test_nothing_leaves_at_night_or_on_a_sunday() -> None:
    assert is_sending_time(time(8), time(8), time(20), is_working_day=True)
    assert not is_sending_time(time(7, 59), time(8), time(20), is_working_day=True)
    assert not is_sending_time(time(12), time(8), time(20), is_working_day=False)


def test_the_memory_of_another_ladder_holds_in_this_one() -> None:
    """Reminded on day 10 by one scenario, given another: its steps up to day 10 are not taken, the next one is."""
    other = Item(uuid.uuid4(), 15, 10_000, 0, 10_000, 10)
    early = other._replace(days_late=9)

    assert decide(facts(early), POLICY, TODAY).outcome is Outcome.ALREADY
    decision = decide(facts(other), POLICY, TODAY)
    assert decision.step is not None
    assert decision.step.offset_days == 15


def test_a_ladder_without_steps_reminds_nobody() -> None:
    assert decide(facts(item(40)), Policy([], 0, 3), TODAY).outcome is Outcome.NOT_YET


@pytest.mark.parametrize(
    ("why", "outcome"),
    [
        (facts(item(3), credit_minor=9_999), Outcome.REMIND),
        (facts(item(3, minor=100)), Outcome.REMIND),
        (facts(item(3), last_reminded_on=TODAY - timedelta(days=3)), Outcome.REMIND),
        (facts(item(3), last_reminded_on=TODAY), Outcome.TOO_SOON),
        (facts(item(-5)), Outcome.REMIND),
        (facts(item(-2)), Outcome.REMIND),
        (facts(item(3, held=5_000, frozen=5_000)), Outcome.IN_FLIGHT),
        (facts(item(3, held=4_999, frozen=5_001)), Outcome.FROZEN),
        (facts(item(3), item(-20, minor=10**6, frozen=10**6)), Outcome.REMIND),
        (facts(), Outcome.NOT_YET),
        (facts(item(3), is_paused=True, pays_by_debit=True, has_address=False, credit_minor=10**6), Outcome.PAUSED),
        (facts(item(3, minor=99), pays_by_debit=True, has_address=False), Outcome.SMALL),
        (facts(item(3), pays_by_debit=True, has_address=False), Outcome.AUTOPAY),
        (facts(item(3, minor=99), credit_minor=99), Outcome.CREDIT),
    ],
)
def test_the_first_reason_that_holds_is_the_one_that_is_kept(why: Facts, outcome: Outcome) -> None:
    assert decide(why, POLICY, TODAY).outcome is outcome


def test_what_is_said_when_nobody_is_written_to_counts_all_that_is_due() -> None:
    due = facts(item(3, held=4_000), item(20, frozen=10_000), item(-30), credit_minor=6_000)
    assert decide(due, POLICY, TODAY)[:3] == (Outcome.CREDIT, 6_000, 2)
    assert decide(facts(item(3, last=2), item(3, last=2)), POLICY, TODAY)[:3] == (Outcome.ALREADY, 20_000, 2)
    assert decide(facts(item(3), last_reminded_on=TODAY), POLICY, TODAY)[:3] == (Outcome.TOO_SOON, 10_000, 1)
    assert decide(facts(item(-20)), POLICY, TODAY) == (Outcome.NOT_YET, 0, 0, None, ())


def test_a_reminder_counts_and_asks_for_what_is_free_alone() -> None:
    free, frozen, cent = item(3), item(3, frozen=10_000), item(3, frozen=9_999)

    decision = decide(facts(free, frozen, cent), POLICY, TODAY)

    assert (decision.outcome, decision.amount_minor, decision.invoice_count) == (Outcome.REMIND, 10_001, 2)
    assert [identity for identity, _step in decision.reached] == [free.invoice_id, cent.invoice_id]


@pytest.mark.parametrize(
    ("late", "last", "gone_by", "expected"),
    [
        (-2, 0, None, -5),  # the last day on which the notice before the due day is in time
        (-1, 0, None, Outcome.LATE),
        (6, 1, None, 3),
        (7, 1, 12, 3),  # too late for the second step: it takes it all the same, as it comes after the first
        (7, 1, 7, Outcome.TOO_SOON),
        (7, 1, 8, 3),
        (7, 0, None, 3),
        (34, 0, 1, Outcome.TOO_SOON),
        (34, 3, 15, 30),
        (34, 3, 14, Outcome.TOO_SOON),
        (34, 4, 90, Outcome.ALREADY),
        (2, 1, 90, Outcome.ALREADY),
        (3, 1, 90, 3),
    ],
)
def test_which_step_an_invoice_takes(late: int, last: int, gone_by: int | None, expected: int | Outcome) -> None:
    reminded = None if gone_by is None else TODAY - timedelta(days=gone_by)

    decision = decide(facts(item(late, last=last), last_reminded_on=reminded), POLICY, TODAY)

    found = decision.step.offset_days if decision.step else decision.outcome
    assert found == expected


def test_too_soon_is_said_before_late_and_late_before_already() -> None:
    soon, late, already = item(7, last=1), item(-1), item(3, last=2)
    week = TODAY - timedelta(days=7)
    assert decide(facts(already, late, soon, last_reminded_on=week), POLICY, TODAY).outcome is Outcome.TOO_SOON
    assert decide(facts(already, late), POLICY, TODAY).outcome is Outcome.LATE


def test_the_step_on_the_due_day_itself_belongs_to_the_climb() -> None:
    ladder = Policy([Step(uuid.uuid4(), 1, 0, "kind", 2), Step(uuid.uuid4(), 2, 10, "firm", 2)], 0, 0)
    decision = decide(facts(item(40)), ladder, TODAY)
    assert decision.step is ladder.steps[0]
    assert decide(facts(item(5)), ladder, TODAY).step is ladder.steps[0]


def test_both_ends_of_the_hours_are_within_them() -> None:
    assert is_sending_time(time(20), time(8), time(20), is_working_day=True)
    assert not is_sending_time(time(20, 0, 1), time(8), time(20), is_working_day=True)


def test_each_outcome_is_kept_under_its_own_word() -> None:
    words = "remind not_yet already too_soon paused no_address in_flight frozen credit small autopay late"
    assert " ".join(each.value for each in Outcome) == words


@pytest.mark.parametrize(
    ("quiet", "late", "letter", "outcome"),
    [
        (7, 7, 7, Outcome.TOO_SOON),  # the letter was written on the day of the step: it waited for nothing
        (3, 4, 5, Outcome.TOO_SOON),  # when the quiet days were over there was time left to take it
        (7, 4, 8, Outcome.REMIND),  # they lasted as long as it may be taken
        (7, 6, 10, Outcome.REMIND),
        (7, 7, 11, Outcome.TOO_SOON),  # and since then it might have been taken for as long again
    ],
)
def test_only_the_quiet_days_after_a_letter_make_up_for_a_step_that_was_not_taken(quiet, late, letter, outcome) -> None:
    policy = Policy(STEPS, minimum_minor=100, quiet_days=quiet)
    waiting = facts(item(15 + late, last=2), last_reminded_on=TODAY - timedelta(days=letter))
    assert decide(waiting, policy, TODAY).outcome is outcome


def test_an_invoice_that_came_in_old_is_not_told_that_it_will_be_due() -> None:
    steps = [Step(uuid.uuid4(), n, offset, "kind", 3) for n, offset in enumerate((-1, 3), start=1)]
    decision = decide(facts(item(200)), Policy(steps, minimum_minor=100, quiet_days=3), TODAY)
    assert decision.step is steps[1]


def test_a_ladder_that_ends_before_the_due_day_has_nothing_for_what_is_late() -> None:
    policy = Policy(STEPS[:1], minimum_minor=100, quiet_days=3)
    assert decide(facts(item(-1)), policy, TODAY).outcome is Outcome.LATE
    assert decide(facts(item(200)), policy, TODAY).outcome is Outcome.LATE
