"""The one writer of a plan's status, and what its other verbs share: the lock, the audit line, the news.

The debtor is locked first (the lock order of the house: debtor, invoices by id, payments).
"""

from __future__ import annotations

import uuid

from sqlalchemy.orm import Session

from payments.plans.models import Plan, PlanTransition
from payments.plans.status import PlanStatus, plan_topic
from shared.debtors import affairs
from shared.debtors.models import Debtor
from shared.kit import clock, steps
from shared.kit.actors import Actor
from shared.kit.errors import Conflict, NotFound
from shared.kit.words import gettext as _

S = PlanStatus
BY = Actor.system("plans")


def lock_plan(session: Session, plan_id: uuid.UUID) -> tuple[Plan, Debtor]:
    """The plan, locked and read anew, after its debtor. Raises NotFound("plan.missing")."""
    plan = affairs.lock(session, Plan, plan_id, NotFound("plan.missing", _("There is no such plan.")))
    return plan, session.get_one(Debtor, plan.debtor_id)


def advance(session: Session, plan_id: uuid.UUID, to: PlanStatus, *, by: Actor, cause: str = "") -> bool:
    """Take one step of the table; True when it was taken, False when the plan already stands there.

    Writes the transition and the audit line and publishes the edge's topic. Money is frozen and lifted by the verbs that
    call it, in the same transaction. Raises Conflict("plan.no_such_step").
    """
    plan, _debtor = lock_plan(session, plan_id)
    before = plan.status
    topic = plan_topic(before, to)
    if topic is None:
        if before is to:
            return False
        raise Conflict(
            "plan.no_such_step",
            _("This plan has moved on meanwhile. Please look again."),
            before=before.value,
            after=to.value,
        )
    now = clock.now()
    plan.status = to
    if to is S.IN_DEFAULT:
        plan.defaulted_at = now
    plan.completed_at = now if to is S.COMPLETED else None
    plan.ended_at = now if to in {S.CANCELLED, S.DECLINED, S.EXPIRED, S.COMPLETED} else None
    plan.end_reason = cause if plan.ended_at else ""
    step = write_step(session, plan, before, by=by, cause=cause)
    publish(session, plan, topic, by=by, dedupe_key=f"{plan.id}:{step}")
    session.flush()
    return True


def write_step(session: Session, plan: Plan, before: PlanStatus | None, *, by: Actor, cause: str) -> int:
    """Add the transition and its audit line; gives its number."""
    row = PlanTransition(plan_id=plan.id, before=before, after=plan.status)
    step = steps.take(session, row, PlanTransition.plan_id == plan.id, by=by, cause=cause)
    affairs.record(
        session,
        plan,
        action=f"plan.{plan.status.value}",
        by=by,
        before={"status": before.value} if before else None,
        after={"status": plan.status.value, "minor": plan.total_minor, "currency": plan.currency, "cause": cause},
    )
    return step


def publish(session: Session, plan: Plan, topic: str, *, dedupe_key: str, by: Actor = BY) -> None:
    """Tell whoever listens of a plan; its steps do so by themselves."""
    affairs.publish(session, plan, topic, by=by, staff=plan.assignee_id, dedupe_key=dedupe_key)
