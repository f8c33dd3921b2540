"""What staff and debtors read of collections: the right company's, the right debtor's, in the right order."""

from __future__ import annotations

from datetime import timedelta

from payments.collections import queries
from payments.collections.models import (
    CollectionDecision,
    CollectionState,
    Outcome,
    RunState,
)
from shared.debtors.models import Debtor
from shared.invoices.models import Invoice, InvoiceKind
from shared.kit import clock
from shared.kit.db import transaction
from shared.kit.ids import new_id
from shared.kit.money import Money
from tests.payments.collections.conftest import TODAY, ask
from tests.support.people import an_invoice

S = CollectionState


def test_the_runs_of_a_company_stand_with_the_latest_first_and_no_others(desk):
    first = desk.run(desk.company, TODAY - timedelta(days=1), state=RunState.FINISHED, counts={"announced": 2})
    second = desk.run(desk.company, finished_at=clock.now())
    foreign = desk.run(desk.other)

    lines = ask(queries.list_runs, desk.company)
    assert [line.id for line in lines] == [second, first]
    assert (lines[1].run_on, lines[1].state, lines[1].counts) == (
        TODAY - timedelta(days=1),
        RunState.FINISHED,
        {"announced": 2},
    )
    assert (lines[0].started_at, lines[0].finished_at, lines[1].finished_at) == (clock.now(), clock.now(), None)
    assert [line.id for line in ask(queries.list_runs, desk.company, limit=1)] == [second]
    assert ask(queries.find_run, desk.company, first).id == first
    assert ask(queries.find_run, desk.company, foreign) is None
    assert ask(queries.find_run, desk.company, new_id()) is None


def test_the_decisions_of_a_run_stand_by_debtor_and_due_day(desk):
    run, another = desk.run(desk.company), desk.run(desk.company, TODAY - timedelta(days=1))
    made = desk.collection("F-2")
    with transaction() as session:
        for run_id, debtor_id, number, minor, more in (
            (run, desk.eve, "G-1", 700, {"outcome": Outcome.SKIP, "reason": "frozen"}),
            (
                run,
                desk.dora,
                "F-2",
                200,
                {"outcome": Outcome.ANNOUNCE, "reason": "notice_given", "collection_id": made},
            ),
            (run, desk.dora, "F-1", 100, {"outcome": Outcome.SKIP, "reason": "paid", "charge_on": TODAY}),
            (another, desk.dora, "F-3", 300, {"outcome": Outcome.SKIP, "reason": "paid"}),
        ):
            session.add(
                CollectionDecision(
                    id=new_id(),
                    run_id=run_id,
                    debtor_id=debtor_id,
                    invoice_id=desk.ids[number],
                    amount_minor=minor,
                    at=clock.now(),
                    **more,
                )
            )

    lines = ask(queries.decisions_of, run)

    assert [(line.debtor_name, line.number, line.money) for line in lines] == [
        ("Dora Durand SARL", "F-1", Money(100)),
        ("Dora Durand SARL", "F-2", Money(200)),
        ("Eve", "G-1", Money(700)),
    ]
    assert [(line.outcome, line.reason) for line in lines] == [
        (Outcome.SKIP, "paid"),
        (Outcome.ANNOUNCE, "notice_given"),
        (Outcome.SKIP, "frozen"),
    ]
    assert [(line.due_on, line.charge_on, line.payment_id) for line in lines[:2]] == [
        (TODAY + timedelta(days=1), TODAY, None),
        (TODAY + timedelta(days=2), None, None),
    ]
    assert (lines[0].invoice_id, lines[0].debtor_id, lines[0].at) == (desk.ids["F-1"], desk.dora, clock.now())


def test_collections_are_those_of_a_company_of_one_debtor_in_one_state(desk):
    skipped = desk.collection("F-1", 90, state=S.SKIPPED, reason="paid")
    again = desk.collection("F-1", 80, attempt_no=2)
    eves = desk.collection("G-1")
    desk.collection("O-1")

    def found(**more):
        return [line.id for line in ask(queries.collections_of, desk.company, **more)]

    assert found() == [eves, again, skipped]
    assert found(limit=1) == [eves]
    assert found(debtor_id=desk.dora) == [again, skipped]
    assert found(state=S.SKIPPED) == [skipped]
    assert found(debtor_id=desk.eve, state=S.SKIPPED) == []
    line = ask(queries.collections_of, desk.company, state=S.SKIPPED)[0]
    assert (line.number, line.debtor_name, line.attempt_no, line.money) == ("F-1", "Dora Durand SARL", 1, Money(90))
    assert (line.reason, line.charge_on, line.announced_at) == ("paid", TODAY + timedelta(days=14), clock.now())
    assert (line.invoice_id, line.debtor_id, line.payment_id) == (desk.ids["F-1"], desk.dora, None)


