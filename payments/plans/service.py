"""The verbs of plans until they run: proposed, answered at once, offered, accepted or not. All in the caller's session.

Each locks the debtor first (the lock order of the house: debtor, invoices by id, payments). What happens to a plan that
runs stands in `progress.py` (money) and `running.py` (staff acts, default).
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from payments.collections.service import withdraw as withdraw_collections
from payments.plans import mails, queries, rules
from payments.plans.models import (
    Plan,
    PlanConsent,
    PlanInstalment,
    PlanItem,
    PlanOrigin,
    PlanPolicy,
    PlanTransition,
)
from payments.plans.rules import NeedsPerson, Policy, Refused, Terms
from payments.plans.status import FREEZES, UNANSWERED, PlanStatus, plan_topic
from shared.company.models import Company
from shared.debtors.models import Debtor, DebtorKind
from shared.debtors.service import lock_debtor, pause_reminders
from shared.documents.facts import as_json
from shared.invoices.models import FreezeKind
from shared.invoices.service import freeze, left_to_freeze, lift_all
from shared.kit import audit, clock, db, ids, outbox
from shared.kit.actors import Actor
from shared.kit.errors import Conflict, Invalid, NotFound
from shared.kit.words import gettext as _
from shared.ledger.service import lock_invoices

S = PlanStatus


@dataclass(frozen=True, slots=True)
class Evidence:
    """What proves an acceptance. The door has verified a one-time code (tier 2) before it makes one."""

    contact_id: uuid.UUID
    name: str
    email: str
    address: str
    """The network address."""
    user_agent: str
    language: str
    session_id: uuid.UUID | None = None
    verified_at: datetime | None = None


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
    before = queries.policy_of(session, company_id, kind)
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
    debtor = lock_debtor(session, debtor_id)
    known = _known(session, attempt, debtor_id)
    if known is not None:
        return known
    policy = queries.policy_of(session, debtor.company_id, debtor.kind)
    plan = _write(session, debtor, invoice_ids, wish, attempt=attempt, by=by)
    plan.contact_id, plan.message = contact_id, message.strip()
    answer = rules.decide(policy, plan.total_minor, wish, queries.facts_of(session, debtor))
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
    _ask(session, plan, queries.policy_of(session, debtor.company_id, debtor.kind), by=by)
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
    policy = queries.policy_of(session, debtor.company_id, debtor.kind)
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
    debtor = lock_debtor(session, debtor_id)
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
    invoice_ids = [item.invoice_id for item in queries.items_of(session, old.id)]
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
    record(
        session,
        plan,
        by,
        action="plan.assigned",
        before={"staff": str(before or "")},
        after={"staff": str(staff_id or "")},
    )
    return plan


def expire_offers(session: Session, *, debtor_id: uuid.UUID) -> int:
    """Let a debtor's offers end that nobody accepted in time; gives how many."""
    debtor = lock_debtor(session, debtor_id)
    today = queries.today_of(session, debtor.company_id)
    found = session.scalars(
        select(Plan.id)
        .where(Plan.debtor_id == debtor_id, Plan.status == S.OFFERED, Plan.offer_expires_on < today)
        .order_by(Plan.id)
    ).all()
    for identity in found:
        advance(session, identity, S.EXPIRED, by=Actor.system("clock"))
    return len(found)


# Accepting ---------------------------------------------------------------------------------------------------------------


