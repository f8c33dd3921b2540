"""What debtors say of their invoices, and what staff answer; beside `acts`, and like it: JSON in, JSON out."""

from __future__ import annotations

import uuid
from datetime import timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import select

from backoffice.reminders.run import run as run_reminders
from payments.declarations import jobs as declaration_duties
from payments.declarations import service as declarations
from payments.declarations.models import Declaration, DeclarationPart
from payments.plans import accepting, running
from payments.plans import jobs as plan_duties
from payments.plans import service as plans
from payments.plans.rules import Terms
from shared.company.models import Company
from shared.disputes import jobs as dispute_duties
from shared.disputes import service as disputes
from shared.disputes.models import Dispute, DisputePart
from shared.kit import clock
from shared.kit.actors import Actor
from shared.kit.db import reading, transaction
from shared.ledger.rules import Part
from shared.promises import jobs as promise_duties
from shared.promises import service as promises
from tests.torture.between import contact_of

STAFF = Actor.staff(uuid.UUID(int=7), "torture")
DEBTOR = Actor.contact(uuid.UUID(int=8), "torture")


def contest(debtor: str, invoice: str, minor: int | None, attempt: str) -> str:
    with transaction() as session:
        claim = disputes.Claim(uuid.UUID(invoice), minor)
        made = disputes.raise_dispute(
            session,
            debtor_id=uuid.UUID(debtor),
            claims=[claim],
            reason_code="price",
            text="This is not what we agreed.",
            attempt=attempt,
            by=STAFF,
        )
        return str(made.id)


def decide(dispute: str, how: str) -> str:
    """`how`: credit (a third of it), reject, withdraw, reopen."""
    dispute_id = uuid.UUID(dispute)
    with transaction() as session:
        if how == "credit":
            parts = session.scalars(select(DisputePart).where(DisputePart.dispute_id == dispute_id)).all()
            wish = disputes.CreditWish(
                minors={part.id: max(1, part.amount_minor // 3) for part in parts}, vat_rate=Decimal(20)
            )
            disputes.accept(session, dispute_id=dispute_id, credit=wish, text="You are right.", by=STAFF)
        elif how == "reject":
            disputes.reject(session, dispute_id=dispute_id, grounds="It is what was ordered.", by=STAFF)
        elif how == "withdraw":
            disputes.withdraw(session, dispute_id=dispute_id, by=DEBTOR)
        else:
            disputes.reopen(session, dispute_id=dispute_id, text="I do not agree.", by=STAFF)
        return session.get_one(Dispute, dispute_id).status.value


def propose_plan(debtor: str, attempt: str, count: int, by_mandate: bool) -> dict[str, Any]:  # noqa: FBT001 - from JSON
    with transaction() as session:
        wish = Terms(first_on=clock.today() + timedelta(days=5), count=count, by_mandate=by_mandate)
        made = plans.propose(
            session,
            debtor_id=uuid.UUID(debtor),
            contact_id=contact_of(debtor),
            invoice_ids=None,
            wish=wish,
            message="",
            attempt=attempt,
            by=DEBTOR,
        )
        return {"plan": str(made.id), "status": made.status.value}


def accept_plan(debtor: str, plan: str) -> str:
    with transaction() as session:
        evidence = accepting.Evidence(
            contact_id=contact_of(debtor),
            name="torture",
            email="torture@client.example",
            address="192.0.2.1",
            user_agent="torture",
            language="fr",
            verified_at=clock.now(),
        )
        return accepting.accept(session, plan_id=uuid.UUID(plan), evidence=evidence, by=DEBTOR).status.value


def end_plan(plan: str, how: str) -> str:
    """`how`: pause, resume, cancel, default."""
    plan_id = uuid.UUID(plan)
    with transaction() as session:
        if how == "pause":
            done = running.pause(session, plan_id=plan_id, reason="torture", by=STAFF)
        elif how == "resume":
            first_on = clock.today() + timedelta(days=5)
            done = running.resume(session, plan_id=plan_id, first_on=first_on, by=STAFF)
        elif how == "cancel":
            done = running.cancel(session, plan_id=plan_id, reason="torture", by=STAFF)
        else:
            done = running.put_in_default(session, plan_id=plan_id, by=STAFF)
        return done.status.value


def promise(debtor: str, parts: list[list[Any]], days: int, attempt: str) -> str:
    draft = promises.PromiseDraft(
        attempt=attempt,
        parts=[Part(uuid.UUID(invoice_id), minor) for invoice_id, minor in parts],
        promised_on=clock.today() + timedelta(days=days),
    )
    with transaction() as session:
        return str(promises.give(session, debtor_id=uuid.UUID(debtor), draft=draft, by=STAFF).id)


def break_promise(promise: str) -> None:
    with transaction() as session:
        promises.cancel(session, promise_id=uuid.UUID(promise), reason="torture", by=STAFF)


def declare(debtor: str, parts: list[list[Any]], attempt: str) -> str:
    draft = declarations.DeclarationDraft(
        attempt=attempt,
        minor=sum(minor for _invoice, minor in parts),
        paid_on=clock.today(),
        parts=[Part(uuid.UUID(invoice_id), minor) for invoice_id, minor in parts],
    )
    with transaction() as session:
        return str(declarations.declare(session, debtor_id=uuid.UUID(debtor), draft=draft, by=STAFF).id)


def answer_declaration(declaration: str, how: str) -> None:
    """`how`: record (the transfer arrived), refuse, withdraw."""
    declaration_id = uuid.UUID(declaration)
    with transaction() as session:
        if how == "record":
            row = session.get_one(Declaration, declaration_id)
            parts = session.scalars(
                select(DeclarationPart).where(DeclarationPart.declaration_id == declaration_id)
            ).all()
            declarations.record(
                session,
                declaration_id=declaration_id,
                minor=row.amount_minor,
                received_on=clock.today(),
                memo="",
                parts=[Part(part.invoice_id, part.amount_minor) for part in parts],
                by=STAFF,
            )
        elif how == "refuse":
            declarations.refuse(session, declaration_id=declaration_id, answer="Not found.", by=STAFF)
        else:
            declarations.withdraw(session, declaration_id=declaration_id, by=DEBTOR)


def duties() -> None:
    """What the clock asks of these rooms."""
    dispute_duties.watch({})
    promise_duties.look({})
    declaration_duties.expire({})
    plan_duties.follow_today({})


def remind() -> dict[str, int]:
    with reading() as session:
        companies = list(session.scalars(select(Company.id)))
    return {str(company_id): run_reminders(company_id).reminded_count for company_id in companies}
