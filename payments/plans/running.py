"""What happens to a plan that runs: paused, resumed, cancelled, missed, in default. All in the caller's session."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date

from sqlalchemy.orm import Session

from payments.plans import mails, progress, queries, rules
from payments.plans.models import Plan
from payments.plans.service import advance, end, lock_plan, record
from payments.plans.status import FREEZES, PlanStatus
from shared.invoices.service import lift_all
from shared.kit.actors import Actor
from shared.kit.errors import Conflict, Invalid
from shared.kit.words import gettext as _

S = PlanStatus
BY = Actor.system("plans")


def pause(session: Session, *, plan_id: uuid.UUID, reason: str, by: Actor) -> Plan:
    """Staff stop the clock: nothing is debited, missed or reminded until `resume`. The money stays frozen.

    Debits that have left for the bank go on; those announced are withdrawn. The debtor gets `plan_paused`.
    """
    plan, _debtor = lock_plan(session, plan_id)
    if advance(session, plan.id, S.PAUSED, by=by, cause=reason.strip()):
        progress.withdraw_debits(session, plan, reason="plan_paused")
        mails.paused(session, plan)
    return plan


def resume(session: Session, *, plan_id: uuid.UUID, first_on: date, by: Actor) -> Plan:
    """Staff let a paused plan, or one in default, go on: what is left is due by the old rhythm from a new first day.

    After a default what is left of the invoices is frozen again; what was collected or promised otherwise meanwhile is not
    the plan's any more. The debtor gets `plan_resumed` with the new days (which announces their debits). Raises
    Conflict("plan.no_such_step"), Invalid("plan.first_day") for a day in the past, Conflict("plan.nothing_left").
    """
    plan, _debtor = lock_plan(session, plan_id)
    if plan.status not in {S.PAUSED, S.IN_DEFAULT} or plan.terms is None:
        raise Conflict("plan.no_such_step", _("This plan has moved on meanwhile. Please look again."))
    if first_on < queries.today_of(session, plan.company_id):
        raise Invalid("plan.first_day", _("The first instalment lies in the past."))
    advance(session, plan.id, S.ACTIVE, by=by)
    progress.refresh(session, plan.id, by=by)
    rows = [row for row in queries.instalments_of(session, plan.id) if row.rest_minor]
    if not rows:
        raise Conflict("plan.nothing_left", _("Nothing is left to pay by instalments."))
    rhythm = rules.terms_from_json(plan.terms).rhythm
    before = {str(row.position): row.due_on.isoformat() for row in rows}
    for row, day in zip(rows, rules.due_days(first_on, rhythm, len(rows)), strict=True):
        row.due_on, row.grace_until = day, None
    session.flush()
    after = {str(row.position): row.due_on.isoformat() for row in rows}
    record(session, plan, by, "plan.rescheduled", before=before, after=after)
    progress.withdraw_debits(session, plan, reason="plan_rescheduled")
    progress.announce_debits(session, plan, queries.mandate_of(session, plan.debtor_id))
    mails.resumed(session, plan)
    return plan


def cancel(session: Session, *, plan_id: uuid.UUID, reason: str, by: Actor) -> Plan:
    """Staff end a plan that runs, rests or is in default.

    Its money is free, its announced debits are withdrawn, and the invoices are due by their own days again. The debtor gets `plan_cancelled`.
    """
    plan, _debtor = lock_plan(session, plan_id)
    if plan.status not in FREEZES | {S.IN_DEFAULT}:
        raise Conflict("plan.no_such_step", _("This plan has moved on meanwhile. Please look again."))
    end(session, plan, to=S.CANCELLED, by=by, cause=reason.strip())
    mails.cancelled(session, plan)
    return plan


def put_in_default(session: Session, *, plan_id: uuid.UUID, by: Actor = BY, cause: str = "missed") -> Plan:
    """The clause that was accepted: the rest falls due at once.

    Freezes and announced debits end in this commit, reminders go on where the policy says, and both sides are told (`plan_defaulted`, topic `plan.defaulted`).
    """
    plan, _debtor = lock_plan(session, plan_id)
    if advance(session, plan.id, S.IN_DEFAULT, by=by, cause=cause):
        lift_all(session, subject_id=plan.id, by=by)
        progress.withdraw_debits(session, plan, reason="plan_in_default")
        mails.defaulted(session, plan)
    return plan


# The daily look ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Line:
    """What was done (or would be done) for one plan on a day, for a report."""

    reference: str
    act: str
    """coming, late, defaulted, completed, expired, waiting."""
    minor: int
    on: date | None = None