def test_the_days_of_announced_debits_are_named_once_and_in_order(desk):
    desk.collection("F-1", in_days=20)
    desk.collection("F-2", in_days=14)
    desk.collection("F-3", in_days=14)
    desk.collection("G-1", in_days=3, state=S.SKIPPED)

    every = list(desk.ids.values())
    assert ask(queries.announced_days, every) == [TODAY + timedelta(days=14), TODAY + timedelta(days=20)]
    assert ask(queries.announced_days, [desk.ids["F-1"]]) == [TODAY + timedelta(days=20)]
    assert ask(queries.announced_days, []) == []


def test_a_debit_that_a_promise_covers_is_withdrawn_before_and_after_the_clock_has_come_by(desk):
    def said(*numbers: str):
        found = ask(queries.withdrawn, [desk.ids[number] for number in numbers], since=clock.now())
        return found and (found.days, found.notice_days)

    later, soon = TODAY + timedelta(days=20), TODAY + timedelta(days=14)
    desk.collection("F-1", 100, in_days=20)
    desk.collection("F-2", 200, state=S.SKIPPED, reason="paused", closed_at=clock.now())
    desk.collection("F-3", 300, state=S.SKIPPED, reason="paid", closed_at=clock.now())
    desk.collection("G-1", 700, state=S.SKIPPED, reason="paused", closed_at=clock.now() - timedelta(seconds=1))
    assert said("F-1", "F-3", "G-1") is None
    assert said("F-1", "F-2") == ((soon,), 14)

    desk.change(Invoice, desk.ids["F-1"], paused_minor=1)
    assert said("F-1", "F-2") == ((soon, later), 14)
    assert said("F-1") == ((later,), 14)
    assert said("F-2", "F-3") == ((soon,), 14)


def test_a_debit_beside_the_promised_part_is_not_withdrawn(desk):
    desk.collection("F-1", 60)

    def is_withdrawn() -> bool:
        return ask(queries.withdrawn, [desk.ids["F-1"]], since=clock.now()) is not None

    desk.change(Invoice, desk.ids["F-1"], paused_minor=40)
    assert not is_withdrawn()
    desk.change(Invoice, desk.ids["F-1"], paused_minor=41)
    assert is_withdrawn()
    desk.change(Invoice, desk.ids["F-1"], paused_minor=1, frozen_minor=40)
    assert is_withdrawn()
    desk.change(Invoice, desk.ids["F-1"], paused_minor=0, frozen_minor=100)
    assert not is_withdrawn()  # a dispute tells of its debits itself


def test_what_may_be_chosen_is_what_is_open_and_not_on_its_way_with_what_is_left_out_first(desk):
    desk.collection("F-1", in_days=20)
    desk.collection("F-2", in_days=21, state=S.SKIPPED)
    desk.change(Debtor, desk.dora, autopay=True, autopay_maximum_minor=200)
    desk.change(Invoice, desk.ids["F-2"], autopay_excluded_at=clock.now())
    with transaction() as session:
        dora = session.get_one(Debtor, desk.dora)
        an_invoice(session, dora, "N-1", 90, kind=InvoiceKind.CREDIT_NOTE)

    shown, count = ask(queries.choices_of, desk.dora)

    assert count == 3
    assert [(one.number, one.money, one.charge_on) for one in shown] == [
        ("F-2", Money(200), None),
        ("F-1", Money(100), TODAY + timedelta(days=20)),
        ("F-3", Money(300), None),
    ]
    assert [(one.is_left_out, one.is_above_maximum) for one in shown] == [(True, False), (False, False), (False, True)]
    assert [one.due_on for one in shown] == [TODAY + timedelta(days=days) for days in (2, 1, 3)]
    assert shown[0].invoice_id == desk.ids["F-2"]


def test_choices_are_found_by_a_part_of_their_number_and_are_counted_beyond_the_limit(desk):
    with transaction() as session:
        an_invoice(session, session.get_one(Debtor, desk.dora), "AB_7", 100)
    shown, count = ask(queries.choices_of, desk.dora, words="f-", limit=2)
    assert ([one.number for one in shown], count) == (["F-1", "F-2"], 3)
    assert [one.number for one in ask(queries.choices_of, desk.dora, words="_")[0]] == ["AB_7"]


def test_what_is_on_its_way_cannot_be_chosen_and_of_the_rest_only_the_rest(desk):
    desk.change(Invoice, desk.ids["F-1"], held_minor=100)
    desk.change(Invoice, desk.ids["F-2"], held_minor=199)
    shown, count = ask(queries.choices_of, desk.dora)
    assert [(one.number, one.money) for one in shown] == [("F-2", Money(1)), ("F-3", Money(300))]
    assert count == 2
    assert [one.is_above_maximum for one in shown] == [False, False]  # no maximum at all


def test_a_choice_says_why_it_is_not_debited(desk):
    desk.change(Debtor, desk.dora, autopay=True)
    desk.change(Invoice, desk.ids["F-1"], frozen_minor=100)
    shown, _count = ask(queries.choices_of, desk.dora)
    assert {one.number: one.why_not for one in shown} == {"F-1": "frozen", "F-2": "", "F-3": ""}
