"""Reading plans, as frozen values. What a debtor sees is asked for by debtor first (I11)."""

from __future__ import annotations

import enum
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from payments.plans import rules
from payments.plans.contents import debit_days, frozen_by, instalments_of, under_way, under_way_of
from payments.plans.models import Plan, PlanConsent, PlanInstalment, PlanItem, PlanOrigin, PlanTransition
from payments.plans.rules import Due, Limit, Terms
from payments.plans.status import FOLLOWED, FREEZES, PlanStatus
from shared.company.queries import today_of
from shared.debtors import affairs
from shared.debtors.models import Debtor
from shared.invoices.models import Invoice
from shared.kit.db import among
from shared.kit.errors import NotFound
from shared.kit.money import Money
from shared.kit.words import gettext as _

S = PlanStatus


class InstalmentState(enum.Enum):
    """Where an instalment stands, in the debtor's words."""

    COMING = "coming"
    DUE = "due"
    """Due today or a few days ago, not missed yet."""
    UNDER_WAY = "under_way"
    """A payment is on its way for all that is left of it."""
    LATE = "late"
    SETTLED = "settled"
    VOID = "void"
    """The plan ended before it was paid."""


@dataclass(frozen=True, slots=True)
class InstalmentLine:
    """One instalment of a plan."""

    id: uuid.UUID
    position: int
    due_on: date
    charge_on: date | None
    """The day of its announced debit; None when it is paid otherwise."""
    money: Money
    credited: Money
    settled: Money
    under_way: Money
    rest: Money
    """What is left to pay of it, what is under way included."""
    state: InstalmentState
    settled_on: date | None
    grace_until: date | None


@dataclass(frozen=True, slots=True)
class ItemLine:
    """An invoice of a plan, in the order in which the plan settles them."""

    invoice_id: uuid.UUID
    number: str
    due_on: date
    covered: Money
    rest: Money
    """What of it the plan still has to settle (what is frozen)."""


@dataclass(frozen=True, slots=True)
class StepLine:
    """One step of a plan."""

    at: datetime
    before: PlanStatus | None
    after: PlanStatus
    actor_kind: str
    actor_name: str
    cause: str


@dataclass(frozen=True, slots=True)
class PlanLine:
    """One plan in a list."""

    id: uuid.UUID
    reference: str
    debtor_id: uuid.UUID
    debtor_name: str
    status: PlanStatus
    origin: PlanOrigin
    total: Money
    rest: Money
    """What is left to pay by it (the whole before it is accepted)."""
    instalment_count: int
    settled_count: int
    next_on: date | None
    next: Money | None
    late: Money
    """What of it is past its due day and not under way."""
    by_mandate: bool
    assignee_id: uuid.UUID | None
    offer_expires_on: date | None
    created_at: datetime
    accepted_at: datetime | None


@dataclass(frozen=True, slots=True)
class ConsentLine:
    """Who acknowledged the debt, when and from where."""

    at: datetime
    name: str
    email: str
    address: str
    user_agent: str
    text_version: str
    language: str
    clause: str
    facts_sha256: str


@dataclass(frozen=True, slots=True)
class PlanView:
    """One plan with all that belongs to it."""

    line: PlanLine
    wish: Terms
    terms: Terms | None
    """Offered or agreed."""
    reasons: tuple[Limit, ...]
    message: str
    answer: str
    days: tuple[Due, ...]
    """The schedule of what is offered (of the wish when nothing is), before acceptance; then see `instalments`."""
    instalments: tuple[InstalmentLine, ...]
    items: tuple[ItemLine, ...]
    steps: tuple[StepLine, ...]
    consent: ConsentLine | None
    grace_days: int
    replaces_id: uuid.UUID | None
    end_reason: str

    @property
    def is_counter_offer(self) -> bool:
        return self.terms is not None and self.terms != self.wish

    @property
    def is_answered_by_person(self) -> bool:
        """Whether staff answered it: then what the policy objected to is no answer any more."""
        return any(step.actor_kind == "staff" for step in self.steps)

    @property
    def due(self) -> Money:
        """What may be paid now of the instalments due up to today; see `progress.payable`."""
        due = [line for line in self.instalments if line.state in (InstalmentState.DUE, InstalmentState.LATE)]
        return sum((line.rest - line.under_way for line in due), Money.zero(self.line.total.currency))


@dataclass(frozen=True, slots=True)
class Event:
    """One line of a debtor's story."""

    at: datetime
    plan_id: uuid.UUID
    reference: str
    before: PlanStatus | None
    after: PlanStatus
    money: Money
    actor_kind: str
    actor_name: str
    cause: str


# Plans -----------------------------------------------------------------------------------------------------------------


