"""Lists of disputes and what waits in them, as frozen values. One dispute stands in `sheets.py`."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, and_, exists, func, select, true
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm import Session

from shared.company import policy
from shared.debtors import affairs
from shared.disputes.choices import Reason, reason_of
from shared.disputes.models import Dispute, DisputePart, DisputePolicy, DisputeReason, DisputeTransition
from shared.disputes.rules import EDGES, LIVE, Policy, Status
from shared.invoices.models import Freeze, FreezeKind, Invoice
from shared.kit.money import Money


@dataclass(frozen=True, slots=True)
class DisputeRow:
    """A dispute in a list of one debtor."""

    id: uuid.UUID
    reference: str
    status: Status
    reason: Reason
    currency: str
    claimed_minor: int
    numbers: Sequence[str]
    opened_at: datetime
    ended_at: datetime | None
    due_on: date
    is_my_turn: bool
    """The debtor is waited for."""

    @property
    def is_live(self) -> bool:
        return self.status in LIVE

    @property
    def claimed(self) -> Money:
        return Money(self.claimed_minor, self.currency)


@dataclass(frozen=True, slots=True)
class Counts:
    """What waits in a company, for one member of staff."""

    live: int
    mine: int
    late: int
    unassigned: int
    waiting: int
    unanswered: int
    """The debtor spoke last."""
    frozen_minor: int


@dataclass(frozen=True, slots=True)
class Happening:
    """A step of a dispute for a timeline."""

    dispute_id: uuid.UUID
    reference: str
    at: datetime
    edge: str
    """The edge's name, or "raised"."""
    status: Status
    actor_kind: str
    actor_name: str
    minor: int
    currency: str


def policy_of(session: Session, company_id: uuid.UUID) -> Policy:
    """What a company grants."""
    return policy.read(session, DisputePolicy, company_id, Policy)


def find_attempt(session: Session, debtor_id: uuid.UUID, attempt: str) -> uuid.UUID | None:
    """The dispute that a form has raised already."""
    return session.scalar(select(Dispute.id).where(Dispute.attempt == attempt, Dispute.debtor_id == debtor_id))


def of_debtor(session: Session, debtor_id: uuid.UUID, *, invoice_id: uuid.UUID | None = None) -> list[DisputeRow]:
    """A debtor's disputes (on one invoice), the live ones first, then the latest."""
    numbers = (
        select(func.array_agg(aggregate_order_by(Invoice.number.distinct(), Invoice.number)))
        .join(DisputePart, DisputePart.invoice_id == Invoice.id)
        .where(DisputePart.dispute_id == Dispute.id)
        .scalar_subquery()
    )
    query = (
        select(Dispute, DisputeReason, numbers.label("numbers"))
        .join(DisputeReason, DisputeReason.id == Dispute.reason_id)
        .where(Dispute.debtor_id == debtor_id)
        .order_by(Dispute.status.in_(LIVE).desc(), Dispute.id.desc())
        .limit(200)
    )
    if invoice_id is not None:
        query = query.where(_contests(invoice_id))
    return [
        DisputeRow(
            id=dispute.id,
            reference=dispute.reference,
            status=dispute.status,
            reason=reason_of(reason),
            currency=dispute.currency,
            claimed_minor=dispute.claimed_minor,
            numbers=tuple(found or ()),
            opened_at=dispute.opened_at,
            ended_at=dispute.ended_at,
            due_on=dispute.due_on,
            is_my_turn=dispute.status is Status.WAITING,
        )
        for dispute, reason, found in session.execute(query)
    ]


def _contests(invoice_id: uuid.UUID) -> ColumnElement[bool]:
    return exists().where(DisputePart.dispute_id == Dispute.id, DisputePart.invoice_id == invoice_id)


def frozen_by_invoice(session: Session, debtor_id: uuid.UUID) -> list[tuple[uuid.UUID, str, int]]:
    """What live disputes freeze of a debtor: invoice, its number, minor units of what is open of it; by due day."""
    rows = session.execute(
        select(Invoice.id, Invoice.number, func.sum(Freeze.amount_minor).label("frozen"), Invoice.open_minor)
        .join(Invoice, Invoice.id == Freeze.invoice_id)
        .where(Freeze.debtor_id == debtor_id, Freeze.kind == FreezeKind.DISPUTE, Freeze.lifted_at.is_(None))
        .group_by(Invoice.id)
        .order_by(Invoice.due_on, Invoice.id)
    )
    return [
        (row.id, row.number, min(int(row.frozen), row.open_minor))
        for row in rows
        if min(row.frozen, row.open_minor) > 0
    ]


def counts(session: Session, company_id: uuid.UUID, *, staff_id: uuid.UUID, today: date) -> Counts:
    """What waits in a company: one read of the partial index of live disputes."""
    is_late = and_(Dispute.due_on < today, Dispute.status != Status.WAITING)
    row = session.execute(
        select(
            func.count(),
            func.count().filter(Dispute.assignee_id == staff_id),
            func.count().filter(is_late),
            func.count().filter(Dispute.assignee_id.is_(None)),
            func.count().filter(Dispute.status == Status.WAITING),
            func.count().filter(Dispute.spoken_at.is_not(None)),
        ).where(Dispute.company_id == company_id, is_live())
    ).one()
    return Counts(*row, frozen_minor=frozen_now(session, company_id))


def is_live() -> ColumnElement[bool]:
    """The condition of the partial indexes of live disputes."""
    return Dispute.status.in_((Status.OPEN, Status.UNDER_REVIEW, Status.WAITING))


def frozen_now(session: Session, company_id: uuid.UUID) -> int:
    """What live disputes of a company freeze, in minor units."""
    return int(
        session.scalar(
            select(func.coalesce(func.sum(Freeze.amount_minor), 0))
            .join(DisputePart, DisputePart.freeze_id == Freeze.id)
            .join(Dispute, Dispute.id == DisputePart.dispute_id)
            .where(Dispute.company_id == company_id, is_live())
            .where(Freeze.kind == FreezeKind.DISPUTE, Freeze.lifted_at.is_(None))
        )
        or 0
    )


def events_of(session: Session, debtor_id: uuid.UUID, *, invoice_id: uuid.UUID | None = None) -> list[Happening]:
    """Every step of a debtor's disputes (on one invoice) for a timeline, the latest first."""
    on = Dispute.id == DisputeTransition.dispute_id
    contests = _contests(invoice_id) if invoice_id else true()
    rows = affairs.latest_steps(session, DisputeTransition, Dispute, on, debtor_id, contests, limit=200)
    return [
        Happening(
            dispute_id=dispute.id,
            reference=dispute.reference,
            at=step.at,
            edge=edge_name(step.before, step.after),
            status=step.after,
            actor_kind=step.actor_kind,
            actor_name=step.actor_name,
            minor=dispute.claimed_minor,
            currency=dispute.currency,
        )
        for step, dispute in rows
    ]


def edge_name(before: Status | None, after: Status) -> str:
    """The name of a step: of its edge, or "raised"."""
    return "raised" if before is None else EDGES[before, after].name