def accept(session: Session, *, plan_id: uuid.UUID, evidence: Evidence, by: Actor) -> Plan:
    """The debtor acknowledges his debt and accepts the offer, in one commit.

    1. What is left of each invoice must still be what was offered; else Conflict("plan.changed") (see `renew`).
    2. That is frozen (I10), and announced automatic debits of these invoices are withdrawn.
    3. Instalments, consent with its evidence, and, by mandate, the announcement of every debit.
    4. `plan_accepted` with the whole schedule, which is the SEPA pre-notification of its debits; the paper follows by a job.

    A plan that was accepted already is given as it is. Raises Conflict("plan.expired"), Conflict("plan.no_mandate").
    """
    from payments.plans import acknowledge, progress

    plan, debtor = lock_plan(session, plan_id)
    if plan.status in FREEZES:
        return plan
    if plan.status is not S.OFFERED or plan.terms is None or plan.offer_expires_on is None:
        raise Conflict("plan.no_such_step", _("This offer is no longer open."))
    company = session.get_one(Company, plan.company_id)
    today = clock.today(company.zone)
    if today > plan.offer_expires_on:
        raise Conflict("plan.expired", _("This offer has ended."))
    terms = rules.terms_from_json(plan.terms)
    mandate = queries.mandate_of(session, debtor.id)
    if terms.by_mandate and mandate is None:
        raise Conflict("plan.no_mandate", _("Please sign a direct debit mandate first."))
    if plan.replaces_id is not None:
        _end_replaced(session, plan, by=by)
    items = queries.items_of(session, plan.id)
    _check_unchanged(session, items)
    for item in items:
        freeze(
            session,
            invoice_id=item.invoice_id,
            kind=FreezeKind.PLAN,
            minor=item.covered_minor,
            reason=plan.reference,
            subject_id=plan.id,
            by=by,
        )
    withdraw_collections(session, debtor.id, reason="plan", invoice_ids=[item.invoice_id for item in items])
    plan.accepted_at = clock.now()
    days = rules.schedule(plan.total_minor, terms)
    session.add_all(
        PlanInstalment(
            id=ids.new_id(), plan_id=plan.id, position=each.position, due_on=each.on, amount_minor=each.minor
        )
        for each in days
    )
    session.flush()
    facts = acknowledge.facts(session, plan, evidence, mandate)
    written = as_json(facts)
    session.add(
        PlanConsent(
            id=ids.new_id(),
            plan_id=plan.id,
            contact_id=evidence.contact_id,
            session_id=evidence.session_id,
            verified_at=evidence.verified_at,
            name=evidence.name,
            email=evidence.email,
            address=evidence.address[:45],
            user_agent=evidence.user_agent[:200],
            language=evidence.language,
            text_version=acknowledge.TEXT_VERSION,
            clause=facts.clause,
            facts=written,
            facts_sha256=acknowledge.digest(written),
            accepted_at=plan.accepted_at,
        )
    )
    advance(session, plan.id, S.ACTIVE, by=by)
    progress.announce_debits(session, plan, mandate)
    mails.accepted(session, plan)
    outbox.enqueue(session, "payments.plans.paper", {"plan": str(plan.id)}, dedupe_key=str(plan.id))
    return plan


def renew(session: Session, *, plan_id: uuid.UUID, by: Actor) -> Plan:
    """Draw an offer up anew on what is left now, after accept raised Conflict("plan.changed").

    The terms stay when they still make a schedule; an offer over nothing is cancelled, and so is one whose terms make
    none any more.
    """
    plan, _debtor = lock_plan(session, plan_id)
    if plan.status is not S.OFFERED or plan.terms is None:
        return plan
    items = queries.items_of(session, plan.id)
    left = _left(session, [item.invoice_id for item in items], replaces=plan.replaces_id)
    for item in items:
        if not left.get(item.invoice_id):
            session.delete(item)
        else:
            item.covered_minor = left[item.invoice_id]
    before, total = plan.total_minor, sum(left.values())
    try:
        rules.schedule(total, rules.terms_from_json(plan.terms))
    except ValueError:
        advance(session, plan.id, S.CANCELLED, by=by, cause="nothing_left")
        return plan
    plan.total_minor = total
    session.flush()
    record(session, plan, by, action="plan.renewed", before={"minor": before}, after={"minor": total})
    return plan


# The one writer of a status ----------------------------------------------------------------------------------------------


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
    step = _write_step(session, plan, before, by=by, cause=cause)
    publish(session, plan, topic, by=by, dedupe_key=f"{plan.id}:{step}")
    session.flush()
    return True


def publish(session: Session, plan: Plan, topic: str, *, dedupe_key: str, by: Actor | None = None) -> None:
    """Tell whoever listens of a plan; its steps do so by themselves."""
    payload = {
        "company": str(plan.company_id),
        "debtor": str(plan.debtor_id),
        "id": str(plan.id),
        "by": by.kind if by and by.kind in {"contact", "staff"} else "system",
        "staff": str(plan.assignee_id) if plan.assignee_id else None,
    }
    outbox.publish(session, topic, payload, dedupe_key=dedupe_key)


