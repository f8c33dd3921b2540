"""An account of very many invoices: what one act writes for all of them takes as many statements as for a few."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from payments import service as payments
from payments.declarations import service as declarations
from payments.declarations.service import DeclarationDraft
from payments.models import Means, PaymentAllocation, Provider
from payments.plans import accepting, contents, progress
from payments.plans import service as plans
from payments.plans.rules import Terms
from payments.service import Facts, PaymentDraft
from payments.status import PaymentStatus
from shared.debtors.models import Debtor
from shared.debtors.service import lock_debtor
from shared.disputes import service as disputes
from shared.invoices import service as invoices
from shared.invoices.models import Freeze, FreezeKind, Invoice
from shared.kit import clock
from shared.kit.audit import AuditLine
from shared.kit.db import reading, transaction
from shared.kit.outbox.models import OutboxMessage
from shared.kit.seals import Seal
from shared.ledger import service as ledger
from shared.ledger.models import Account, Phase, Transfer
from shared.ledger.rules import Part
from shared.promises import service as promises
from shared.promises.service import PromiseDraft
from tests.portal.conftest import Dora
from tests.support.counting import counted
from tests.support.people import SYSTEM, an_invoice

FEW, MANY = 4, 40
MINOR = 1_000

Act = Callable[[Session, Dora, list[uuid.UUID]], object]


def pay(session: Session, dora: Dora, chosen: list[uuid.UUID]) -> uuid.UUID:
    debtor = lock_debtor(session, dora.debtor_id)
    parts = [Part(one, MINOR) for one in chosen]
    draft = PaymentDraft(
        attempt=str(chosen[0]), means=Means.CARD, provider=Provider.STRIPE, parts=parts, contact_id=None
    )
    return payments.start(session, debtor, draft, by=SYSTEM).id


def pay_and_confirm(session: Session, dora: Dora, chosen: list[uuid.UUID]) -> uuid.UUID:
    payment_id = pay(session, dora, chosen)
    for to in (PaymentStatus.SUBMITTED, PaymentStatus.CONFIRMED):
        payments.advance(session, payment_id, to, by=SYSTEM)
    return payment_id


def pay_in_vain(session: Session, dora: Dora, chosen: list[uuid.UUID]) -> None:
    payment_id = pay(session, dora, chosen)
    for to in (PaymentStatus.SUBMITTED, PaymentStatus.FAILED):
        payments.advance(session, payment_id, to, by=SYSTEM)


def pay_and_charge_back(session: Session, dora: Dora, chosen: list[uuid.UUID]) -> uuid.UUID:
    payment_id = pay_and_confirm(session, dora, chosen)
    payments.advance(
        session, payment_id, PaymentStatus.CHARGED_BACK, by=SYSTEM, facts=Facts(object_reference=f"dp_{len(chosen)}")
    )
    return payment_id


def win_a_chargeback(session: Session, dora: Dora, chosen: list[uuid.UUID]) -> None:
    payment_id = pay_and_charge_back(session, dora, chosen)
    won = Facts(object_reference=f"won_{len(chosen)}")
    payments.advance(session, payment_id, PaymentStatus.CONFIRMED, by=SYSTEM, facts=won)


def promise(session: Session, dora: Dora, chosen: list[uuid.UUID]) -> uuid.UUID:
    draft = PromiseDraft(str(chosen[0]), [Part(one, MINOR) for one in chosen], clock.today() + timedelta(days=3))
    return promises.give(session, debtor_id=dora.debtor_id, draft=draft, by=SYSTEM).id


def call_off(session: Session, dora: Dora, chosen: list[uuid.UUID]) -> None:
    promises.cancel(session, promise_id=promise(session, dora, chosen), reason="a mistake", by=SYSTEM)


def keep_a_promise_in_part(session: Session, dora: Dora, chosen: list[uuid.UUID]) -> None:
    promise_id = promise(session, dora, chosen)
    debtor = lock_debtor(session, dora.debtor_id)
    attempt, parts = f"half:{chosen[0]}", [Part(one, MINOR // 2) for one in chosen]
    draft = PaymentDraft(attempt=attempt, means=Means.CARD, provider=Provider.STRIPE, parts=parts, contact_id=None)
    payment_id = payments.start(session, debtor, draft, by=SYSTEM).id
    for to in (PaymentStatus.SUBMITTED, PaymentStatus.CONFIRMED):
        payments.advance(session, payment_id, to, by=SYSTEM)
    promises.look(session, promise_id)


def contest(session: Session, dora: Dora, chosen: list[uuid.UUID]) -> uuid.UUID:
    claims = [disputes.Claim(one) for one in chosen]
    return disputes.raise_dispute(
        session,
        debtor_id=dora.debtor_id,
        claims=claims,
        reason_code="not_conform",
        text="Broken",
        attempt=str(chosen[0]),
        by=SYSTEM,
    ).id


def contest_in_vain(session: Session, dora: Dora, chosen: list[uuid.UUID]) -> None:
    disputes.reject(session, dispute_id=contest(session, dora, chosen), grounds="They were whole", by=SYSTEM)


def contest_again(session: Session, dora: Dora, chosen: list[uuid.UUID]) -> None:
    dispute_id = contest(session, dora, chosen)
    disputes.reject(session, dispute_id=dispute_id, grounds="They were whole", by=SYSTEM)
    disputes.reopen(session, dispute_id=dispute_id, text="They were not", by=SYSTEM)


def contest_and_pay(session: Session, dora: Dora, chosen: list[uuid.UUID]) -> None:
    dispute_id = contest(session, dora, chosen)
    debtor = lock_debtor(session, dora.debtor_id)
    occasion = ledger.Occasion(at=clock.now(), value_on=clock.today())
    parts = [Part(one, MINOR) for one in chosen]
    total = MINOR * len(chosen)
    ledger.settle_directly(session, debtor, account=Account.BANK, minor=total, parts=parts, occasion=occasion)
    assert disputes.settle(session, dispute_id=dispute_id, by=SYSTEM)


def declare(session: Session, dora: Dora, chosen: list[uuid.UUID]) -> None:
    draft = DeclarationDraft(
        attempt=str(chosen[0]),
        minor=MINOR * len(chosen),
        paid_on=clock.today(),
        parts=[Part(one, MINOR) for one in chosen],
        files=[],
    )
    declarations.declare(session, debtor_id=dora.debtor_id, draft=draft, by=SYSTEM)


def agree_to_a_plan(session: Session, dora: Dora, chosen: list[uuid.UUID]) -> uuid.UUID:
    plan = plans.propose_by_staff(
        session,
        debtor_id=dora.debtor_id,
        invoice_ids=chosen,
        terms=Terms(first_on=clock.today() + timedelta(days=7), count=3),
        answer="",
        attempt=str(chosen[0]),
        by=SYSTEM,
    )
    evidence = accepting.Evidence(dora.contact_id, "Dora", dora.email, "192.0.2.1", "Firefox", "en")
    accepting.accept(session, plan_id=plan.id, evidence=evidence, by=SYSTEM)
    return plan.id


def pay_an_instalment(session: Session, dora: Dora, chosen: list[uuid.UUID]) -> None:
    plan_id = agree_to_a_plan(session, dora, chosen)
    debtor = lock_debtor(session, dora.debtor_id)
    parts = progress.parts_for(session, plan_id, MINOR * len(chosen) // 2)
    attempt = f"{contents.attempt_prefix(plan_id)}1"
    draft = PaymentDraft(attempt=attempt, means=Means.CARD, provider=Provider.STRIPE, parts=parts, contact_id=None)
    payment_id = payments.start(session, debtor, draft, by=SYSTEM).id
    for to in (PaymentStatus.SUBMITTED, PaymentStatus.CONFIRMED):
        payments.advance(session, payment_id, to, by=SYSTEM)


ACTS = [
    pay,
    pay_and_confirm,
    pay_in_vain,
    pay_and_charge_back,
    win_a_chargeback,
    promise,
    call_off,
    keep_a_promise_in_part,
    contest,
    contest_in_vain,
    contest_again,
    contest_and_pay,
    declare,
    agree_to_a_plan,
    pay_an_instalment,
]


@pytest.fixture
def owed(dora: Dora) -> dict[int, list[uuid.UUID]]:
    """Some invoices, and ten times as many others."""
    with transaction() as session:
        debtor = session.get_one(Debtor, dora.debtor_id)
        return {
            size: [an_invoice(session, debtor, f"N-{size}-{each:03}", MINOR, due_in=5).id for each in range(size)]
            for size in (FEW, MANY)
        }


def statements(act: Act, dora: Dora, chosen: list[uuid.UUID]) -> int:
    with counted() as said, transaction() as session:
        act(session, dora, chosen)
    return len(said)


@pytest.mark.parametrize("act", ACTS)
def test_ten_times_as_many_invoices_are_written_in_the_same_number_of_statements(
    act: Act, dora: Dora, owed: dict[int, list[uuid.UUID]]
) -> None:
    few = statements(act, dora, owed[FEW])

    assert statements(act, dora, owed[MANY]) <= few + 2, "what a first time alone asks may differ; nothing per invoice"


@pytest.mark.parametrize("act", ACTS)
def test_ten_times_as_many_invoices_are_sealed_at_once_and_not_one_by_one(
    act: Act, dora: Dora, owed: dict[int, list[uuid.UUID]]
) -> None:
    def seals() -> int:
        with reading() as session:
            return session.scalar(select(func.count()).select_from(Seal)) or 0

    before = seals()
    statements(act, dora, owed[FEW])
    few = seals() - before
    statements(act, dora, owed[MANY])

    assert seals() - before - few <= few + 2


def test_a_payment_of_many_holds_each_part_and_writes_each_leg(dora: Dora, owed) -> None:
    statements(pay, dora, owed[MANY])

    with reading() as session:
        held = session.execute(select(Invoice.held_minor).where(Invoice.id.in_(owed[MANY]))).scalars().all()
        legs = session.execute(select(Transfer.leg, Transfer.amount_minor).where(Transfer.phase == Phase.PENDING)).all()
        assert held == [MINOR] * MANY
        assert session.get_one(Debtor, dora.debtor_id).held_minor == MINOR * MANY
        assert sorted(legs) == [(number, MINOR) for number in range(MANY)]
        assert session.scalar(select(func.count()).select_from(PaymentAllocation)) == MANY


def test_a_pause_of_many_has_a_line_in_the_trail_for_each_and_one_message(dora: Dora, owed) -> None:
    statements(promise, dora, owed[MANY])

    with reading() as session:
        paused = session.execute(select(Invoice.paused_minor).where(Invoice.id.in_(owed[MANY]))).scalars().all()
        assert paused == [MINOR] * MANY
        trail = select(AuditLine.subject_id).where(AuditLine.action == "invoice.held")
        assert sorted(session.scalars(trail)) == sorted(owed[MANY])
        told = session.scalars(select(OutboxMessage.payload).where(OutboxMessage.topic == "invoice.frozen")).all()
        assert [sorted(each["invoices"]) for each in told] == [sorted(map(str, owed[MANY]))]


def test_an_invoice_that_the_session_holds_is_read_anew_after_a_pause_and_its_end(dora: Dora, owed) -> None:
    with transaction() as session:
        first = session.get_one(Invoice, owed[FEW][0])
        assert first.paused_minor == 0
        promise_id = promise(session, dora, owed[FEW])
        assert first.paused_minor == MINOR
        promises.cancel(session, promise_id=promise_id, reason="", by=SYSTEM)
        assert first.paused_minor == 0
        live = select(func.count()).select_from(Freeze).where(Freeze.lifted_at.is_(None))
        assert session.scalar(live) == 0


def test_one_invoice_that_is_not_free_refuses_the_pause_of_all(dora: Dora, owed) -> None:
    with transaction() as session:
        invoices.freeze(
            session, invoice_id=owed[FEW][2], kind=FreezeKind.LEGAL_HOLD, minor=1, reason="court", by=SYSTEM
        )
    with pytest.raises(Exception, match="already on hold"), transaction() as session:
        promise(session, dora, owed[FEW])

    with reading() as session:
        assert session.scalar(select(func.sum(Invoice.paused_minor))) == 0
