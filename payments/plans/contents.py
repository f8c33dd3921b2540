"""What the verbs of plans read: the rows that a plan is made of, and what is frozen, under way and announced for it."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Text, and_, cast, exists, func, or_, select
from sqlalchemy.orm import Session, aliased

from payments.collections.eligible import find_mandate, was_tried
from payments.collections.models import Collection, CollectionState
from payments.collections.tell import LEFT_MARKS
from payments.models import Mandate, Payment, PaymentAllocation, PaymentTransition, Provider, Refund
from payments.plans.models import Plan, PlanInstalment, PlanItem, PlanTransition
from payments.plans.status import FOLLOWED, PlanStatus
from payments.status import COLLECTED, IN_FLIGHT, PaymentStatus, RefundStatus
from shared.company.models import Company
from shared.invoices.models import Freeze, FreezeKind
from shared.kit.db import among
from shared.ledger.models import Kind, Transfer

S = PlanStatus


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
        .where(among(PlanItem.plan_id, plan_ids), Payment.status.in_(IN_FLIGHT))
        .where(func.starts_with(Payment.attempt, prefix))
        .group_by(PlanItem.plan_id, PlanItem.invoice_id)
    )
    found: dict[uuid.UUID, dict[uuid.UUID, int]] = {}
    for row in rows:
        found.setdefault(row.plan_id, {})[row.invoice_id] = int(row.minor)
    return found


def debited_after(session: Session, plan_id: uuid.UUID, day: date) -> int:
    """What automatic debits in flight take for instalments of a plan that are due after a day, in minor units."""
    query = (
        select(func.coalesce(func.sum(Payment.amount_minor), 0))
        .join(Collection, Collection.payment_id == Payment.id)
        .join(PlanInstalment, PlanInstalment.id == Collection.instalment_id)
        .where(PlanInstalment.plan_id == plan_id, PlanInstalment.due_on > day, Payment.status.in_(IN_FLIGHT))
    )
    return int(session.scalar(query) or 0)


def contested(session: Session, plan_id: uuid.UUID) -> int:
    """What banks contest of a plan's invoices, in minor units: neither debited nor missed until their cases are closed."""
    return sum(contested_by_invoice(session, plan_id).values())


def contested_by_invoice(session: Session, plan_id: uuid.UUID) -> dict[uuid.UUID, int]:
    """Invoice of a plan → what banks contest of it, in minor units."""
    items = select(PlanItem.invoice_id).where(PlanItem.plan_id == plan_id)
    live = (Freeze.kind == FreezeKind.CHARGEBACK, Freeze.lifted_at.is_(None), Freeze.invoice_id.in_(items))
    minor = func.sum(Freeze.amount_minor).label("minor")
    rows = session.execute(select(Freeze.invoice_id, minor).where(*live).group_by(Freeze.invoice_id))
    return {row.invoice_id: int(row.minor) for row in rows}


def refunded(session: Session, plan: Plan) -> int:
    """What we gave back of a plan's payments although it stays owed, in minor units: only a person asks for it again.

    The debtor does when he pays something of the plan himself, and staff do when they let the plan go on after a pause, or
    say of the refund that it is owed after all.
    """
    since = max((at for at in (plan.accepted_at, _taken_up_at(session, plan.id)) if at is not None), default=None)
    if since is None:
        return 0
    ours = Payment.attempt.startswith(attempt_prefix(plan.id), autoescape=True)
    name = func.split_part(Transfer.provider_reference, "#", 1)
    went_back = select(func.min(Transfer.at)).where(
        Transfer.payment_id == Payment.id,
        Transfer.kind == Kind.REFUND,
        or_(name == cast(Refund.id, Text), name == Refund.provider_reference),
    )
    rows = session.execute(
        select(Refund.amount_minor, went_back.scalar_subquery().label("at"))
        .join(Payment, Payment.id == Refund.payment_id)
        .where(Payment.debtor_id == plan.debtor_id, ours, Refund.is_owed, Refund.asked_again_at.is_(None))
        .where(Refund.status.in_((RefundStatus.SUBMITTED, RefundStatus.DONE)))
    )
    back = [row for row in rows if row.at is not None and row.at >= since]
    if not back:
        return 0
    by_people = session.scalar(
        select(func.coalesce(func.sum(PaymentAllocation.amount_minor), 0))
        .join(Payment, Payment.id == PaymentAllocation.payment_id)
        .join(PlanItem, PlanItem.invoice_id == PaymentAllocation.invoice_id)
        .where(PlanItem.plan_id == plan.id, Payment.status.in_(COLLECTED))
        .where(or_(Payment.provider == Provider.HAND, ours), ~exists().where(Collection.payment_id == Payment.id))
        .where(Payment.confirmed_at > min(row.at for row in back))
    )
    return max(0, sum(int(row.amount_minor) for row in back) - int(by_people or 0))


