"""The queue of plans, its counts and totals, and the payments that were made for one."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, and_, exists, func, or_, select
from sqlalchemy.orm import Session

from backoffice.access.member import Member
from backoffice.access.models import StaffMember
from backoffice.listing import Ask, Orders, Query, one_page, ordered
from backoffice.matching import added_up, equal, found_by
from backoffice.replies import queries as replies
from backoffice.replies.queries import Reader
from payments.models import Means, Payment
from payments.plans import contents
from payments.plans import queries as plans
from payments.plans.models import Plan, PlanInstalment
from payments.plans.queries import PlanLine, PlanView
from payments.plans.status import ENDED, PlanStatus
from payments.status import PaymentStatus
from shared.kit.money import Money
from shared.web.paging import Page

S = PlanStatus
FILTERS = ("state", "debtor", "assignee")
ORDERS = Orders({"created": Plan.created_at, "total": Plan.total_minor}, identity=Plan.id, default="-created")

LIVE = (S.NEEDS_PERSON, S.OFFERED, S.ACTIVE, S.PAUSED, S.IN_DEFAULT)
STATES: dict[str, Sequence[PlanStatus]] = {
    "": LIVE,
    "asked": (S.NEEDS_PERSON,),
    "mine": LIVE,
    "offered": (S.OFFERED,),
    "active": (S.ACTIVE, S.PAUSED),
    "late": (S.ACTIVE,),
    "default": (S.IN_DEFAULT,),
    "ended": tuple(ENDED),
    "all": tuple(S),
}


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over the whole selection."""

    count: int
    total: Money


@dataclass(frozen=True, slots=True)
class PaymentRow:
    """A payment that was made for a plan."""

    id: uuid.UUID
    reference: str
    means: Means
    status: PaymentStatus
    amount: Money
    created_at: datetime
    charge_on: date | None


def browse(session: Session, company_id: uuid.UUID, ask: Ask, *, me: uuid.UUID, today: date) -> Page[PlanLine]:
    """One page of plans, the newest first."""
    found = one_page(session, _asked(select(Plan.id), company_id, ask, me, today), ORDERS, ask)
    lines = plans.lines_by_id(session, [row.id for row in found.rows])
    return Page([lines[row.id] for row in found.rows], found.next_key, found.previous_key)


def everything(session: Session, company_id: uuid.UUID, ask: Ask, *, me: uuid.UUID, today: date) -> Iterator[PlanLine]:
    """The whole selection, read in portions (exports)."""
    query = ordered(_asked(select(Plan.id), company_id, ask, me, today), ORDERS, ask.sort)
    identities = list(session.scalars(query))
    for start in range(0, len(identities), 200):
        portion = identities[start : start + 200]
        lines = plans.lines_by_id(session, portion)
        yield from (lines[each] for each in portion)


def totals(
    session: Session, company_id: uuid.UUID, ask: Ask, *, me: uuid.UUID, today: date, currency: str
) -> Totals | None:
    """Count and sums of the whole selection; None for a large one, unless they are asked for."""
    found = added_up(session, ask, _asked(select(Plan.id), company_id, ask, me, today), Plan.id, Plan.total_minor)
    return Totals(found[0], Money(found[1], currency)) if found else None


def counts(session: Session, company_id: uuid.UUID, *, me: uuid.UUID, today: date) -> Mapping[str, int]:
    """How many plans each view of the queue holds that asks for somebody."""
    row = session.execute(
        select(
            func.count().filter(Plan.status == S.NEEDS_PERSON).label("asked"),
            func.count().filter(Plan.assignee_id == me).label("mine"),
            func.count().filter(_is_late(today)).label("late"),
            func.count().filter(Plan.status == S.IN_DEFAULT).label("default"),
        )
        .select_from(Plan)
        .where(Plan.company_id == company_id, Plan.status.in_(LIVE))
    ).one()
    return row._asdict()


def _is_late(today: date) -> ColumnElement[bool]:
    """An instalment is past its due day by more than the plan bears."""
    rest = PlanInstalment.amount_minor - PlanInstalment.credited_minor - PlanInstalment.settled_minor
    missed = exists().where(
        PlanInstalment.plan_id == Plan.id,
        rest > 0,
        or_(PlanInstalment.grace_until.is_not(None), PlanInstalment.due_on + Plan.late_after_days < today),
    )
    return and_(Plan.status == S.ACTIVE, missed)


def _asked(query: Query, company_id: uuid.UUID, ask: Ask, me: uuid.UUID, today: date) -> Query:
    state = ask.get("state") if ask.get("state") in STATES else ""
    query = query.where(Plan.company_id == company_id, Plan.status.in_(STATES[state]))
    if state == "mine":
        query = query.where(Plan.assignee_id == me)
    if state == "late":
        query = query.where(_is_late(today))
    query = equal(query, ask, "debtor", Plan.debtor_id)
    query = equal(query, ask, "assignee", Plan.assignee_id)
    if not ask.q:
        return query
    return query.where(found_by(ask.q, company_id, reference=Plan.reference, debtor_id=Plan.debtor_id))


def reader(session: Session, member: Member, plan: PlanView) -> Reader:
    """Who reads what is written about a plan, and what a saved reply may speak of."""
    return replies.reader(
        session,
        member,
        plan.line.debtor_id,
        session.scalar(select(Plan.contact_id).where(Plan.id == plan.line.id)),
        reference=plan.line.reference,
        invoices=[item.number for item in plan.items],
        amount=plan.line.total,
        left=plan.line.rest,
    )


def payments_for(session: Session, plan_id: uuid.UUID) -> list[PaymentRow]:
    """What was paid, or tried, for a plan; the newest first."""
    rows = session.scalars(
        select(Payment)
        .where(Payment.attempt.startswith(contents.attempt_prefix(plan_id), autoescape=True))
        .where(Payment.debtor_id == select(Plan.debtor_id).where(Plan.id == plan_id).scalar_subquery())
        .order_by(Payment.id.desc())
        .limit(200)
    )
    return [
        PaymentRow(
            row.id,
            row.reference,
            row.means,
            row.status,
            Money(row.amount_minor, row.currency),
            row.created_at,
            row.charge_on,
        )
        for row in rows
    ]


def names(session: Session) -> dict[uuid.UUID, str]:
    """Member of staff → name."""
    return {row.id: row.name for row in session.execute(select(StaffMember.id, StaffMember.name))}


def asked_sum(session: Session, company_id: uuid.UUID) -> tuple[int, int, datetime | None]:
    """Proposals to decide: how many, how much, and since when the oldest waits."""
    row = session.execute(
        select(func.count(), func.coalesce(func.sum(Plan.total_minor), 0), func.min(Plan.created_at)).where(
            Plan.company_id == company_id, Plan.status == S.NEEDS_PERSON
        )
    ).one()
    return row[0], int(row[1]), row[2]
