"""What stands on the acknowledgement of debt, gathered at the moment of acceptance and kept as it was."""

from __future__ import annotations

import hashlib
import json
import uuid
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from payments.models import Mandate
from payments.plans import contents, proposals, rules
from payments.plans.models import Plan, PlanConsent, PlanItem
from payments.plans.rules import Due
from shared.company.models import Company
from shared.company.queries import today_of
from shared.debtors.models import Debtor
from shared.documents import keep
from shared.documents.facts import (
    InstalmentFacts,
    Language,
    PlanFacts,
    PlannedInvoiceFacts,
    SignatureFacts,
    from_json,
)
from shared.documents.keep import KeptFile
from shared.documents.queries import get_parties
from shared.documents.spelled import amount_in_words
from shared.invoices.models import Invoice
from shared.kit.db import reading
from shared.kit.errors import NotFound
from shared.kit.money import Money, format_money
from shared.kit.words import gettext as _
from shared.kit.words import speaking

if TYPE_CHECKING:
    from payments.plans.accepting import Evidence

TEXT_VERSION = "2026-12"
"""Of the words that a debtor agrees to; changes with the wording in `templates/paper/plan.html`."""


def clause_of(session: Session, plan: Plan, language: str) -> str:
    """The default clause of a plan in a language: the company's own words, else the usual ones."""
    debtor = session.get_one(Debtor, plan.debtor_id)
    policy = proposals.policy_of(session, plan.company_id, debtor.kind)
    own = policy.clause_fr if language == "fr" else policy.clause_en
    with speaking(language):
        return own or _(
            "If an instalment is not paid on its due date, we remind you of it. If it is still not paid %(days)s days after "
            "this reminder, all that is left to pay of this plan falls due at once.",
            days=plan.grace_days,
        )


def words(session: Session, plan_id: uuid.UUID, *, language: str) -> tuple[str, ...]:
    """What a debtor agrees to when he accepts an offer, in paragraphs: the words of the page and of the paper."""
    plan = session.get_one(Plan, plan_id)
    terms = rules.terms_from_json(plan.terms or plan.wish)
    mandate = contents.mandate_of(session, plan.debtor_id) if terms.by_mandate else None
    return _wording(session, plan, language, mandate)


def _undertaking(name: str, *, by_debit: bool) -> str:
    """By when each instalment is paid: a debit may come after its due date, for it leaves the notice its days."""
    if by_debit:
        return _(
            "%(debtor)s undertakes to pay this sum by the instalments listed here, each on its day of debit at the latest. It "
            "may be paid sooner at any time, in whole or in part.",
            debtor=name,
        )
    return _(
        "%(debtor)s undertakes to pay this sum by the instalments listed here, each on its due date at the latest. It "
        "may be paid sooner at any time, in whole or in part.",
        debtor=name,
    )


def _wording(session: Session, plan: Plan, language: str, mandate: Mandate | None) -> tuple[str, ...]:
    debtor, company = session.get_one(Debtor, plan.debtor_id), session.get_one(Company, plan.company_id)
    total = Money(plan.total_minor, plan.currency)
    with speaking(language):
        paragraphs = [
            _(
                "%(debtor)s acknowledges owing %(company)s the sum of %(amount)s (%(words)s), for the invoices listed here.",
                debtor=debtor.name,
                company=company.legal_name,
                amount=format_money(total, language),
                words=amount_in_words(total, language),
            ),
            _undertaking(debtor.name, by_debit=mandate is not None),
            _("This plan is free of charge: no fee and no interest is added to the debt."),
        ]
        if mandate is not None:
            paragraphs.append(
                _(
                    "The instalments are collected by SEPA direct debit under mandate %(rum)s. The days of debit listed here "
                    "are the notice that comes before each debit.",
                    rum=mandate.scheme_reference or mandate.reference,
                )
            )
        paragraphs += [
            _("As long as the plan is kept, these invoices are neither reminded nor collected in any other way."),
            clause_of(session, plan, language),
            _(
                "This acknowledgement is given under articles 1366 and 1376 of the French Civil Code, and interrupts the "
                "limitation period (article 2240)."
            ),
        ]
    return tuple(paragraphs)


def facts(session: Session, plan: Plan, evidence: Evidence, mandate: Mandate | None) -> PlanFacts:
    """The facts of the paper. `plan.accepted_at` and its instalments are written already."""
    company = session.get_one(Company, plan.company_id)
    parties = get_parties(session, plan.debtor_id)
    language: Language = "fr" if evidence.language == "fr" else "en"
    rows = contents.instalments_of(session, plan.id)
    total = Money(plan.total_minor, plan.currency)
    days = {}
    if plan.by_mandate and mandate is not None:
        days = rules.charge_days(
            [Due(row.position, row.due_on, row.amount_minor) for row in rows],
            accepted_on=today_of(session, plan.company_id),
            notice_days=company.notice_days,
        )
    signed = plan.by_mandate and mandate is not None
    return PlanFacts(
        reference=plan.reference,
        company=parties.company,
        debtor=parties.debtor,
        language=language,
        zone=parties.zone,
        total=total,
        total_in_words=amount_in_words(total, language),
        invoices=tuple(_invoices(session, plan)),
        instalments=tuple(
            InstalmentFacts(
                position=row.position,
                due_on=row.due_on,
                amount=Money(row.amount_minor, plan.currency),
                charge_on=days.get(row.position),
            )
            for row in rows
        ),
        wording=_wording(session, plan, language, mandate if signed else None),
        clause=clause_of(session, plan, language),
        grace_days=plan.grace_days,
        signature=SignatureFacts(
            at=plan.accepted_at or plan.created_at,
            by=evidence.name or evidence.email,
            address=evidence.address,
            text_version=TEXT_VERSION,
        ),
        email=evidence.email,
        user_agent=evidence.user_agent,
        verified_at=evidence.verified_at,
        rum=(mandate.scheme_reference or mandate.reference) if signed and mandate else "",
        ics=company.ics if signed else "",
        iban_ending=mandate.iban_ending if signed and mandate else "",
    )


def digest(written: dict[str, Any]) -> str:
    """SHA-256 of stored facts, in a canonical writing."""
    return hashlib.sha256(json.dumps(written, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def paper(plan_id: uuid.UUID) -> KeptFile:
    """The acknowledgement as PDF: made once from the facts of the acceptance, kept, and the same ever after.

    Raises NotFound for a plan that was not accepted. Whether the reader may see this plan is the caller's question.
    """
    with reading() as session:
        row = session.execute(
            select(PlanConsent.facts, Plan.debtor_id)
            .join(Plan, Plan.id == PlanConsent.plan_id)
            .where(PlanConsent.plan_id == plan_id)
        ).one_or_none()
    if row is None:
        raise NotFound("plan.not_accepted", _("This plan was not accepted, so there is no paper of it."))
    return keep.plan(from_json(PlanFacts, row.facts), debtor_id=row.debtor_id, plan_id=plan_id)


def _invoices(session: Session, plan: Plan) -> list[PlannedInvoiceFacts]:
    rows = session.execute(
        select(Invoice.number, Invoice.issued_on, Invoice.due_on, PlanItem.covered_minor)
        .join(PlanItem, PlanItem.invoice_id == Invoice.id)
        .where(PlanItem.plan_id == plan.id)
        .order_by(PlanItem.position)
    )
    return [
        PlannedInvoiceFacts(
            number=row.number,
            issued_on=row.issued_on,
            due_on=row.due_on,
            amount=Money(row.covered_minor, plan.currency),
        )
        for row in rows
    ]