def lock_plan(session: Session, plan_id: uuid.UUID) -> tuple[Plan, Debtor]:
    """The plan, locked and read anew, after its debtor. Raises NotFound("plan.missing")."""
    debtor_id = session.scalar(select(Plan.debtor_id).where(Plan.id == plan_id))
    if debtor_id is None:
        raise NotFound("plan.missing", _("There is no such plan."))
    debtor = lock_debtor(session, debtor_id)
    session.flush()
    return db.lock(session, Plan, plan_id), debtor


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
    chosen = queries.choices(session, debtor.id, replaces=replaces)
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
    _write_step(session, plan, None, by=by, cause="")
    session.flush()
    return plan


def _stand_by(session: Session, plan: Plan, terms: Terms, policy: Policy, *, days: int) -> None:
    """Write the terms of an offer, and the policy's words that become part of it."""
    today = queries.today_of(session, plan.company_id)
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
        until = queries.today_of(session, plan.company_id) + timedelta(days=policy.pause_days)
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
    today = queries.today_of(session, plan.company_id)
    try:
        days = rules.schedule(plan.total_minor, terms)
    except ValueError as error:
        raise Invalid("plan.terms", _("These terms do not make a schedule.")) from error
    if days[0].on < today:
        raise Invalid("plan.terms", _("The first instalment lies in the past."))
    if terms.by_mandate and queries.mandate_of(session, plan.debtor_id) is None:
        raise Invalid("plan.no_mandate", _("There is no mandate to debit under."))


def _left(session: Session, invoice_ids: Sequence[uuid.UUID], *, replaces: uuid.UUID | None) -> dict[uuid.UUID, int]:
    """Invoice → what a plan may take of it now; a plan that is replaced gives back what it froze."""
    own = queries.frozen_by(session, replaces) if replaces else {}
    return {
        invoice.id: left_to_freeze(invoice, FreezeKind.PLAN) + own.get(invoice.id, 0)
        for invoice in lock_invoices(session, invoice_ids).values()
    }


def _check_unchanged(session: Session, items: Sequence[PlanItem]) -> None:
    left = _left(session, [item.invoice_id for item in items], replaces=None)
    if any(left.get(item.invoice_id) != item.covered_minor for item in items):
        raise Conflict("plan.changed", _("What is left to pay has changed meanwhile. Please look again."))


def _end_replaced(session: Session, plan: Plan, *, by: Actor) -> None:
    old, _debtor = lock_plan(session, plan.replaces_id or plan.id)
    if old.status in FREEZES | {S.IN_DEFAULT}:
        end(session, old, to=S.CANCELLED, by=by, cause="replaced")


def end(session: Session, plan: Plan, *, to: PlanStatus, by: Actor, cause: str) -> None:
    """End a plan that runs: its money is free and its debits are withdrawn, in this commit."""
    from payments.plans import progress

    advance(session, plan.id, to, by=by, cause=cause)
    lift_all(session, subject_id=plan.id, by=by)
    progress.withdraw_debits(session, plan, reason=f"plan_{to.value}")


def _write_step(session: Session, plan: Plan, before: PlanStatus | None, *, by: Actor, cause: str) -> int:
    taken = select(func.coalesce(func.max(PlanTransition.step), 0)).where(PlanTransition.plan_id == plan.id)
    step = int(session.scalar(taken) or 0) + 1
    session.add(
        PlanTransition(
            id=ids.new_id(),
            plan_id=plan.id,
            step=step,
            before=before,
            after=plan.status,
            at=clock.now(),
            actor_kind=by.kind,
            actor_name=by.name,
            cause=cause,
        )
    )
    record(
        session,
        plan,
        by,
        action=f"plan.{plan.status.value}",
        before={"status": before.value} if before else None,
        after={"status": plan.status.value, "minor": plan.total_minor, "currency": plan.currency, "cause": cause},
    )
    return step


def record(
    session: Session,
    plan: Plan,
    by: Actor,
    *,
    action: str,
    before: dict[str, Any] | None,
    after: dict[str, Any] | None,
) -> None:
    """Keep an audit line of a plan."""
    audit.record(
        session,
        by,
        action,
        subject_type="plan",
        subject_id=plan.id,
        company_id=plan.company_id,
        debtor_id=plan.debtor_id,
        before=before,
        after=after,
    )


def _policy_json(policy: Policy) -> dict[str, Any]:
    values = {field.name: getattr(policy, field.name) for field in fields(policy)}
    return values | {"resumes_at": policy.resumes_at.value}
