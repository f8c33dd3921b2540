"""What happens to a plan that runs: paused, resumed, cancelled, missed, in default. All in the caller's session."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy.orm import Session

from payments.deciding import SMALLEST_MINOR
from payments.plans import contents, mails, progress, rules
from payments.plans.models import Plan, PlanInstalment
from payments.plans.service import expire_offers
from payments.plans.status import FREEZES, PlanStatus
from payments.plans.steps import BY, advance, lock_plan, publish
from shared.company.queries import today_of
from shared.debtors import affairs
from shared.debtors.service import lock_debtor
from shared.invoices.service import lift_all
from shared.kit.actors import Actor
from shared.kit.calendars import add_target_days
from shared.kit.errors import Conflict, Invalid
from shared.kit.words import gettext as _

S = PlanStatus

FAIR_DAYS = 3
"""At least so many days has the debtor to pay himself what we were to debit, and did not."""

CONFIRMED_AFTER = 5
"""So many bank days after a debit it is known whether it held."""


def pause(session: Session, *, plan_id: uuid.UUID, reason: str, by: Actor) -> Plan:
    """Staff stop the clock: nothing is debited, missed or reminded until `resume`. The money stays frozen.

    Debits that have left for the bank go on; all others are withdrawn, or cancelled at the provider. The debtor gets `plan_paused`
    with the reason.
    """
    plan, _debtor = lock_plan(session, plan_id)
    if advance(session, plan.id, S.PAUSED, by=by, cause=reason.strip()):
        progress.withdraw_debits(session, plan, reason="plan_paused")
        mails.paused(session, plan, words=reason.strip())
    return plan


def resume(session: Session, *, plan_id: uuid.UUID, first_on: date, by: Actor) -> Plan:
    """Staff let a paused plan, or one in default, go on: what is left is due by the old rhythm from a new first day.

    After a default its rest is frozen again, all of it or nothing: when some of it is disputed or being paid meanwhile this
    raises Conflict("plan.changed"), and a new plan over what is left is the answer (`service.change`). The debtor gets
    `plan_resumed` with the new days (which announces their debits). Raises Conflict("plan.no_such_step"),
    Invalid("plan.first_day") for a day in the past, Conflict("plan.nothing_left").
    """
    plan, _debtor = lock_plan(session, plan_id)
    if plan.status not in {S.PAUSED, S.IN_DEFAULT} or plan.terms is None:
        raise Conflict("plan.no_such_step", _("This plan has moved on meanwhile. Please look again."))
    if first_on < today_of(session, plan.company_id):
        raise Invalid("plan.first_day", _("The first instalment lies in the past."))
    if plan.status is S.IN_DEFAULT and not progress.is_free(session, plan):
        raise Conflict(
            "plan.changed",
            _("Some of this money is disputed or being paid meanwhile. Offer a new plan over what is left instead."),
        )
    advance(session, plan.id, S.ACTIVE, by=by)
    progress.refresh(session, plan.id, by=by)
    rows = [row for row in contents.instalments_of(session, plan.id) if row.rest_minor]
    if not rows:
        raise Conflict("plan.nothing_left", _("Nothing is left to pay by instalments."))
    rhythm = rules.terms_from_json(plan.terms).rhythm
    before = {str(row.position): row.due_on.isoformat() for row in rows}
    for row, day in zip(rows, rules.due_days(first_on, rhythm, len(rows)), strict=True):
        row.due_on, row.grace_until = day, None
    session.flush()
    after = {str(row.position): row.due_on.isoformat() for row in rows}
    affairs.record(session, plan, action="plan.rescheduled", by=by, before=before, after=after)
    progress.withdraw_debits(session, plan, reason="plan_rescheduled")
    mandate = contents.mandate_of(session, plan.debtor_id)
    progress.announce_debits(session, plan, mandate, by_mail="plan_resumed")
    mails.resumed(session, plan)
    return plan


def cancel(session: Session, *, plan_id: uuid.UUID, reason: str, by: Actor) -> Plan:
    """Staff end a plan that runs, rests or is in default.

    Its money is free, its announced debits are withdrawn, and the invoices are due by their own days again. The debtor gets
    `plan_cancelled` with the reason.
    """
    plan, _debtor = lock_plan(session, plan_id)
    if plan.status not in FREEZES | {S.IN_DEFAULT}:
        raise Conflict("plan.no_such_step", _("This plan has moved on meanwhile. Please look again."))
    end(session, plan, to=S.CANCELLED, by=by, cause=reason.strip())
    mails.cancelled(session, plan, words=reason.strip())
    return plan


def end(session: Session, plan: Plan, *, to: PlanStatus, by: Actor, cause: str) -> None:
    """End a plan that runs: its money is free and its debits are withdrawn, in this commit."""
    advance(session, plan.id, to, by=by, cause=cause)
    lift_all(session, subject_id=plan.id, by=by)
    progress.withdraw_debits(session, plan, reason=f"plan_{to.value}")


def put_in_default(session: Session, *, plan_id: uuid.UUID, by: Actor = BY, cause: str = "missed") -> Plan:
    """The clause that was accepted: the rest falls due at once.

    Freezes and announced debits end in this commit, reminders go on where the policy says, and both sides are told (`plan_defaulted`, topic `plan.defaulted`).
    What staff give as the cause, the debtor reads.
    """
    plan, _debtor = lock_plan(session, plan_id)
    if advance(session, plan.id, S.IN_DEFAULT, by=by, cause=cause):
        lift_all(session, subject_id=plan.id, by=by)
        progress.withdraw_debits(session, plan, reason="plan_in_default")
        mails.defaulted(session, plan, words=cause.strip() if by.kind == "staff" else "")
    return plan


# The daily look (flow: `follow.py`) ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Line:
    """What was done for one plan on a day, for a report; amount in minor units."""

    plan: str
    act: str
    """expired, coming, late, waiting, defaulted, completed."""
    minor: int
    on: date | None = None


def look(session: Session, debtor_id: uuid.UUID, *, today: date) -> list[Line]:
    """What a day asks of one debtor's plans. Safe to run again: progress is derived, each message has a key of its own.

    1. Offers whose time is over end.
    2. Every plan says what the ledger says.
    3. Of plans that run: instalments that were missed are reminded together, once, with the last day to pay them; after that
       day the clause applies. Instalments that the debtor pays himself are announced a few days before. What a payment on
       its way pays is not missed, and what a further debit will ask for waits for it.
    """
    lock_debtor(session, debtor_id)
    lines = [Line(str(debtor_id), "expired", 0)] * expire_offers(session, debtor_id=debtor_id)
    for plan_id in contents.followed(session, debtor_id):
        plan = session.get_one(Plan, plan_id)
        was_completed = plan.status is S.COMPLETED
        progress.refresh(session, plan_id)
        if plan.status is S.COMPLETED and not was_completed:
            lines.append(Line(plan.reference, "completed", 0))
        if plan.status is S.ACTIVE:
            lines += _look_at(session, plan, today)
    return lines


@dataclass(frozen=True, slots=True)
class _Open:
    """An instalment with what of it is to be paid: by nobody yet, and neither disputed, on hold, contested nor refunded."""

    row: PlanInstalment
    minor: int
    debit_on: date | None
    was_tried: bool
    stopped_on: date | None
    """When we last stopped a debit of it ourselves."""


def _look_at(session: Session, plan: Plan, today: date) -> list[Line]:
    open_ = _open(session, plan)
    late = [one for one in open_ if _is_missed(plan, one, today)]
    lines = []
    if sum(one.minor for one in late) >= SMALLEST_MINOR:  # a few cents that nobody can debit are no default
        lines = _chase(session, plan, late, open_, today)
    if plan.status is S.ACTIVE and not any(line.act == "late" for line in lines):
        horizon = today + timedelta(days=plan.coming_days)
        for one in open_:
            if one.debit_on is None and today <= one.row.due_on <= horizon and mails.coming(session, plan, one.row):
                lines.append(Line(plan.reference, "coming", one.minor, one.row.due_on))
    return lines


def _open(session: Session, plan: Plan) -> list[_Open]:
    flight = sum(contents.under_way(session, plan.id).values()) + contents.contested(session, plan.id)
    flight += contents.refunded(session, plan)  # only a person asks for it again
    free = progress.free_minor(session, plan.id)
    rows = [row for row in contents.instalments_of(session, plan.id) if row.rest_minor]
    days = contents.debit_days(session, [row.id for row in rows])
    tried = contents.tried(session, [row.id for row in rows])
    stopped = contents.stopped_on(session, plan, [row.id for row in rows])
    made = []
    for row in rows:
        moving = min(flight, row.rest_minor)
        flight -= moving
        minor = min(row.rest_minor - moving, free)
        free -= minor
        if minor:
            made.append(_Open(row, minor, days.get(row.id), row.id in tried, stopped.get(row.id)))
    return made


def _is_missed(plan: Plan, one: _Open, today: date) -> bool:
    """Past its day, and neither because its debit has a later day (notice, bank holidays) nor because we stopped that.

    A debit that we stopped is announced anew, or is the debtor's to pay: then he has the days that a company gives when
    it writes that an instalment is coming, as if he had been written to on the day on which we stopped it.
    """
    waits = one.debit_on is not None and one.debit_on >= today and not one.was_tried
    fair = one.row.due_on
    if one.stopped_on is not None:
        fair = max(fair, one.stopped_on + timedelta(days=max(plan.coming_days, FAIR_DAYS)))
    return not waits and today >= fair + timedelta(days=plan.late_after_days)


def _chase(session: Session, plan: Plan, late: Sequence[_Open], open_: Sequence[_Open], today: date) -> list[Line]:
    minor = sum(one.minor for one in late)
    debits = [one.debit_on for one in open_ if one.debit_on is not None and one.row.due_on < today <= one.debit_on]
    told = [one for one in late if one.row.grace_until is not None]
    if any(one.row.grace_until < today for one in told if one.row.grace_until):
        if debits:
            return [Line(plan.reference, "waiting", minor, min(debits))]
        put_in_default(session, plan_id=plan.id)
        return [Line(plan.reference, "defaulted", minor)]
    fresh = [one for one in late if one.row.grace_until is None]
    if not fresh:
        return []
    until = max([today + timedelta(days=plan.grace_days), *(add_target_days(day, CONFIRMED_AFTER) for day in debits)])
    for one in fresh:
        one.row.grace_until = until
    session.flush()
    until = min(one.row.grace_until or until for one in late)
    mails.late(session, plan, [one.row for one in late], fresh=fresh[0].row, minor=minor, until=until)
    publish(session, plan, "plan.missed", dedupe_key=f"{plan.id}:missed:{fresh[0].row.id}:{fresh[0].row.due_on}")
    return [Line(plan.reference, "late", minor, until)]