def plans_of(session: Session, debtor_id: uuid.UUID, *, limit: int = 50) -> list[PlanLine]:
    """A debtor's plans, the newest first."""
    return _lines(
        session,
        session.scalars(select(Plan).where(Plan.debtor_id == debtor_id).order_by(Plan.id.desc()).limit(limit)).all(),
    )


def live_plan_of(session: Session, debtor_id: uuid.UUID) -> PlanLine | None:
    """What a quiet card says: the plan that runs, else the offer that waits, else the proposal under review."""
    rank = (S.ACTIVE, S.IN_DEFAULT, S.PAUSED, S.OFFERED, S.NEEDS_PERSON)
    found = session.scalars(select(Plan).where(Plan.debtor_id == debtor_id, Plan.status.in_(rank))).all()
    lines = _lines(session, found)
    return min(lines, key=lambda line: (rank.index(line.status), -line.created_at.timestamp()), default=None)


def plan_of(session: Session, debtor_id: uuid.UUID, plan_id: uuid.UUID) -> PlanView:
    """One plan of this debtor (the portal's question); raises NotFound for another's."""
    plan = session.scalar(select(Plan).where(Plan.id == plan_id, Plan.debtor_id == debtor_id))
    return _view(session, plan)


def get_plan(session: Session, company_id: uuid.UUID, plan_id: uuid.UUID) -> PlanView:
    """One plan of this company (the back-office's question); raises NotFound for another's."""
    plan = session.scalar(select(Plan).where(Plan.id == plan_id, Plan.company_id == company_id))
    return _view(session, plan)


def lines_by_id(session: Session, plan_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, PlanLine]:
    """Lines for a page of ids (a queue that is filtered and paged elsewhere)."""
    found = session.scalars(select(Plan).where(among(Plan.id, plan_ids))).all()
    return {line.id: line for line in _lines(session, found)}


def events_of(session: Session, debtor_id: uuid.UUID, *, limit: int = 200) -> list[Event]:
    """Every step of a debtor's plans, the newest first."""
    on, seen = Plan.id == PlanTransition.plan_id, PlanTransition.after != S.PROPOSED
    rows = affairs.latest_steps(session, PlanTransition, Plan, on, debtor_id, seen, limit=limit)
    return [
        Event(
            step.at,
            plan.id,
            plan.reference,
            step.before,
            step.after,
            Money(plan.total_minor, plan.currency),
            step.actor_kind,
            step.actor_name,
            step.cause,
        )
        for step, plan in rows
    ]


def plans_on_invoice(session: Session, debtor_id: uuid.UUID, invoice_id: uuid.UUID) -> list[PlanLine]:
    """The plans that an invoice of this debtor was or is part of, the newest first (the invoice's story)."""
    found = session.scalars(
        select(Plan)
        .join(PlanItem, PlanItem.plan_id == Plan.id)
        .where(Plan.debtor_id == debtor_id, PlanItem.invoice_id == invoice_id, Plan.accepted_at.is_not(None))
        .order_by(Plan.id.desc())
    ).all()
    return _lines(session, found)


# Pieces ----------------------------------------------------------------------------------------------------------------


def _lines(session: Session, plans: Sequence[Plan]) -> list[PlanLine]:
    ids = [plan.id for plan in plans]
    names = {
        row.id: row.name
        for row in session.execute(
            select(Debtor.id, Debtor.name).where(among(Debtor.id, {plan.debtor_id for plan in plans}))
        )
    }
    parts: dict[uuid.UUID, list[PlanInstalment]] = {identity: [] for identity in ids}
    for row in session.scalars(
        select(PlanInstalment).where(among(PlanInstalment.plan_id, ids)).order_by(PlanInstalment.position)
    ):
        parts[row.plan_id].append(row)
    flight = {identity: sum(each.values()) for identity, each in under_way_of(session, ids).items()}
    days = {company_id: today_of(session, company_id) for company_id in {plan.company_id for plan in plans}}
    return [
        _line(plan, names[plan.debtor_id], parts[plan.id], moving=flight.get(plan.id, 0), today=days[plan.company_id])
        for plan in plans
    ]


def _line(plan: Plan, debtor_name: str, parts: Sequence[PlanInstalment], *, moving: int, today: date) -> PlanLine:

    def money(minor: int) -> Money:
        return Money(minor, plan.currency)

    is_live = plan.status in FREEZES | {S.IN_DEFAULT}
    open_parts = [part for part in parts if part.rest_minor]
    late = sum(part.rest_minor for part in open_parts if part.due_on < today)
    following = open_parts[0] if open_parts and plan.status in FREEZES else None
    count = len(parts)
    if not parts:
        terms = rules.terms_from_json(plan.terms or plan.wish)
        count = len(rules.schedule_or_none(plan.total_minor, terms))
    return PlanLine(
        id=plan.id,
        reference=plan.reference,
        debtor_id=plan.debtor_id,
        debtor_name=debtor_name,
        status=plan.status,
        origin=plan.origin,
        total=money(plan.total_minor),
        rest=money(sum(part.rest_minor for part in parts) if parts else plan.total_minor),
        instalment_count=count,
        settled_count=sum(1 for part in parts if not part.rest_minor),
        next_on=following.due_on if following else None,
        next=money(following.rest_minor) if following else None,
        late=money(max(0, late - moving) if is_live else 0),
        by_mandate=plan.by_mandate,
        assignee_id=plan.assignee_id,
        offer_expires_on=plan.offer_expires_on if plan.status is S.OFFERED else None,
        created_at=plan.created_at,
        accepted_at=plan.accepted_at,
    )


