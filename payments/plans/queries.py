"""Reading plans, as frozen values. What a debtor sees is asked for by debtor first (I11)."""

from __future__ import annotations

import enum
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import Text, and_, cast, exists, func, or_, select
from sqlalchemy.orm import Session

from payments.collections.eligible import find_mandate
from payments.collections.models import Collection, CollectionState
from payments.models import Mandate, Means, Payment, PaymentAllocation
from payments.plans import rules
from payments.plans.models import (
    Plan,
    PlanConsent,
    PlanInstalment,
    PlanItem,
    PlanOrigin,
    PlanPolicy,
    PlanTransition,
)
from payments.plans.rules import Answer, Due, Limit, Policy, Terms
from payments.plans.status import FOLLOWED, FREEZES, PlanStatus
from payments.status import IN_FLIGHT, PaymentStatus
from shared.company.models import Company
from shared.debtors.models import Debtor, DebtorKind
from shared.invoices.models import Freeze, FreezeKind, Invoice, InvoiceKind
from shared.invoices.service import left_to_freeze
from shared.kit import clock
from shared.kit.errors import NotFound
from shared.kit.money import Money
from shared.kit.words import gettext as _
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


@dataclass(frozen=True, slots=True)
class Statistics:
    """How plans of a company did that were accepted in a period."""

    accepted: int
    completed: int
    defaulted: int
    """Of the accepted ones: that came to a default at least once."""
    answered_at_once: int
    """Of those proposed by debtors in the period: answered by the policy."""
    proposed: int
    under_plan: Money
    """What is left to pay by live plans now."""

    @property
    def default_rate(self) -> float:
        return self.defaulted / self.accepted if self.accepted else 0.0


# Before a plan -----------------------------------------------------------------------------------------------------------


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
    return Preview(Money(total, debtor.currency), answer, terms, schedule_or_none(total, terms), rules.score(facts))


def schedule_or_none(total_minor: int, terms: Terms) -> tuple[Due, ...]:
    """The schedule of terms; empty when they make none."""
    try:
        return tuple(rules.schedule(total_minor, terms))
    except ValueError:
        return ()


def facts_of(session: Session, debtor: Debtor) -> rules.Facts:
    """What the policy looks at. A past counts for twelve months: defaults, and debits that came back."""
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
    )
    return rules.Facts(
        today=today_of(session, debtor.company_id),
        live_plans=int(live or 0),
        has_mandate=mandate_of(session, debtor.id) is not None,
        broken_plans=int(broken or 0),
        broken_promises=record_of(session, debtor.id, today=today_of(session, debtor.company_id)).broken,
        returned_debits=int(returned or 0),
    )


def mandate_of(session: Session, debtor_id: uuid.UUID) -> Mandate | None:
    """The mandate under which instalments would be debited."""
    return find_mandate(session, debtor_id)


def today_of(session: Session, company_id: uuid.UUID) -> date:
    """The legal day of a company."""
    return clock.today(session.get_one(Company, company_id).zone)


# Plans -------------------------------------------------------------------------------------------------------------------


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
    found = session.scalars(select(Plan).where(Plan.id.in_(plan_ids))).all()
    return {line.id: line for line in _lines(session, found)}


def events_of(session: Session, debtor_id: uuid.UUID, *, limit: int = 200) -> list[Event]:
    """Every step of a debtor's plans, the newest first."""
    rows = session.execute(
        select(PlanTransition, Plan)
        .join(Plan, Plan.id == PlanTransition.plan_id)
        .where(Plan.debtor_id == debtor_id, PlanTransition.after != S.PROPOSED)
        .order_by(PlanTransition.id.desc())
        .limit(limit)
    )
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


def statistics(session: Session, company_id: uuid.UUID, *, since: datetime, currency: str = "EUR") -> Statistics:
    """How a company's plans did that were accepted since a moment, and how many proposals the policy answered."""
    accepted = and_(Plan.company_id == company_id, Plan.accepted_at >= since)
    defaulted = exists().where(PlanTransition.plan_id == Plan.id, PlanTransition.after == S.IN_DEFAULT)
    row = session.execute(
        select(
            func.count().label("accepted"),
            func.count().filter(Plan.status == S.COMPLETED).label("completed"),
            func.count().filter(defaulted).label("defaulted"),
        )
        .select_from(Plan)
        .where(accepted)
    ).one()
    asked = exists().where(PlanTransition.plan_id == Plan.id, PlanTransition.after == S.NEEDS_PERSON)
    wished = session.execute(
        select(func.count().label("all"), func.count().filter(~asked).label("at_once"))
        .select_from(Plan)
        .where(Plan.company_id == company_id, Plan.created_at >= since, Plan.origin == PlanOrigin.DEBTOR)
    ).one()
    left = session.scalar(
        select(func.coalesce(func.sum(_REST), 0))
        .select_from(PlanInstalment)
        .join(Plan, Plan.id == PlanInstalment.plan_id)
        .where(Plan.company_id == company_id, Plan.status.in_(FREEZES), Plan.currency == currency)
    )
    return Statistics(
        accepted=row.accepted,
        completed=row.completed,
        defaulted=row.defaulted,
        answered_at_once=wished.at_once,
        proposed=wished.all,
        under_plan=Money(int(left or 0), currency),
    )


# What the verbs read -----------------------------------------------------------------------------------------------------

_REST = PlanInstalment.amount_minor - PlanInstalment.credited_minor - PlanInstalment.settled_minor


