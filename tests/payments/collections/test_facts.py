"""The facts that debits are decided on: who is looked at, under which mandate, and what stands against an invoice."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import delete

from payments.collections.eligible import (
    candidates,
    debtors_to_consider,
    facts_of,
    find_mandate,
    horizon_of,
    under,
)
from payments.collections.models import CollectionState
from payments.collections.standing import Standing, standing_of
from payments.deciding import Under
from payments.models import Mandate, Means
from payments.status import MandateStatus, PaymentStatus
from shared.company.models import Company
from shared.debtors.models import Debtor
from shared.invoices.models import Invoice, InvoiceKind
from shared.kit import clock
from shared.kit.db import reading, transaction
from shared.kit.ids import new_id
from tests.payments.collections.conftest import TODAY, Desk, ask
from tests.support.people import an_invoice

P = PaymentStatus
FAILED = (P.SUBMITTED, P.FAILED)


def standing(desk, debtor_id=None) -> Standing:
    with reading() as session:
        return standing_of(session, session.get_one(Debtor, debtor_id or desk.dora))


def credit(desk, debtor_id=None) -> tuple[dict[str, int], int]:
    names = {identity: number for number, identity in desk.ids.items()}
    found = standing(desk, debtor_id)
    return {names[identity]: minor for identity, minor in found.credit.items()}, found.credit_left


def note(desk, minor: int, corrects: str | None = None, number: str = "N-1", debtor_id=None) -> None:
    with transaction() as session:
        row = an_invoice(
            session,
            session.get_one(Debtor, debtor_id or desk.dora),
            number,
            minor,
            kind=InvoiceKind.CREDIT_NOTE,
        )
        row.credits_invoice_id = desk.ids.get(corrects or "")
        desk.ids[number] = row.id


def test_without_credit_nothing_stands_against_an_invoice(desk):
    note(desk, 500, debtor_id=desk.eve)
    assert standing(desk) == Standing()


def test_a_note_stands_against_what_it_corrects_and_money_against_the_oldest(desk):
    note(desk, 50, corrects="F-3")
    assert credit(desk) == ({"F-3": 50}, 0)
    desk.change(Debtor, desk.dora, credit_minor=120)
    assert credit(desk) == ({"F-3": 50, "F-1": 100, "F-2": 20}, 0)
    desk.change(Debtor, desk.dora, credit_minor=600)
    assert credit(desk) == ({"F-3": 300, "F-1": 100, "F-2": 200}, 50)


def test_a_note_that_is_used_up_and_an_invoice_that_is_paid_are_no_matter(desk):
    note(desk, 50)
    note(desk, 60, number="N-2")
    desk.change(Invoice, desk.ids["N-1"], open_minor=0)
    desk.change(Invoice, desk.ids["F-1"], open_minor=0)
    desk.change(Invoice, desk.ids["F-2"], open_minor=1)
    assert credit(desk) == ({"F-2": 1, "F-3": 59}, 0)


@pytest.mark.parametrize(
    ("facts", "taken"),
    [
        ({}, 100),
        ({"frozen_minor": 30}, 70),
        ({"paused_minor": 30}, 70),
        ({"frozen_minor": 30, "paused_minor": 40}, 30),
        ({"elsewhere_minor": 30, "held_minor": 30}, 70),
        ({"held_minor": 100}, 100),
        ({"frozen_minor": 100, "paused_minor": 40}, 0),
    ],
)
def test_what_is_not_collected_takes_no_credit(desk, facts, taken):
    desk.change(Debtor, desk.dora, credit_minor=100)
    desk.change(Invoice, desk.ids["F-1"], **facts)
    assert credit(desk)[0].get("F-1", 0) == taken


def test_what_is_left_out_takes_credit_last(desk):
    desk.change(Debtor, desk.dora, credit_minor=100)
    desk.change(Invoice, desk.ids["F-1"], autopay_excluded_at=clock.now())
    assert credit(desk) == ({"F-2": 100}, 0)


@pytest.mark.parametrize(
    ("payment", "taken"),
    [
        ({"by_himself": True}, 40),
        ({"by_himself": True, "means": Means.CARD}, 40),
        ({"reason": ""}, 100),
        ({"reason": "frozen"}, 100),
        ({"reason": "frozen_too_late"}, 40),
        ({"reason": "left_before"}, 40),
        ({"by_himself": True, "to": P.CANCELLED}, 100),
    ],
)
def test_credit_is_not_set_against_what_is_on_its_way_for_good(desk, payment, taken):
    desk.pay(("F-1", 60), **payment)
    desk.change(Debtor, desk.dora, credit_minor=100)
    assert credit(desk)[0]["F-1"] == taken


def test_what_two_payments_hold_for_good_is_counted_together(desk):
    desk.pay(("F-1", 60), by_himself=True)
    desk.pay(("F-1", 30), ("F-2", 10), by_himself=True)
    desk.change(Debtor, desk.dora, credit_minor=250)
    assert credit(desk) == ({"F-1": 10, "F-2": 190, "F-3": 50}, 0)


def test_what_a_bank_took_back_is_contested_and_only_that(desk):
    taken_back = (P.SUBMITTED, P.CONFIRMED, P.CHARGED_BACK)
    desk.pay(("F-1", 50), ("F-2", 50), means=Means.CARD, by_himself=True, to=taken_back)
    desk.pay(("F-3", 50), means=Means.CARD, by_himself=True, to=(P.SUBMITTED, P.CONFIRMED))
    desk.pay(("G-1", 50), reason="", to=taken_back)

    assert standing(desk).contested == frozenset({desk.ids["F-1"], desk.ids["F-2"]})
    assert standing(desk, desk.eve).contested == frozenset({desk.ids["G-1"]})


def considered(desk: Desk, **more) -> list:
    with reading() as session:
        company = session.get_one(Company, desk.company)
        given = {"today": TODAY, "after": None, "limit": 10}
        return debtors_to_consider(session, company, **(given | more))


def test_debtors_on_autopay_are_looked_at_when_a_notice_begins(desk):
    assert considered(desk) == []
    for debtor_id in (desk.dora, desk.eve, desk.otto):
        desk.change(Debtor, debtor_id, autopay=True)
    assert considered(desk) == sorted([desk.dora, desk.eve])
    first, second = considered(desk)
    assert considered(desk, limit=1) == [first]
    assert considered(desk, after=first) == [second]
    assert considered(desk, after=second) == []

    desk.change(Invoice, desk.ids["G-1"], due_on=TODAY + timedelta(days=16))
    assert considered(desk) == [desk.dora]  # fourteen days of notice, and one to spare
    desk.change(Invoice, desk.ids["G-1"], due_on=TODAY + timedelta(days=15))
    assert considered(desk) == sorted([desk.dora, desk.eve])
    with reading() as session:
        assert horizon_of(session.get_one(Company, desk.company), TODAY) == TODAY + timedelta(days=15)


def test_who_owes_nothing_that_is_not_announced_is_not_looked_at(desk):
    desk.change(Debtor, desk.eve, autopay=True)
    for state in (CollectionState.SKIPPED, CollectionState.CREATED):
        desk.collection("G-1", state=state, attempt_no=1 if state is CollectionState.SKIPPED else 2)
        assert considered(desk) == [desk.eve]
    desk.collection("G-1", attempt_no=3)
    assert considered(desk) == []
    note(desk, 5, number="N-9", debtor_id=desk.eve)
    assert considered(desk) == []
    with transaction() as session:
        desk.ids["G-2"] = an_invoice(session, session.get_one(Debtor, desk.eve), "G-2", 1).id
    assert considered(desk) == [desk.eve]
    desk.change(Invoice, desk.ids["G-2"], open_minor=0)
    assert considered(desk) == []


def facts(desk, days: int = 14, debtor_id=None) -> dict:
    with reading() as session:
        debtor = session.get_one(Debtor, debtor_id or desk.dora)
        return {one.number: one.facts for one in candidates(session, debtor, until=TODAY + timedelta(days=days))}


def test_candidates_are_the_open_invoices_of_a_debtor_on_autopay_the_oldest_first(desk):
    assert facts(desk) == {}
    desk.change(Debtor, desk.dora, autopay=True)
    note(desk, 5)
    desk.change(Invoice, desk.ids["F-1"], due_on=TODAY + timedelta(days=9))
    assert list(facts(desk)) == ["F-2", "F-3", "F-1"]
    assert list(facts(desk, days=8)) == ["F-2", "F-3"]
    assert list(facts(desk, days=2)) == ["F-2"]
    desk.change(Invoice, desk.ids["F-2"], open_minor=0)
    assert list(facts(desk, days=3)) == ["F-3"]


def test_an_invoice_is_seen_with_all_that_stands_against_it(desk):
    desk.change(Debtor, desk.dora, autopay=True, autopay_maximum_minor=777, credit_minor=40)
    desk.change(
        Invoice,
        desk.ids["F-2"],
        held_minor=60,
        elsewhere_minor=10,
        frozen_minor=20,
        paused_minor=5,
        cancelled_on=TODAY,
        autopay_excluded_at=clock.now(),
    )
    desk.collection("F-3")
    found = facts(desk)
    seen = found["F-2"]
    assert (seen.due_on, seen.open_minor, seen.held_minor) == (TODAY + timedelta(days=2), 190, 60)
    assert (seen.frozen_minor, seen.maximum_minor, seen.credit_minor) == (25, 777, 0)
    assert (seen.is_cancelled, seen.is_left_out, seen.has_live, seen.was_tried) == (True, True, False, False)
    other = found["F-1"]
    assert (other.credit_minor, other.is_cancelled, other.is_left_out, other.has_live) == (40, False, False, False)
    assert found["F-3"].has_live


@pytest.mark.parametrize(
    ("other", "held"),
    [
        ({"by_himself": True}, 30),
        ({"by_himself": True, "means": Means.CARD}, 0),  # a page may be left again
        ({"reason": "left_before"}, 30),
        ({"reason": "less"}, 0),  # to be stopped itself
        ({"by_himself": True, "to": P.CANCELLED}, 0),
    ],
)
def test_beside_a_written_debit_only_other_debits_hold_something(desk, other, held):
    own = desk.pay(("F-2", 50), reason="")
    desk.pay(("F-2", 30), attempt_no=2, **other)
    with reading() as session:
        debtor = session.get_one(Debtor, desk.dora)
        seen = facts_of(session, debtor, desk.ids["F-2"], own=own)
        assert (seen.held_minor, seen.has_live, seen.was_tried) == (held, True, False)
        before = 50 + (0 if "to" in other else 30)
        assert facts_of(session, debtor, desk.ids["F-2"]).held_minor == before


@pytest.mark.parametrize(
    ("reason", "to", "is_tried"),
    [
        ("", FAILED, True),
        ("left_before", FAILED, True),
        ("frozen_too_late", FAILED, True),
        ("frozen", P.CANCELLED, False),  # we stopped it ourselves
        ("left_out", P.CANCELLED, False),
        ("", P.CANCELLED, True),
        ("", (P.SUBMITTED,), False),
        ("", (P.SUBMITTED, P.CONFIRMED), False),
        ("", (P.SUBMITTED, P.CONFIRMED, P.CHARGED_BACK), True),
    ],
)
def test_a_debit_that_came_to_nothing_was_tried_unless_we_stopped_it(desk, reason, to, is_tried):
    desk.change(Debtor, desk.dora, autopay=True)
    desk.pay(("F-1", 60), reason=reason, to=to)
    found = facts(desk)
    assert (found["F-1"].was_tried, found["F-2"].was_tried) == (is_tried, False)


@pytest.mark.parametrize("reason", ["notice_lost", "notice_not_sent", "notice_late"])
def test_a_retry_that_nobody_was_told_of_is_announced_again(desk, reason):
    desk.change(Debtor, desk.dora, autopay=True)
    desk.collection("F-1", state=CollectionState.SKIPPED, reason=reason)
    desk.pay(("F-1", 60), reason="", attempt_no=2, to=FAILED)
    assert facts(desk)["F-1"].was_tried  # what was untold came before
    desk.collection("F-2", attempt_no=3, state=CollectionState.SKIPPED, reason=reason)
    assert facts(desk)["F-1"].was_tried
    desk.collection("F-1", attempt_no=3, state=CollectionState.SKIPPED, reason="paid")
    assert facts(desk)["F-1"].was_tried
    desk.collection("F-1", attempt_no=4, state=CollectionState.SKIPPED, reason=reason)
    assert not facts(desk)["F-1"].was_tried


def test_the_newest_usable_mandate_is_taken_unless_another_is_wished_for(desk):
    def found(wished=None):
        mandate = ask(find_mandate, desk.dora, wished)
        return mandate and mandate.id

    first = desk.mandates[desk.dora]
    with transaction() as session:
        old = session.get_one(Mandate, first)
        second = Mandate(
            id=new_id(),
            company_id=old.company_id,
            debtor_id=old.debtor_id,
            reference="M-2",
            attempt="m-2",
            idempotency_key="m-2",
            status=MandateStatus.ACTIVE,
            created_at=clock.now(),
        )
        session.add(second)
        newer = second.id
    assert found() == first  # the provider does not know the other yet
    desk.change(Mandate, newer, provider_reference="MD-2")
    assert (found(), found(first), found(new_id())) == (newer, first, newer)
    assert found(desk.mandates[desk.eve]) == newer
    desk.change(Mandate, newer, status=MandateStatus.CANCELLED)
    assert (found(), found(newer)) == (first, first)
    with transaction() as session:
        session.execute(delete(Mandate).where(Mandate.debtor_id == desk.dora))
    assert found() is None


def test_a_mandate_is_the_one_of_the_notice_another_or_none(desk):
    with reading() as session:
        mandate = session.get_one(Mandate, desk.mandates[desk.dora])
        assert under(session, desk.dora, mandate, mandate.id) is Under.SAME
        assert under(session, desk.dora, mandate, new_id()) is Under.OTHER
        assert under(session, desk.dora, None, new_id()) is Under.NONE
