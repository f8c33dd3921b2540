"""The verbs of plans until they are accepted: what a company grants, proposed, answered at once, offered, taken back.

All in the caller's session. Accepting stands in `accepting.py`; what happens to a plan that runs in `progress.py` (money) and
`running.py` (staff acts, default); the one writer of a status in `steps.py`.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import fields
from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from payments.plans import contents, mails, proposals, rules
from payments.plans.models import Plan, PlanItem, PlanOrigin, PlanPolicy
from payments.plans.rules import NeedsPerson, Policy, Refused, Terms
from payments.plans.status import FREEZES, UNANSWERED, PlanStatus
from payments.plans.steps import advance, lock_plan, write_step
from shared.company.queries import today_of
from shared.debtors import affairs
from shared.debtors.models import Debtor, DebtorKind
from shared.debtors.service import lock_account, lock_debtor, pause_reminders
from shared.kit import audit, clock, ids
from shared.kit.actors import Actor
from shared.kit.errors import Conflict, Invalid
from shared.kit.words import gettext as _

S = PlanStatus


# The policy --------------------------------------------------------------------------------------------------------------


def set_policy(session: Session, *, company_id: uuid.UUID, kind: DebtorKind, policy: Policy, by: Actor) -> None:
    """Let a company grant something else to debtors of a kind. Agreements that stand are not touched.

    Raises Invalid("plan.policy") for values that cannot be.
    """
    sane = (
        0 <= policy.share_up_front <= 90
        and 1 <= policy.longest_months <= 60
        and policy.smallest_instalment_minor > 0
        and policy.largest_total_minor >= 0
        and 0 <= policy.minimum_score <= 100
        and policy.most_live > 0
        and 1 <= policy.grace_days <= 60
        and 1 <= policy.late_after_days <= 30
        and 1 <= policy.offer_days <= 60
        and min(policy.first_within_days, policy.coming_days, policy.pause_days) >= 0
    )
    if not sane:
        raise Invalid("plan.policy", _("One of these values is out of its range."))
    row = session.scalar(
        select(PlanPolicy).where(PlanPolicy.company_id == company_id, PlanPolicy.kind == kind).with_for_update()
    )
    before = proposals.policy_of(session, company_id, kind)
    if row is None:
        row = PlanPolicy(id=ids.new_id(), company_id=company_id, kind=kind)
        session.add(row)
    for field in fields(policy):
        setattr(row, field.name, getattr(policy, field.name))
    row.changed_at = clock.now()
    session.flush()
    audit.record(
        session,
        by,
        "plan_policy.set",
        subject_type="company",
        subject_id=company_id,
        company_id=company_id,
        before=_policy_json(before),
        after={"kind": kind.value, **_policy_json(policy)},
    )


def _policy_json(policy: Policy) -> dict[str, Any]:
    values = {field.name: getattr(policy, field.name) for field in fields(policy)}
    return values | {"resumes_at": policy.resumes_at.value}


# Proposing and answering -------------------------------------------------------------------------------------------------


def propose(
    session: Session,
    *,
    debtor_id: uuid.UUID,
    contact_id: uuid.UUID | None,
    invoice_ids: Sequence[uuid.UUID] | None,
    wish: Terms,
    message: str,
    attempt: str,
    by: Actor,
) -> Plan:
    """A debtor proposes a plan over these invoices (None: all), on what is left of them; the policy answers at once.

    Gives the plan, whose status is the answer: OFFERED (the wish itself, or a counter-offer when `reasons` is not empty),
    NEEDS_PERSON, or DECLINED with `reasons`. Earlier proposals of his that nobody has answered or accepted are taken back,
    unless this one is refused. Nothing is frozen before acceptance; while a person thinks, reminders rest for the policy's
    few days. The same `attempt` gives the plan that is there. Raises Conflict("plan.nothing_left").
    """
    debtor = lock_account(session, debtor_id)
    known = _known(session, attempt, debtor_id)
    if known is not None:
        return known
    policy = proposals.policy_of(session, debtor.company_id, debtor.kind)
    plan = _write(session, debtor, invoice_ids, wish, attempt=attempt, by=by)
    plan.contact_id, plan.message = contact_id, message.strip()
    answer = rules.decide(policy, plan.total_minor, wish, proposals.facts_of(session, debtor))
    plan.reasons = [reason.value for reason in answer.reasons]
    if isinstance(answer, Refused):
        advance(session, plan.id, S.DECLINED, by=Actor.system("policy"), cause=answer.reason.value)
        return plan
    _supersede(session, plan, by=by)
    if isinstance(answer, NeedsPerson):
        _ask(session, plan, policy, by=by)
    else:
        _stand_by(session, plan, answer.terms, policy, days=policy.offer_days)
        advance(session, plan.id, S.OFFERED, by=Actor.system("policy"))
    return plan


def ask_person(session: Session, *, plan_id: uuid.UUID, message: str = "", by: Actor) -> Plan:
    """The debtor prefers that a person looks at his own terms rather than take the counter-offer. Raises Conflict."""
    plan, debtor = lock_plan(session, plan_id)
    plan.message = message.strip() or plan.message
    plan.terms, plan.offered_at, plan.offer_expires_on = None, None, None
    _ask(session, plan, proposals.policy_of(session, debtor.company_id, debtor.kind), by=by)
    return plan


def offer(
    session: Session, *, plan_id: uuid.UUID, terms: Terms, answer: str = "", days: int | None = None, by: Actor
) -> Plan:
    """Staff offer terms for a plan that waits for them (or other terms than those offered); they bind no policy.

    The debtor gets `plan_offered`. `days`: how long the offer stands. Raises Invalid("plan.terms") for terms that do not
    make a schedule, Conflict for a plan that is settled already.
    """
    plan, debtor = lock_plan(session, plan_id)
    if plan.status not in UNANSWERED:
        raise Conflict("plan.no_such_step", _("This plan is no longer being discussed."))
    _check_terms(session, plan, terms)
    policy = proposals.policy_of(session, debtor.company_id, debtor.kind)
    plan.answer = answer.strip()
    _stand_by(session, plan, terms, policy, days=days or policy.offer_days)
    advance(session, plan.id, S.OFFERED, by=by)
    mails.offered(session, plan)
    return plan


def propose_by_staff(
    session: Session,
    *,
    debtor_id: uuid.UUID,
    invoice_ids: Sequence[uuid.UUID] | None,
    terms: Terms,
    answer: str,
    attempt: str,
    days: int | None = None,
    by: Actor,
) -> Plan:
    """Staff offer a plan by themselves; the debtor gets `plan_offered` and accepts it in the portal.

    The same `attempt` gives the plan that is there. Raises Conflict("plan.nothing_left"), Invalid("plan.terms").
    """
    debtor = lock_account(session, debtor_id)
    known = _known(session, attempt, debtor_id)
    if known is not None:
        return known
    plan = _write(session, debtor, invoice_ids, terms, attempt=attempt, by=by)
    plan.origin, plan.assignee_id = PlanOrigin.STAFF, by.id
    _supersede(session, plan, by=by)
    return offer(session, plan_id=plan.id, terms=terms, answer=answer, days=days, by=by)


def change(
    session: Session,
    *,
    plan_id: uuid.UUID,
    terms: Terms,
    answer: str,
    attempt: str,
    days: int | None = None,
    by: Actor,
) -> Plan:
    """Staff offer a new schedule on what is left of a plan that runs, rests or is in default.

    It is a plan of its own: when the debtor accepts it, the old one ends in the same commit and its money is frozen anew.
    Until then the old one goes on. Gives the new plan (OFFERED).
    """
    old, debtor = lock_plan(session, plan_id)
    known = _known(session, attempt, debtor.id)
    if known is not None:
        return known
    if old.status not in FREEZES | {S.IN_DEFAULT}:
        raise Conflict("plan.no_such_step", _("Only a plan that is under way can be changed."))
    invoice_ids = [item.invoice_id for item in contents.items_of(session, old.id)]
    plan = _write(session, debtor, invoice_ids, terms, attempt=attempt, by=by, replaces=old.id)
    plan.origin, plan.assignee_id = PlanOrigin.STAFF, by.id
    _supersede(session, plan, by=by)
    return offer(session, plan_id=plan.id, terms=terms, answer=answer, days=days, by=by)


def decline(session: Session, *, plan_id: uuid.UUID, answer: str = "", by: Actor) -> Plan:
    """Staff refuse a proposal (the debtor gets `plan_declined`), or the debtor refuses an offer."""
    plan, _debtor = lock_plan(session, plan_id)
    plan.answer = answer.strip() or plan.answer
    if advance(session, plan.id, S.DECLINED, by=by, cause=answer.strip()) and by.kind == "staff":
        mails.declined(session, plan)
    return plan


def withdraw(session: Session, *, plan_id: uuid.UUID, by: Actor) -> Plan:
    """Take back what nobody has accepted: the debtor his proposal, staff their offer."""
    plan, _debtor = lock_plan(session, plan_id)
    if plan.status not in UNANSWERED:
        raise Conflict("plan.no_such_step", _("This plan is no longer being discussed."))
    advance(session, plan.id, S.CANCELLED, by=by, cause="withdrawn")
    return plan


def assign(session: Session, *, plan_id: uuid.UUID, staff_id: uuid.UUID | None, by: Actor) -> Plan:
    """Who looks after a plan; None for nobody."""
    plan, _debtor = lock_plan(session, plan_id)
    before, plan.assignee_id = plan.assignee_id, staff_id
    former, latter = {"staff": str(before or "")}, {"staff": str(staff_id or "")}
    affairs.record(session, plan, action="plan.assigned", by=by, before=former, after=latter)
    return plan


def expire_offers(session: Session, *, debtor_id: uuid.UUID) -> int:
    """Let a debtor's offers end that nobody accepted in time; gives how many."""
    debtor = lock_debtor(session, debtor_id)
    today = today_of(session, debtor.company_id)
    found = session.scalars(
        select(Plan.id)
        .where(Plan.debtor_id == debtor_id, Plan.status == S.OFFERED, Plan.offer_expires_on < today)
        .order_by(Plan.id)
    ).all()
    for identity in found:
        advance(session, identity, S.EXPIRED, by=Actor.system("clock"))
    return len(found)