def items_of(session: Session, plan_id: uuid.UUID) -> Sequence[PlanItem]:
    """A plan's invoices in the order in which it settles them."""
    return session.scalars(select(PlanItem).where(PlanItem.plan_id == plan_id).order_by(PlanItem.position)).all()


def instalments_of(session: Session, plan_id: uuid.UUID) -> Sequence[PlanInstalment]:
    """A plan's instalments in order."""
    return session.scalars(
        select(PlanInstalment).where(PlanInstalment.plan_id == plan_id).order_by(PlanInstalment.position)
    ).all()


def frozen_by(session: Session, plan_id: uuid.UUID | None) -> dict[uuid.UUID, int]:
    """Invoice → what a plan freezes of it now."""
    rows = session.execute(
        select(Freeze.invoice_id, Freeze.amount_minor).where(Freeze.subject_id == plan_id, Freeze.lifted_at.is_(None))
    )
    return {row.invoice_id: row.amount_minor for row in rows}


def attempt_prefix(plan_id: uuid.UUID) -> str:
    """What the attempt of every payment begins with that is meant for a plan."""
    return f"plan:{plan_id}:"


def under_way(session: Session, plan_id: uuid.UUID) -> dict[uuid.UUID, int]:
    """Invoice → what payments in flight that are meant for this plan hold of it."""
    return under_way_of(session, [plan_id]).get(plan_id, {})


def under_way_of(session: Session, plan_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, dict[uuid.UUID, int]]:
    """The same for several plans: plan → invoice → minor units."""
    prefix = func.concat("plan:", cast(PlanItem.plan_id, Text), ":")
    rows = session.execute(
        select(PlanItem.plan_id, PlanItem.invoice_id, func.sum(PaymentAllocation.amount_minor).label("minor"))
        .join(PaymentAllocation, PaymentAllocation.invoice_id == PlanItem.invoice_id)
        .join(Payment, Payment.id == PaymentAllocation.payment_id)
        .where(PlanItem.plan_id.in_(plan_ids), Payment.status.in_(IN_FLIGHT))
        .where(func.starts_with(Payment.attempt, prefix))
        .group_by(PlanItem.plan_id, PlanItem.invoice_id)
    )
    found: dict[uuid.UUID, dict[uuid.UUID, int]] = {}
    for row in rows:
        found.setdefault(row.plan_id, {})[row.invoice_id] = int(row.minor)
    return found


def debit_days(session: Session, instalment_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, date]:
    """Instalment → the day of its announced debit."""
    rows = session.execute(
        select(Collection.instalment_id, Collection.charge_on).where(
            Collection.instalment_id.in_(list(instalment_ids)), Collection.state == CollectionState.ANNOUNCED
        )
    )
    return {row.instalment_id: row.charge_on for row in rows}


def tried(session: Session, instalment_ids: Iterable[uuid.UUID]) -> set[uuid.UUID]:
    """Instalments of which a debit came to nothing."""
    ended = (PaymentStatus.FAILED, PaymentStatus.CANCELLED, PaymentStatus.EXPIRED, PaymentStatus.CHARGED_BACK)
    rows = session.scalars(
        select(Collection.instalment_id)
        .join(Payment, Payment.id == Collection.payment_id)
        .where(Collection.instalment_id.in_(list(instalment_ids)), Payment.status.in_(ended))
    )
    return {identity for identity in rows if identity}


# Pieces ------------------------------------------------------------------------------------------------------------------


def _lines(session: Session, plans: Sequence[Plan]) -> list[PlanLine]:
    ids = [plan.id for plan in plans]
    names = {
        row.id: row.name
        for row in session.execute(
            select(Debtor.id, Debtor.name).where(Debtor.id.in_({plan.debtor_id for plan in plans}))
        )
    }
    parts: dict[uuid.UUID, list[PlanInstalment]] = {identity: [] for identity in ids}
    for row in session.scalars(
        select(PlanInstalment).where(PlanInstalment.plan_id.in_(ids)).order_by(PlanInstalment.position)
    ):
        parts[row.plan_id].append(row)
    flight = {identity: sum(each.values()) for identity, each in under_way_of(session, ids).items()}
    return [
        _line(
            plan,
            names[plan.debtor_id],
            parts[plan.id],
            moving=flight.get(plan.id, 0),
            today=today_of(session, plan.company_id),
        )
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
        count = len(schedule_or_none(plan.total_minor, terms))
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
        days=schedule_or_none(plan.total_minor, terms or wish),
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


def followed(session: Session, debtor_id: uuid.UUID, invoice_ids: Iterable[uuid.UUID] | None = None) -> list[uuid.UUID]:
    """Plans of a debtor (with one of these invoices) that count what is paid."""
    query = select(Plan.id).where(Plan.debtor_id == debtor_id, Plan.status.in_(FOLLOWED)).order_by(Plan.id)
    if invoice_ids is not None:
        query = query.where(exists().where(PlanItem.plan_id == Plan.id, PlanItem.invoice_id.in_(list(invoice_ids))))
    return list(session.scalars(query))


def debtors_with_plans(session: Session, *, today: date) -> list[uuid.UUID]:
    """Debtors whose plans may ask for something today: those that run, and offers that have ended."""
    return list(
        session.scalars(
            select(Plan.debtor_id)
            .where(
                or_(
                    Plan.status.in_((S.ACTIVE, S.PAUSED, S.IN_DEFAULT)),
                    and_(Plan.status == S.OFFERED, Plan.offer_expires_on < today),
                )
            )
            .distinct()
            .order_by(Plan.debtor_id)
        )
    )