def _view(session: Session, plan: Plan | None) -> PlanView:
    if plan is None:
        raise NotFound("plan.missing", _("There is no such plan."))
    (line,) = _lines(session, [plan])
    wish = rules.terms_from_json(plan.wish)
    terms = rules.terms_from_json(plan.terms) if plan.terms else None
    consent = session.scalar(select(PlanConsent).where(PlanConsent.plan_id == plan.id))
    steps = session.scalars(
        select(PlanTransition).where(PlanTransition.plan_id == plan.id).order_by(PlanTransition.step)
    )
    return PlanView(
        line=line,
        wish=wish,
        terms=terms,
        reasons=tuple(Limit(reason) for reason in plan.reasons),
        message=plan.message,
        answer=plan.answer,
        days=rules.schedule_or_none(plan.total_minor, terms or wish),
        instalments=tuple(_instalment_lines(session, plan)),
        items=tuple(_item_lines(session, plan)),
        steps=tuple(
            StepLine(row.at, row.before, row.after, row.actor_kind, row.actor_name, row.cause) for row in steps
        ),
        consent=_consent_line(consent),
        grace_days=plan.grace_days,
        replaces_id=plan.replaces_id,
        end_reason=plan.end_reason,
    )


def _consent_line(consent: PlanConsent | None) -> ConsentLine | None:
    if consent is None:
        return None
    return ConsentLine(
        at=consent.accepted_at,
        name=consent.name,
        email=consent.email,
        address=consent.address,
        user_agent=consent.user_agent,
        text_version=consent.text_version,
        language=consent.language,
        clause=consent.clause,
        facts_sha256=consent.facts_sha256,
    )


def _instalment_lines(session: Session, plan: Plan) -> list[InstalmentLine]:
    today = today_of(session, plan.company_id)
    rows = instalments_of(session, plan.id)
    days = debit_days(session, [row.id for row in rows])
    flight = sum(under_way(session, plan.id).values()) if plan.status in FOLLOWED else 0
    made = []
    for row in rows:
        moving = min(flight, row.rest_minor)
        flight -= moving
        made.append(_instalment_line(plan, row, moving, days.get(row.id), today))
    return made


def _instalment_line(
    plan: Plan, row: PlanInstalment, moving: int, charge_on: date | None, today: date
) -> InstalmentLine:
    def money(minor: int) -> Money:
        return Money(minor, plan.currency)

    return InstalmentLine(
        id=row.id,
        position=row.position,
        due_on=row.due_on,
        charge_on=charge_on,
        money=money(row.amount_minor),
        credited=money(row.credited_minor),
        settled=money(row.settled_minor),
        under_way=money(moving),
        rest=money(row.rest_minor),
        state=_state(plan, row, moving, charge_on, today),
        settled_on=row.settled_on,
        grace_until=row.grace_until,
    )


def _state(plan: Plan, row: PlanInstalment, moving: int, charge_on: date | None, today: date) -> InstalmentState:
    if not row.rest_minor:
        return InstalmentState.SETTLED
    if plan.status is S.CANCELLED:
        return InstalmentState.VOID
    if moving == row.rest_minor:
        return InstalmentState.UNDER_WAY
    if plan.status is S.IN_DEFAULT or row.grace_until is not None:
        return InstalmentState.LATE
    if row.due_on > today:
        return InstalmentState.COMING
    waits = charge_on is not None and charge_on >= today
    return InstalmentState.LATE if today > row.due_on and not waits else InstalmentState.DUE


def _item_lines(session: Session, plan: Plan) -> list[ItemLine]:
    frozen = frozen_by(session, plan.id)
    rows = session.execute(
        select(PlanItem, Invoice.number, Invoice.due_on)
        .join(Invoice, Invoice.id == PlanItem.invoice_id)
        .where(PlanItem.plan_id == plan.id)
        .order_by(PlanItem.position)
    )
    return [
        ItemLine(
            item.invoice_id,
            number,
            due_on,
            Money(item.covered_minor, plan.currency),
            Money(frozen.get(item.invoice_id, 0) if plan.accepted_at else item.covered_minor, plan.currency),
        )
        for item, number, due_on in rows
    ]