# Pieces ------------------------------------------------------------------------------------------------------------------


def _known(session: Session, attempt: str, debtor_id: uuid.UUID) -> Plan | None:
    plan = session.scalar(select(Plan).where(Plan.attempt == attempt))
    if plan is not None and plan.debtor_id != debtor_id:
        raise Conflict("plan.attempt_taken", _("This attempt belongs to another plan."))
    return plan


def _write(
    session: Session,
    debtor: Debtor,
    invoice_ids: Sequence[uuid.UUID] | None,
    wish: Terms,
    *,
    attempt: str,
    by: Actor,
    replaces: uuid.UUID | None = None,
) -> Plan:
    chosen = proposals.choices(session, debtor.id, replaces=replaces)
    if invoice_ids is not None:
        wanted = set(invoice_ids)
        if not wanted <= {choice.invoice_id for choice in chosen} and replaces is None:
            raise Conflict("plan.nothing_left", _("One of these invoices can no longer be part of a plan."))
        chosen = [choice for choice in chosen if choice.invoice_id in wanted]
    total = sum(choice.left_minor for choice in chosen)
    if total <= 0:
        raise Conflict("plan.nothing_left", _("Nothing is left to pay by instalments."))
    identity = ids.new_id()
    plan = Plan(
        id=identity,
        company_id=debtor.company_id,
        debtor_id=debtor.id,
        reference=ids.reference("PLN", identity),
        attempt=attempt,
        status=S.PROPOSED,
        currency=debtor.currency,
        total_minor=total,
        wish=rules.terms_as_json(wish),
        reasons=[],
        replaces_id=replaces,
        created_at=clock.now(),
    )
    session.add(plan)
    session.flush()
    session.add_all(
        PlanItem(
            id=ids.new_id(),
            plan_id=plan.id,
            invoice_id=choice.invoice_id,
            position=position,
            covered_minor=choice.left_minor,
        )
        for position, choice in enumerate(chosen, start=1)
    )
    write_step(session, plan, None, by=by, cause="")
    session.flush()
    return plan