def _taken_up_at(session: Session, plan_id: uuid.UUID) -> datetime | None:
    """When staff last let a plan go on."""
    steps = (PlanTransition.plan_id == plan_id, PlanTransition.after == S.ACTIVE, PlanTransition.actor_kind == "staff")
    return session.scalar(select(func.max(PlanTransition.at)).where(*steps))


def announced(session: Session, instalment_ids: Iterable[uuid.UUID]) -> Sequence[Collection]:
    """The announced debits of instalments, the earliest first, locked."""
    return session.scalars(
        select(Collection)
        .where(among(Collection.instalment_id, instalment_ids), Collection.state == CollectionState.ANNOUNCED)
        .order_by(Collection.charge_on, Collection.id)
        .with_for_update()
    ).all()


def debit_days(session: Session, instalment_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, date]:
    """Instalment → the day of its announced debit."""
    rows = session.execute(
        select(Collection.instalment_id, Collection.charge_on).where(
            among(Collection.instalment_id, instalment_ids), Collection.state == CollectionState.ANNOUNCED
        )
    )
    return {row.instalment_id: row.charge_on for row in rows}


def tried(session: Session, instalment_ids: Iterable[uuid.UUID]) -> set[uuid.UUID]:
    """Instalments of which a debit came to nothing. One that we stopped ourselves was no try."""
    rows = session.scalars(
        select(PlanInstalment.id)
        .where(among(PlanInstalment.id, instalment_ids))
        .where(was_tried(Collection.instalment_id == PlanInstalment.id))
    )
    return set(rows)


def stopped_on(session: Session, plan: Plan, instalment_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, date]:
    """Instalment → the day on which we last stopped a debit of it, or called its notice back: whatever for, not for its failure."""
    stopped = aliased(Payment)
    by_us = exists().where(
        PaymentTransition.payment_id == stopped.id,
        PaymentTransition.after == PaymentStatus.CANCELLED,
        PaymentTransition.actor_kind != "contact",
    )
    moment = func.coalesce(
        select(func.max(PaymentTransition.at))
        .where(
            PaymentTransition.payment_id == Collection.payment_id, PaymentTransition.after == PaymentStatus.CANCELLED
        )
        .scalar_subquery(),
        Collection.closed_at,
    )
    rows = session.execute(
        select(Collection.instalment_id, func.max(moment).label("at"))
        .outerjoin(stopped, stopped.id == Collection.payment_id)
        .where(among(Collection.instalment_id, instalment_ids))
        .where(
            or_(
                Collection.state == CollectionState.SKIPPED,
                and_(stopped.status == PaymentStatus.CANCELLED, Collection.reason.not_in(LEFT_MARKS), by_us),
            )
        )
        .group_by(Collection.instalment_id)
    )
    zone = ZoneInfo(session.get_one(Company, plan.company_id).zone)
    return {row.instalment_id: row.at.astimezone(zone).date() for row in rows if row.at is not None}


def mandate_of(session: Session, debtor_id: uuid.UUID) -> Mandate | None:
    """The mandate under which instalments would be debited."""
    return find_mandate(session, debtor_id)


def followed(session: Session, debtor_id: uuid.UUID, invoice_ids: Iterable[uuid.UUID] | None = None) -> list[uuid.UUID]:
    """Plans of a debtor (with one of these invoices) that count what is paid."""
    query = select(Plan.id).where(Plan.debtor_id == debtor_id, Plan.status.in_(FOLLOWED)).order_by(Plan.id)
    if invoice_ids is not None:
        query = query.where(exists().where(PlanItem.plan_id == Plan.id, among(PlanItem.invoice_id, invoice_ids)))
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
