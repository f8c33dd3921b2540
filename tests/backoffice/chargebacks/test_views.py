"""Contested payments at the desk: the queue, one case, notes, and what becomes of the debt."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from backoffice.access import service as access
from backoffice.access.models import StaffMember
from backoffice.access.permissions import Role
from backoffice.notices.models import StaffNotice
from payments import service as payments
from payments.chargebacks import service
from payments.chargebacks.models import Chargeback, ChargebackTransition
from payments.chargebacks.rules import ChargebackState
from payments.models import Means, Provider
from payments.reconcile.verify import verify
from payments.service import Facts, PaymentDraft
from payments.status import PaymentStatus
from shared.company.models import Company
from shared.debtors.service import lock_debtor
from shared.invoices.models import Invoice
from shared.kit import clock
from shared.kit.actors import Actor
from shared.kit.db import reading, transaction
from shared.kit.ids import new_id
from shared.kit.outbox.relay import perform_due
from shared.ledger.rules import Part
from tests.support.people import SYSTEM, a_witness

GC = Actor.provider("gocardless")


@pytest.fixture
def case(world, ines):
    """A debit of 120.00 that the bank gave back (MD06)."""
    with transaction() as session:
        debtor = lock_debtor(session, world.dora)
        draft = PaymentDraft("case", Means.DEBIT, Provider.GOCARDLESS, [Part(world.late, 12_000)])
        payment = payments.start(session, debtor, draft, by=GC)
        facts = Facts(provider_reference="PM1", failure_code=None)
        for to in (PaymentStatus.SUBMITTED, PaymentStatus.CONFIRMED):
            payments.advance(session, payment.id, to, by=GC, facts=facts)
        payments.advance(session, payment.id, PaymentStatus.CHARGED_BACK, by=GC, facts=Facts(failure_code="MD06"))
        return session.scalars(select(Chargeback.id)).one()


def state_of(case):
    with reading() as session:
        return session.get_one(Chargeback, case).state


def test_a_case_stands_in_the_queue_among_todays_tasks_and_on_its_payment(ines, case):
    queue = ines.get("/chargebacks").text
    assert "MD06" in queue
    assert "To decide" in queue
    assert "Contested payments to decide" in ines.get("/").text
    with reading() as session:
        payment_id = session.get_one(Chargeback, case).payment_id
    assert f"/chargebacks/{case}" in ines.get(f"/payments/{payment_id}").text
    assert "No contested payment is like that" in ines.get("/chargebacks?state=won").text


def test_a_note_stands_among_the_steps(ines, case):
    assert ines.post(f"/chargebacks/{case}/note", {"note": " "}).status_code == 422
    assert ines.post(f"/chargebacks/{case}/note", {"note": "He says he never ordered."}).status_code == 303
    assert "He says he never ordered." in ines.get(f"/chargebacks/{case}").text
    with reading() as session:
        assert len(session.scalars(select(ChargebackTransition)).all()) == 2


def test_what_is_owed_is_asked_for_again(ines, case, world):
    assert ines.post(f"/chargebacks/{case}/owe", {"text": ""}).status_code == 422
    assert state_of(case) is ChargebackState.TO_DECIDE
    assert ines.post(f"/chargebacks/{case}/owe", {"text": "It was delivered."}).status_code == 303

    assert state_of(case) is ChargebackState.OWED
    with reading() as session:
        assert session.get_one(Invoice, world.late).collectable_minor == 12_000
    assert verify(with_providers=False).differences == []


def test_giving_up_above_the_limit_waits_for_somebody_else(ines, case, desk, world):
    with transaction() as session:
        session.get_one(Company, world.company).four_eyes_minor = 0
    ines.post(f"/chargebacks/{case}/give-up", {"text": "Agreed."})
    assert state_of(case) is ChargebackState.TO_DECIDE
    assert "wants to give it up" in ines.get(f"/chargebacks/{case}").text


def test_who_may_agree_hears_that_contested_money_waits_for_a_second_person(ines, case, desk, world):
    with transaction() as session:
        session.get_one(Company, world.company).four_eyes_minor = 0
        access.add_member(
            session, email="max@g.example", name="Max", role=Role.MANAGER, password_hash="x", language="en", by=SYSTEM
        )
    perform_due()

    ines.post(f"/chargebacks/{case}/give-up", {"text": "Agreed."})
    perform_due()

    with reading() as session:
        told = session.execute(
            select(StaffMember.name, StaffNotice.topic).join(StaffNotice, StaffNotice.member_id == StaffMember.id)
        ).all()
    assert ("Max", "chargeback.give_up_asked") in told
    assert "Contested payments that a colleague wants to give up" in ines.get("/").text


def test_a_colleague_who_came_after_it_was_asked_does_not_agree_to_give_it_up(ines, case, world, frozen):
    with transaction() as session:
        session.get_one(Company, world.company).four_eyes_minor = 0
        member = session.scalars(select(StaffMember)).first()
        asker = Actor.staff(new_id(), "Sue")
        service.give_up(session, chargeback_id=case, text="Agreed.", by=a_witness(asker))
        member.raised_at = clock.now() + timedelta(minutes=1)

    answer = ines.post(f"/chargebacks/{case}/give-up", {"text": "Agreed."})

    assert answer.status_code == 403
    assert "after this was asked for" in answer.text
    assert state_of(case) is ChargebackState.TO_DECIDE


def test_a_case_of_another_company_is_not_there(ines, case, world):
    assert ines.get("/chargebacks/00000000-0000-0000-0000-000000000001").status_code == 404


def test_an_agent_writes_notes_and_decides_nothing(ines, case):
    from backoffice.access.permissions import may

    assert may(Role.AGENT, "chargebacks.write")
    assert not may(Role.AGENT, "chargebacks.decide")
