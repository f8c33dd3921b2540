"""Two pairs of eyes are those of two people, and amounts cut into parts add up."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from sqlalchemy import Engine, select, update

from backoffice.access import service as desk
from backoffice.access.models import StaffMember
from backoffice.access.permissions import Role
from backoffice.access.second_person import must_be_independent
from payments import service as payments
from payments.models import Means, Payment, Provider, Refund
from payments.refunds import service as refunds
from payments.service import Facts, PaymentDraft
from payments.status import PaymentStatus, RefundStatus
from shared.company.models import Company
from shared.debtors.models import Debtor
from shared.debtors.service import lock_debtor
from shared.giving import service as giving
from shared.giving.models import Gift, GiftState
from shared.giving.service import Wish
from shared.kit import clock, ids
from shared.kit.actors import Actor
from shared.kit.db import reading, transaction
from shared.kit.errors import Refused
from shared.ledger.rules import Part
from shared.messages.models import Message
from tests.security.conftest import Account, Town, sit
from tests.support.people import SYSTEM, an_invoice

LIMIT = 50_000
LEA = Actor.staff(uuid.uuid4(), "Léa")
MO = Actor.staff(uuid.uuid4(), "Mo")


def a_paid_invoice(account: Account, minor: int) -> uuid.UUID:
    with transaction() as session:
        debtor = lock_debtor(session, account.debtor_id)
        bill = an_invoice(session, debtor, f"PAID-{minor}", minor, due_in=-3)
        session.flush()
        draft = PaymentDraft(
            attempt=f"paid-{minor}", means=Means.CARD, provider=Provider.STRIPE, parts=[Part(bill.id, minor)]
        )
        payment = payments.start(session, debtor, draft, by=SYSTEM)
        payments.advance(session, payment.id, PaymentStatus.SUBMITTED, by=SYSTEM)
        facts = Facts(provider_reference=f"pi_{minor}")
        payments.advance(session, payment.id, PaymentStatus.CONFIRMED, by=SYSTEM, facts=facts)
        return payment.id


def ask(payment_id: uuid.UUID, minor: int, by: Actor = LEA) -> Refund:
    with transaction() as session:
        return refunds.ask(session, payment_id=payment_id, minor=minor, reason="", by=by)


@pytest.fixture(autouse=True)
def limit(town: Town) -> None:
    with transaction() as session:
        session.execute(update(Company).values(four_eyes_minor=LIMIT))


def test_a_declined_refund_cut_into_seven_needs_the_second_person_seven_times(town: Town) -> None:
    payment = a_paid_invoice(town.dora, 378_670)
    whole = ask(payment, 378_670)
    assert whole.status is RefundStatus.ASKED
    with transaction() as session:
        refunds.decline(session, whole.id, by=MO)

    assert [ask(payment, 50_000).status for _turn in range(7)] == [RefundStatus.ASKED] * 7


def test_refunds_of_one_payment_add_up(town: Town) -> None:
    payment = a_paid_invoice(town.dora, 378_670)

    asked = [ask(payment, 20_000).status for _turn in range(4)]

    assert asked == [RefundStatus.APPROVED, RefundStatus.APPROVED, RefundStatus.ASKED, RefundStatus.ASKED]


def test_what_a_second_person_saw_is_not_counted_again(town: Town) -> None:
    payment = a_paid_invoice(town.dora, 378_670)
    large = ask(payment, 200_000)
    with transaction() as session:
        refunds.approve(session, large.id, by=MO)

    assert ask(payment, 50_000).status is RefundStatus.APPROVED


def test_credits_of_one_invoice_and_refunds_of_one_debtor_add_up(town: Town) -> None:
    with transaction() as session:
        debtor = lock_debtor(session, town.dora.debtor_id)
        invoice = town.dora.ids["invoice_id"]

        def credit(minor: int) -> bool:
            return giving.weigh(session, debtor, Wish("credit", ids.new_id(), minor, invoices={invoice: minor}), by=LEA)

        assert [credit(49_000), credit(49_000), credit(49_000)] == [False, True, True]
        other = lock_debtor(session, town.bruno.debtor_id)
        assert not giving.weigh(session, other, Wish("credit", ids.new_id(), 49_000), by=LEA)
    payment = a_paid_invoice(town.dora, 100_000)
    assert ask(payment, 2_000).status is RefundStatus.ASKED


def test_after_a_month_a_debtor_may_be_given_something_again_but_not_of_the_same_payment(town: Town, frozen) -> None:
    first = a_paid_invoice(town.dora, 100_000)
    assert ask(first, 50_000).status is RefundStatus.APPROVED
    frozen.advance(days=31)

    assert ask(a_paid_invoice(town.dora, 90_000), 50_000).status is RefundStatus.APPROVED
    assert ask(first, 1).status is RefundStatus.ASKED


def test_a_refund_that_comes_back_was_not_given(town: Town) -> None:
    payment = a_paid_invoice(town.dora, 100_000)
    first = ask(payment, 50_000)
    with transaction() as session:
        refunds.refuse(session, first.id, reason="no", by=SYSTEM)

    assert ask(payment, 50_000).status is RefundStatus.APPROVED
    with reading() as session:
        assert set(session.scalars(select(Gift.state))) == {GiftState.UNDONE, GiftState.ALONE}


def independent(by: Actor, asked_by: uuid.UUID, asked_at) -> bool:
    with reading() as session:
        try:
            must_be_independent(session, by, asked_by_id=asked_by, asked_at=asked_at)
        except Refused:
            return False
    return True


def test_nobody_approves_who_was_made_or_raised_afterwards_or_by_who_asked(town: Town, frozen) -> None:
    admin = town.staff[Role.ADMIN]
    boss = Actor.staff(admin, "admin")
    manager = Actor.staff(town.staff[Role.MANAGER], "manager")
    agent = Actor.staff(town.staff[Role.AGENT], "agent")
    asked_at = clock.now()
    frozen.advance(minutes=5)
    with transaction() as session:
        made = desk.add_member(session, email="twin@guichet.example", name="Twin", role=Role.MANAGER, by=boss)
        desk.change_member(session, town.staff[Role.AGENT], name="agent", role=Role.MANAGER, by=boss)
    twin = Actor.staff(made.id, "Twin")

    assert independent(manager, admin, asked_at)
    assert not independent(boss, admin, asked_at)
    assert not independent(twin, admin, asked_at)
    assert not independent(twin, admin, clock.now() + timedelta(days=400)), "whom the asker made, never"
    assert not independent(agent, town.staff[Role.MANAGER], asked_at), "raised after it was asked"
    frozen.advance(minutes=5)
    assert independent(agent, town.staff[Role.MANAGER], clock.now())


def test_the_desk_refuses_the_approval_of_a_colleague_made_for_it(backoffice, town: Town, frozen) -> None:
    payment = a_paid_invoice(town.dora, 100_000)
    refund = ask(payment, 60_000, by=Actor.staff(town.staff[Role.ADMIN], "admin"))
    frozen.advance(minutes=5)
    with transaction() as session:
        town.staff[Role.MANAGER] = desk.add_member(
            session,
            email="twin@guichet.example",
            name="Twin",
            role=Role.MANAGER,
            by=Actor.staff(town.staff[Role.ADMIN], "admin"),
        ).id

    answer = sit(backoffice, town, Role.MANAGER).post(f"/payments/{payment}/refunds/{refund.id}/approve")

    assert answer.status_code == 403
    with reading() as session:
        assert session.get_one(Refund, refund.id).status is RefundStatus.ASKED
        assert session.get_one(Payment, payment).refunded_minor == 0


def test_every_administrator_is_told_of_staff_limits_and_bank_details(database: Engine, backoffice, town: Town) -> None:
    client = sit(backoffice, town, Role.ADMIN)
    with transaction() as session:
        session.execute(update(StaffMember).where(StaffMember.role == Role.AUDITOR).values(role=Role.ADMIN))
    client.post("/staff/new", data={"name": "Anne", "email": "anne@guichet.example", "role": "agent", "language": "fr"})
    client.post(f"/staff/{town.staff[Role.AGENT]}", data={"name": "agent", "role": "manager"})
    client.post("/setup/bank", data={"iban": "DE89370400440532013000", "bic": "", "ics": ""})

    with reading() as session:
        told = session.execute(select(Message.to_address, Message.subject).where(Message.kind == "staff_alert")).all()
        debtor = session.get_one(Debtor, town.dora.debtor_id)
    assert debtor is not None
    assert {address for address, _subject in told} == {"admin@guichet.example", "auditor@guichet.example"}
    assert len(told) == 6
    assert any("bank details were changed" in subject for _address, subject in told)
