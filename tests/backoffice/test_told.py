"""That a debtor is told is said when a message was written to him, and never else: every act at the desk that says so."""

from __future__ import annotations

import ast
import uuid
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from payments import service as payments
from payments.chargebacks.models import Chargeback
from payments.declarations import service as declarations
from payments.declarations.service import DeclarationDraft
from payments.models import Means, Provider
from payments.plans import accepting, running
from payments.plans import service as plans
from payments.plans.rules import Rhythm, Terms
from payments.service import Facts, PaymentDraft
from payments.status import PaymentStatus
from shared.debtors.models import Contact, DebtorContact
from shared.debtors.service import lock_debtor
from shared.disputes import service as disputes
from shared.kit import clock
from shared.kit.actors import Actor
from shared.kit.db import reading, transaction
from shared.ledger.rules import Part
from shared.messages import erasures
from shared.messages.models import Message
from shared.promises import service as promises
from shared.promises.service import PromiseDraft
from tests.support.people import SYSTEM

TOLD = "told by mail."
DESK = Path(__file__).resolve().parents[2] / "backoffice"
Made = tuple[str, dict[str, str]]


def a_dispute(session: Session, world, contact_id: uuid.UUID) -> uuid.UUID:
    return disputes.raise_dispute(
        session,
        debtor_id=world.dora,
        claims=[disputes.Claim(world.late)],
        reason_code="price",
        text="No.",
        attempt=str(uuid.uuid4()),
        contact_id=contact_id,
        by=Actor.contact(contact_id, "Dora"),
    ).id


def say(session: Session, world, contact_id: uuid.UUID) -> Made:
    return f"/disputes/{a_dispute(session, world, contact_id)}/say", {"text": "We look into it."}


def reject(session: Session, world, contact_id: uuid.UUID) -> Made:
    return f"/disputes/{a_dispute(session, world, contact_id)}/reject", {"grounds": "The delivery note is signed."}


def accept(session: Session, world, contact_id: uuid.UUID) -> Made:
    return f"/disputes/{a_dispute(session, world, contact_id)}/accept", {"credit": "none", "text": "It is corrected."}


def reopen(session: Session, world, contact_id: uuid.UUID) -> Made:
    dispute = a_dispute(session, world, contact_id)
    disputes.withdraw(session, dispute_id=dispute, by=SYSTEM, text="")
    return f"/disputes/{dispute}/reopen", {"text": "Once more."}


def cancel_promise(session: Session, world, contact_id: uuid.UUID) -> Made:
    draft = PromiseDraft(str(uuid.uuid4()), [Part(world.late, 5_000)], clock.today() + timedelta(days=5))
    made = promises.give(session, debtor_id=world.dora, draft=draft, by=Actor.contact(contact_id, "Dora"))
    return f"/promises/{made.id}/cancel", {"reason": "He called."}


def refuse_declaration(session: Session, world, contact_id: uuid.UUID) -> Made:
    draft = DeclarationDraft(str(uuid.uuid4()), 5_000, clock.today(), [Part(world.late, 5_000)], "VIR")
    made = declarations.declare(session, debtor_id=world.dora, draft=draft, by=Actor.contact(contact_id, "Dora"))
    return f"/declarations/{made.id}/refuse", {"answer": "It did not arrive."}


def a_plan(session: Session, world, contact_id: uuid.UUID) -> uuid.UUID:
    plan = plans.propose_by_staff(
        session,
        debtor_id=world.dora,
        invoice_ids=[world.late],
        terms=Terms(first_on=clock.today(), count=2, rhythm=Rhythm.WEEKLY),
        answer="As we said.",
        attempt=str(uuid.uuid4()),
        by=Actor.staff(uuid.uuid4(), "Camille"),
    )
    evidence = accepting.Evidence(contact_id, "Dora", "411dora@client.example", "192.0.2.7", "Firefox", "en")
    accepting.accept(session, plan_id=plan.id, evidence=evidence, by=Actor.contact(contact_id, "Dora"))
    return plan.id


def pause_plan(session: Session, world, contact_id: uuid.UUID) -> Made:
    return f"/plans/{a_plan(session, world, contact_id)}/pause", {"answer": "Works closed."}


