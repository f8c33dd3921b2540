"""Before a plan: which invoices it may be made of, what the company grants, and what a proposal would be answered."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from payments.models import Means, Payment
from payments.plans import rules
from payments.plans.contents import frozen_by, mandate_of
from payments.plans.models import Plan, PlanPolicy, PlanTransition
from payments.plans.rules import Answer, Due, Policy, Terms
from payments.plans.status import FREEZES, PlanStatus
from payments.reasons import NOT_THE_PAYERS
from payments.status import PaymentStatus
from shared.company.models import Company
from shared.company.queries import today_of
from shared.debtors.models import Debtor, DebtorKind
from shared.invoices.models import FreezeKind, Invoice, InvoiceKind
from shared.invoices.service import left_to_freeze
from shared.kit import clock
from shared.kit.money import Money
from shared.promises.queries import record_of

S = PlanStatus

LOOKED_BACK = timedelta(days=365)
"""So far back a payer's past counts."""


@dataclass(frozen=True, slots=True)
class Choice:
    """An invoice that may be part of a plan, the oldest due first; `left_minor`: open, not held, not frozen by others."""

    invoice_id: uuid.UUID
    number: str
    title: str
    issued_on: date
    due_on: date
    open: Money
    left_minor: int

    @property
    def left(self) -> Money:
        return Money(self.left_minor, self.open.currency)


@dataclass(frozen=True, slots=True)
class Preview:
    """What a proposal would be answered, before it is one. `days` are of the terms granted (else of the wish)."""

    total: Money
    answer: Answer
    terms: Terms
    days: tuple[Due, ...]
    score: int


def policy_of(session: Session, company_id: uuid.UUID, kind: DebtorKind) -> Policy:
    """What a company grants to debtors of a kind: its own words, else the defaults."""
    row = session.scalar(select(PlanPolicy).where(PlanPolicy.company_id == company_id, PlanPolicy.kind == kind))
    if row is None:
        return rules.FOR_CONSUMERS if kind is DebtorKind.CONSUMER else rules.FOR_BUSINESS
    return Policy(**{name: getattr(row, name) for name in Policy.__dataclass_fields__})


def choices(session: Session, debtor_id: uuid.UUID, *, replaces: uuid.UUID | None = None) -> list[Choice]:
    """The invoices of a debtor that may be part of a plan, with what is left of each, the oldest due first.

    Left is what is open, not held by a payment in flight and not frozen by a dispute, a legal hold or another plan; disputed
    money is never part of a plan. `replaces`: a plan whose money counts as free, because it ends when the new one begins.
    """
    own = frozen_by(session, replaces) if replaces else {}
    rows = session.scalars(
        select(Invoice)
        .where(Invoice.debtor_id == debtor_id, Invoice.kind == InvoiceKind.INVOICE, Invoice.open_minor > 0)
        .order_by(Invoice.due_on, Invoice.id)
    )
    made = [
        Choice(
            row.id,
            row.number,
            row.title,
            row.issued_on,
            row.due_on,
            Money(row.open_minor, row.currency),
            left_to_freeze(row, FreezeKind.PLAN) + own.get(row.id, 0),
        )
        for row in rows
    ]
    return [each for each in made if each.left_minor > 0]


def preview(session: Session, debtor_id: uuid.UUID, *, invoice_ids: Sequence[uuid.UUID] | None, wish: Terms) -> Preview:
    """What the policy would answer, and the schedule that would follow. Writes nothing; the live preview of the form."""
    debtor = session.get_one(Debtor, debtor_id)
    wanted = None if invoice_ids is None else set(invoice_ids)
    chosen = [each for each in choices(session, debtor_id) if wanted is None or each.invoice_id in wanted]
    total = sum(each.left_minor for each in chosen)
    facts = facts_of(session, debtor)
    answer = rules.decide(policy_of(session, debtor.company_id, debtor.kind), total, wish, facts)
    terms = answer.terms if isinstance(answer, rules.Accepted | rules.CounterOffer) else wish
    return Preview(
        Money(total, debtor.currency), answer, terms, rules.schedule_or_none(total, terms), rules.score(facts)
    )


def facts_of(session: Session, debtor: Debtor) -> rules.Facts:
    """What the policy looks at. A past counts for twelve months: defaults, and debits that came back for a reason of his."""
    since = clock.now() - LOOKED_BACK
    live = session.scalar(
        select(func.count()).where(Plan.debtor_id == debtor.id, Plan.status.in_(FREEZES)).select_from(Plan)
    )
    broken = session.scalar(
        select(func.count())
        .select_from(PlanTransition)
        .join(Plan, Plan.id == PlanTransition.plan_id)
        .where(Plan.debtor_id == debtor.id, PlanTransition.after == S.IN_DEFAULT, PlanTransition.at >= since)
    )
    returned = session.scalar(
        select(func.count())
        .select_from(Payment)
        .where(Payment.debtor_id == debtor.id, Payment.means == Means.DEBIT, Payment.created_at >= since)
        .where(Payment.status.in_((PaymentStatus.FAILED, PaymentStatus.CHARGED_BACK)))
        .where(Payment.provider_reference.is_not(None))
        .where(or_(Payment.failure_code.is_(None), Payment.failure_code.not_in(NOT_THE_PAYERS)))
    )
    return rules.Facts(
        today=today_of(session, debtor.company_id),
        live_plans=int(live or 0),
        has_mandate=mandate_of(session, debtor.id) is not None,
        broken_plans=int(broken or 0),
        broken_promises=record_of(session, debtor.id, today=today_of(session, debtor.company_id)).broken,
        returned_debits=int(returned or 0),
        notice_days=session.get_one(Company, debtor.company_id).notice_days,
    )
