"""Two pairs of eyes are those of two people, and amounts cut into parts add up."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import Engine, delete, func, select, update
from sqlalchemy.orm import Session

from backoffice.access import service as desk
from backoffice.access.models import StaffMember
from backoffice.access.permissions import Role
from backoffice.access.second_person import must_be_independent
from backoffice.disputes import service as credits_
from backoffice.invoices import service as invoices
from payments import service as payments
from payments.chargebacks import service as cases
from payments.chargebacks.models import Chargeback
from payments.chargebacks.rules import ChargebackState
from payments.models import Means, Payment, Provider, Refund
from payments.refunds import service as refunds
from payments.service import Facts, PaymentDraft
from payments.status import PaymentStatus, RefundStatus
from shared.company.models import Company
from shared.debtors.models import Debtor
from shared.debtors.service import lock_debtor
from shared.disputes import service as disputes
from shared.disputes.service import CreditWish
from shared.disputes.steps import parts_of
from shared.giving import service as giving
from shared.giving.models import Gift, GiftKind, GiftPart, GiftState
from shared.giving.service import Wish
from shared.invoices.models import Invoice
from shared.kit import clock, ids
from shared.kit.actors import Actor
from shared.kit.audit import AuditLine
from shared.kit.db import reading, transaction
from shared.kit.errors import Refused
from shared.kit.second_person import Witness
from shared.ledger.models import Transfer
from shared.ledger.rules import Part
from shared.messages.models import Message
from tests.security.conftest import Account, Town, sit
from tests.support.people import SYSTEM, a_witness, an_invoice

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
        session.execute(delete(GiftPart))  # of what waits in the town
        session.execute(delete(Gift))


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
        refunds.approve(session, large.id, by=a_witness(MO))

    assert ask(payment, 50_000).status is RefundStatus.APPROVED


def test_credits_of_one_invoice_and_refunds_of_one_debtor_add_up(town: Town) -> None:
    with transaction() as session:
        debtor = lock_debtor(session, town.dora.debtor_id)
        invoice = town.dora.ids["invoice_id"]

        def credit(minor: int) -> bool:
            return giving.weigh(
                session, debtor, Wish(GiftKind.CREDIT, ids.new_id(), minor, invoices={invoice: minor}), by=LEA
            )

        assert [credit(49_000), credit(49_000), credit(49_000)] == [False, True, True]
        other = lock_debtor(session, town.bruno.debtor_id)
        assert not giving.weigh(session, other, Wish(GiftKind.CREDIT, ids.new_id(), 49_000), by=LEA)
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


# Every act that gives something away --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Act:
    """How one kind of gift is asked for, agreed to and declined; what it is about is made by `begin`."""

    begin: Callable[[Account], uuid.UUID]
    ask: Callable[[Session, uuid.UUID, Actor], None]
    agree: Callable[[Session, uuid.UUID, Witness], object]
    decline: Callable[[Session, uuid.UUID, Actor], object]


def an_open_invoice(account: Account) -> uuid.UUID:
    with transaction() as session:
        return an_invoice(session, lock_debtor(session, account.debtor_id), "OPEN-1", 60_000, due_in=-3).id


def a_dispute(account: Account) -> uuid.UUID:
    claims = [disputes.Claim(an_open_invoice(account), minor=60_000)]
    with transaction() as session:
        return disputes.raise_dispute(
            session,
            debtor_id=account.debtor_id,
            claims=claims,
            reason_code="price",
            text="too dear",
            attempt="dispute",
            by=SYSTEM,
        ).id


def accept(session: Session, dispute_id: uuid.UUID, by: Actor) -> None:
    minors = {part.id: part.amount_minor for part in parts_of(session, dispute_id)}
    credit = CreditWish(minors=minors, number="CN-1", vat_rate=Decimal(20))
    credits_.accept(session, dispute_id=dispute_id, credit=credit, text="You are right.", by=by)


def a_lost_case(account: Account) -> uuid.UUID:
    with transaction() as session:
        case = session.get_one(Chargeback, account.ids["chargeback_id"])
        case.state, case.amount_minor = ChargebackState.TO_DECIDE, 60_000
        return case.id


def asked(session: Session) -> Gift:
    return session.scalars(select(Gift).where(Gift.state == GiftState.ASKED)).one()


ACTS: dict[GiftKind, Act] = {
    GiftKind.REFUND: Act(
        lambda account: a_paid_invoice(account, 60_000),
        lambda session, it, by: refunds.ask(session, payment_id=it, minor=60_000, reason="", by=by) and None,
        lambda session, _it, by: refunds.approve(session, asked(session).subject_id, by=by),
        lambda session, _it, by: refunds.decline(session, asked(session).subject_id, by=by),
    ),
    GiftKind.CREDIT: Act(
        a_dispute,
        accept,
        lambda session, it, by: credits_.approve(session, dispute_id=it, proposal_id=asked(session).subject_id, by=by),
        lambda session, it, by: credits_.decline(session, dispute_id=it, proposal_id=asked(session).subject_id, by=by),
    ),
    GiftKind.CHARGEBACK: Act(
        a_lost_case,
        lambda session, it, by: cases.give_up(session, chargeback_id=it, text="Agreed.", by=a_witness(by)) and None,
        lambda session, it, by: cases.give_up(session, chargeback_id=it, text="Agreed.", by=by),
        lambda session, it, by: cases.owe(session, chargeback_id=it, text="It is owed.", by=by),
    ),
    GiftKind.CANCELLATION: Act(
        an_open_invoice,
        lambda session, it, by: invoices.cancel(session, invoice_id=it, reason="renumbered", by=by) and None,
        lambda session, it, by: invoices.approve(
            session, invoice_id=it, cancellation_id=asked(session).subject_id, by=by
        ),
        lambda session, it, by: invoices.decline(
            session, invoice_id=it, cancellation_id=asked(session).subject_id, by=by
        ),
    ),
}


def test_every_kind_of_gift_is_tried() -> None:
    assert set(ACTS) == set(GiftKind)


@pytest.mark.parametrize("kind", GiftKind)
def test_only_a_leader_whom_the_first_did_not_make_agrees_to_a_gift(town: Town, kind: GiftKind) -> None:
    act, long_ago, now = ACTS[kind], clock.now() - timedelta(days=9), clock.now()
    subject = act.begin(town.dora)
    with transaction() as session:
        act.ask(session, subject, LEA)
    before = fingerprint_of_money(town)
    no_seconds = [
        Witness(MO, leads=False, since=long_ago),
        Witness(MO, leads=True, since=now + timedelta(minutes=1)),
        Witness(MO, leads=True, since=long_ago, put_there_by=frozenset({LEA.id})),
        Witness(Actor.system("clock"), leads=True, since=long_ago),
    ]

    for no_second in no_seconds:
        with pytest.raises(Refused), transaction() as session:
            act.agree(session, subject, no_second)
    if kind is not GiftKind.CHARGEBACK:  # there to want it twice is harmless
        with pytest.raises(Refused), transaction() as session:
            act.agree(session, subject, a_witness(LEA))
    assert fingerprint_of_money(town) == before
    with transaction() as session:
        act.agree(session, subject, Witness(MO, leads=True, since=long_ago))

    with reading() as session:
        gift = session.scalars(select(Gift)).one()
        assert (gift.kind, gift.minor, gift.state) == (kind, 60_000, GiftState.SEEN)
        assert (gift.by_name, gift.decided_by_name) == ("Léa", "Mo")
        told = session.scalars(select(AuditLine.actor_name).where(AuditLine.debtor_id == town.dora.debtor_id)).all()
        assert {"Léa", "Mo"} <= set(told)


@pytest.mark.parametrize("kind", GiftKind)
def test_what_was_declined_counts_for_gifts_of_every_kind(town: Town, kind: GiftKind) -> None:
    act = ACTS[kind]
    subject = act.begin(town.dora)
    with transaction() as session:
        act.ask(session, subject, LEA)
    with transaction() as session:
        act.decline(session, subject, MO)

    with transaction() as session:
        debtor = lock_debtor(session, town.dora.debtor_id)
        assert session.scalars(select(Gift.state)).all() == [GiftState.DECLINED]
        for other in GiftKind:
            assert giving.weigh(session, debtor, Wish(other, ids.new_id(), 1), by=LEA), other


def fingerprint_of_money(town: Town) -> tuple[object, ...]:
    """What a gift would change: the ledger, and what the debtor owes."""
    with reading() as session:
        debtor = session.get_one(Debtor, town.dora.debtor_id)
        count = session.scalar(select(func.count()).select_from(Transfer))
        payments_ = session.scalars(select(Refund.status).order_by(Refund.id)).all()
        return count, debtor.open_minor, debtor.credit_minor, tuple(payments_)


def test_an_invoice_above_the_limit_is_taken_off_by_two_people_at_the_desk(backoffice, town: Town, frozen) -> None:
    invoice_id = an_open_invoice(town.dora)
    accountant, manager = sit(backoffice, town, Role.ACCOUNTANT), sit(backoffice, town, Role.MANAGER)
    page = f"/invoices/{invoice_id}"

    accountant.post(f"{page}/cancel", data={"reason": "numbered anew"})

    with reading() as session:
        act = asked(session).subject_id
        assert session.get_one(Invoice, invoice_id).open_minor == 60_000
    assert f"{page}/cancel/{act}/approve" not in accountant.get(page).text
    assert accountant.post(f"{page}/cancel/{act}/approve").status_code == 403
    assert accountant.post(f"{page}/cancel", data={"reason": "again"}).status_code == 409
    text = manager.get(page).text
    assert "waits for a second person" in text
    assert "numbered anew" in text
    assert "Cancellations to approve" in manager.get("/").text
    assert "OPEN-1" in manager.get("/invoices?state=cancel_asked").text
    assert manager.post(f"{page}/cancel/{act}/approve").status_code == 303
    with reading() as session:
        assert session.get_one(Invoice, invoice_id).open_minor == 0
        line = session.scalars(select(AuditLine).where(AuditLine.action == "invoice.cancelled")).one()
        assert (line.actor_name, line.after["reason"]) == ("manager", "numbered anew")


def test_taking_an_invoice_off_counts_with_refunds(town: Town) -> None:
    payment = a_paid_invoice(town.dora, 100_000)
    assert ask(payment, 30_000).status is RefundStatus.APPROVED
    with transaction() as session:
        small = an_invoice(session, lock_debtor(session, town.dora.debtor_id), "SMALL", 30_000, due_in=-3).id

    with transaction() as session:
        assert not invoices.cancel(session, invoice_id=small, reason="twice", by=LEA)