def resume_plan(session: Session, world, contact_id: uuid.UUID) -> Made:
    plan = a_plan(session, world, contact_id)
    running.pause(session, plan_id=plan, reason="Works closed.", by=SYSTEM)
    return f"/plans/{plan}/resume", {"first_on": (clock.today() + timedelta(days=9)).strftime("%d/%m/%Y")}


def cancel_plan(session: Session, world, contact_id: uuid.UUID) -> Made:
    return f"/plans/{a_plan(session, world, contact_id)}/cancel", {"answer": "Paid to the bailiff."}


def default_plan(session: Session, world, contact_id: uuid.UUID) -> Made:
    return f"/plans/{a_plan(session, world, contact_id)}/default", {"answer": "Nobody answers."}


def a_case(session: Session, world) -> uuid.UUID:
    """A debit that the bank gave back."""
    gc, facts = Actor.provider("gocardless"), Facts(provider_reference="PM1", failure_code=None)
    draft = PaymentDraft("case", Means.DEBIT, Provider.GOCARDLESS, [Part(world.late, 12_000)])
    payment = payments.start(session, lock_debtor(session, world.dora), draft, by=gc)
    for to in (PaymentStatus.SUBMITTED, PaymentStatus.CONFIRMED):
        payments.advance(session, payment.id, to, by=gc, facts=facts)
    payments.advance(session, payment.id, PaymentStatus.CHARGED_BACK, by=gc, facts=Facts(failure_code="MD06"))
    return session.scalars(select(Chargeback.id)).one()


def owe_again(session: Session, world, _contact_id: uuid.UUID) -> Made:
    return f"/chargebacks/{a_case(session, world)}/owe", {"text": "It was delivered."}


def give_up(session: Session, world, _contact_id: uuid.UUID) -> Made:
    return f"/chargebacks/{a_case(session, world)}/give-up", {"text": "Agreed."}


def note_wish(_session: Session, _world, contact_id: uuid.UUID) -> Made:
    return f"/people/{contact_id}/data/wishes", {"on": clock.today().strftime("%d/%m/%Y")}


def decline_wish(session: Session, world, contact_id: uuid.UUID) -> Made:
    erasures.ask(session, contact_id, company_id=world.company, by=Actor.contact(contact_id, "Dora"))
    return f"/people/{contact_id}/data/decline", {"ground": "law"}


def erase(_session: Session, _world, contact_id: uuid.UUID) -> Made:
    return f"/people/{contact_id}/data/erase", {}


ACTS: tuple[Callable[..., Made], ...] = (
    say,
    reject,
    accept,
    reopen,
    cancel_promise,
    refuse_declaration,
    pause_plan,
    resume_plan,
    cancel_plan,
    default_plan,
    owe_again,
    give_up,
    note_wish,
    decline_wish,
    erase,
)


@pytest.mark.parametrize("is_reached", [True, False], ids=["reached", "refused"])
@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.__name__)
def test_it_is_said_when_a_message_was_written_and_never_else(ines, world, act, is_reached):
    with transaction() as session:
        contact_id = session.scalars(
            select(DebtorContact.contact_id).where(DebtorContact.debtor_id == world.dora)
        ).one()
        path, form = act(session, world, contact_id)
        if not is_reached:
            session.execute(update(Contact).values(bounced_at=clock.now(), bounce_answer="550 5.1.1"))
        before = len(session.scalars(select(Message.id)).all())

    assert ines.post(path, form).status_code == 303
    shown = " ".join(ines.get("/").text.split())

    with reading() as session:
        written = len(session.scalars(select(Message.id).where(Message.kind != "staff_notice")).all()) - before
    assert (written > 0) == is_reached
    assert (TOLD in shown.replace("why by mail", TOLD)) == is_reached
    assert ("Please tell them another way." in shown) == (not is_reached)


def test_no_act_says_it_by_itself() -> None:
    """A flash of its own claims what it has not looked at: `unheard.flash_told` looks."""
    claims = []
    for path in DESK.rglob("views.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "flash":
                claims += [
                    f"{path.relative_to(DESK)}:{node.lineno}"
                    for part in ast.walk(node)
                    if isinstance(part, ast.Constant)
                    and isinstance(part.value, str)
                    and any(word in part.value for word in (" told", "gets the new", "hears of it"))
                ]
    assert claims == []