def _stand_by(session: Session, plan: Plan, terms: Terms, policy: Policy, *, days: int) -> None:
    """Write the terms of an offer, and the policy's words that become part of it."""
    today = today_of(session, plan.company_id)
    plan.terms = rules.terms_as_json(terms)
    plan.by_mandate = terms.by_mandate
    plan.grace_days, plan.late_after_days = policy.grace_days, policy.late_after_days
    plan.coming_days, plan.resumes_at = policy.coming_days, policy.resumes_at
    plan.offered_at = clock.now()
    plan.offer_expires_on = min(today + timedelta(days=days), max(terms.first_on, today))
    session.flush()


def _ask(session: Session, plan: Plan, policy: Policy, *, by: Actor) -> None:
    advance(session, plan.id, S.NEEDS_PERSON, by=by)
    if policy.pause_days:
        debtor = session.get_one(Debtor, plan.debtor_id)
        until = today_of(session, plan.company_id) + timedelta(days=policy.pause_days)
        if debtor.reminders_paused_until is None or debtor.reminders_paused_until < until:
            reason = _("A payment plan was proposed (%(reference)s).", reference=plan.reference)
            pause_reminders(session, debtor=debtor, until=until, reason=reason, by=by)


def _supersede(session: Session, plan: Plan, *, by: Actor) -> None:
    for identity in session.scalars(
        select(Plan.id)
        .where(Plan.debtor_id == plan.debtor_id, Plan.id != plan.id, Plan.status.in_((S.NEEDS_PERSON, S.OFFERED)))
        .order_by(Plan.id)
    ).all():
        advance(session, identity, S.CANCELLED, by=by, cause="superseded")


def _check_terms(session: Session, plan: Plan, terms: Terms) -> None:
    today = today_of(session, plan.company_id)
    try:
        days = rules.schedule(plan.total_minor, terms)
    except ValueError as error:
        raise Invalid("plan.terms", _("These terms do not make a schedule.")) from error
    if days[0].on < today:
        raise Invalid("plan.terms", _("The first instalment lies in the past."))
    if terms.by_mandate and contents.mandate_of(session, plan.debtor_id) is None:
        raise Invalid("plan.no_mandate", _("There is no mandate to debit under."))
