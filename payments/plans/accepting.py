"""Accepting a plan: what was offered must still be so, is frozen and announced, and the consent is kept with its evidence.

All in the caller's session.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from payments.collections.service import withdraw as withdraw_collections
from payments.plans import acknowledge, contents, mails, progress, rules
from payments.plans.models import Plan, PlanConsent, PlanInstalment, PlanItem
from payments.plans.running import end
from payments.plans.status import FREEZES, PlanStatus
from payments.plans.steps import advance, lock_plan
from shared.company.models import Company
from shared.debtors import affairs
from shared.documents.facts import as_json
from shared.invoices.models import FreezeKind
from shared.invoices.service import freeze_all, left_to_freeze
from shared.kit import clock, ids, outbox
from shared.kit.actors import Actor
from shared.kit.errors import Conflict
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


def accept(session: Session, *, plan_id: uuid.UUID, evidence: Evidence, by: Actor) -> Plan:
    """The debtor acknowledges his debt and accepts the offer, in one commit.

    1. What is left of each invoice must still be what was offered; else Conflict("plan.changed") (see `renew`).
    2. That is frozen (I10), and announced automatic debits of these invoices are withdrawn.
    3. Instalments, consent with its evidence, and, by mandate, the announcement of every debit.
    4. `plan_accepted` with the whole schedule, which is the SEPA pre-notification of its debits; the paper follows by a job.

    A plan that was accepted already is given as it is. Raises Conflict("plan.expired"), Conflict("plan.no_mandate").
    """
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
    mandate = contents.mandate_of(session, debtor.id)
    if terms.by_mandate and mandate is None:
        raise Conflict("plan.no_mandate", _("Please sign a direct debit mandate first."))
    if plan.replaces_id is not None:
        _end_replaced(session, plan, by=by)
    items = contents.items_of(session, plan.id)
    _check_unchanged(session, items)
    freeze_all(
        session,
        debtor_id=debtor.id,
        parts=[(item.invoice_id, item.covered_minor) for item in items],
        kind=FreezeKind.PLAN,
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
    progress.announce_debits(session, plan, mandate, by_mail="plan_accepted")
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
    items = contents.items_of(session, plan.id)
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
    affairs.record(session, plan, action="plan.renewed", by=by, before={"minor": before}, after={"minor": total})
    return plan


def _left(session: Session, invoice_ids: Sequence[uuid.UUID], *, replaces: uuid.UUID | None) -> dict[uuid.UUID, int]:
    """Invoice → what a plan may take of it now; a plan that is replaced gives back what it froze."""
    own = contents.frozen_by(session, replaces) if replaces else {}
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
