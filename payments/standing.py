"""How an invoice stands now, for the paper that is handed out: paid, debited, on its way, planned, contested, promised."""

from __future__ import annotations

import uuid
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from payments.collections.models import Collection, CollectionState
from payments.collections.outlook import Coming, outlook
from payments.collections.standing import refunded_of
from payments.models import Mandate
from payments.plans.models import Plan
from payments.queries import usable_mandate
from shared.company.models import Company
from shared.debtors.models import Debtor
from shared.documents.facts import DebitFacts, NowFacts, NowKind, StandingFacts
from shared.documents.keep import Standing
from shared.invoices.models import Freeze, FreezeKind, Invoice, InvoiceKind
from shared.kit.db import reading
from shared.kit.errors import NotFound
from shared.kit.money import Money
from shared.kit.words import gettext as _
from shared.promises.models import Promise

FROZEN: dict[FreezeKind, NowKind] = {
    FreezeKind.DISPUTE: "contested",
    FreezeKind.LEGAL_HOLD: "contested",
    FreezeKind.PLAN: "plan",
    FreezeKind.CHARGEBACK: "bank",
    FreezeKind.PROMISE: "promised",
    FreezeKind.DECLARATION: "told",
}
ASKS_NOTHING = frozenset({"credit", "debit", "bank", "told"})
"""Parts that may be paid here but are not to be: what a transfer would settle is asked for without them."""


def standing(invoice_id: uuid.UUID) -> Standing | None:
    """How an invoice stands in this moment; None for a credit note. Raises NotFound."""
    with reading() as session:
        return standing_of(session, invoice_id)


def standing_of(session: Session, invoice_id: uuid.UUID) -> Standing | None:
    """The same, in a session of the caller's."""
    invoice = session.get(Invoice, invoice_id)
    if invoice is None:
        raise NotFound("invoice.missing", _("There is no such invoice."))
    if invoice.kind is InvoiceKind.CREDIT_NOTE:
        return None
    parts = [*_paid(invoice), *_under_way(invoice), *_frozen(session, invoice)]
    asked = max(0, invoice.open_minor - max(invoice.held_minor, 0) - invoice.frozen_minor)
    coming = outlook(session, session.get_one(Debtor, invoice.debtor_id)).get(invoice.id)
    parts += _credit(invoice, coming) + _refunded(session, invoice)
    debit = _debit(session, invoice, coming)
    if debit is not None:
        parts.append(debit[0])
    asked -= sum(part.amount.minor for part in parts if part.kind in ASKS_NOTHING)
    facts = StandingFacts(
        open=Money(invoice.open_minor, invoice.currency),
        to_pay=Money(max(0, asked), invoice.currency),
        parts=tuple(parts),
    )
    is_all_debited = debit is not None and debit[0].amount.minor == invoice.open_minor
    return facts, debit[1] if debit is not None and is_all_debited else None


def _paid(invoice: Invoice) -> list[NowFacts]:
    paid = invoice.total_minor - invoice.open_minor
    return [NowFacts(kind="paid", amount=Money(paid, invoice.currency))] if paid > 0 < invoice.open_minor else []


def _under_way(invoice: Invoice) -> list[NowFacts]:
    held = min(invoice.held_minor, invoice.open_minor)
    return [NowFacts(kind="under_way", amount=Money(held, invoice.currency))] if held > 0 else []


def _frozen(session: Session, invoice: Invoice) -> list[NowFacts]:
    rows = session.execute(
        select(Freeze.kind, Freeze.amount_minor, Promise.promised_on, Plan.reference)
        .outerjoin(Promise, Promise.id == Freeze.subject_id)
        .outerjoin(Plan, Plan.id == Freeze.subject_id)
        .where(Freeze.invoice_id == invoice.id, Freeze.lifted_at.is_(None), Freeze.amount_minor > 0)
        .order_by(Freeze.frozen_at, Freeze.id)
    )
    return [
        NowFacts(
            kind=FROZEN[row.kind],
            amount=Money(row.amount_minor, invoice.currency),
            on=row.promised_on,
            reference=row.reference or "",
        )
        for row in rows
        if row.kind in FROZEN
    ]


def _credit(invoice: Invoice, coming: Coming | None) -> list[NowFacts]:
    """What of an invoice that is paid by itself credit covers."""
    covered = coming.covered_minor if coming is not None and coming.why_not in ("", "credit") else 0
    return [NowFacts(kind="credit", amount=Money(covered, invoice.currency))] if covered else []


def _refunded(session: Session, invoice: Invoice) -> list[NowFacts]:
    """What we gave back of it, and have not asked for again."""
    at = refunded_of(session, invoice.debtor_id).get(invoice.id) if invoice.open_minor else None
    if at is None:
        return []
    zone = ZoneInfo(session.get_one(Company, invoice.company_id).zone)
    return [
        NowFacts(kind="refunded", amount=Money(invoice.open_minor, invoice.currency), on=at.astimezone(zone).date())
    ]


def _debit(session: Session, invoice: Invoice, coming: Coming | None) -> tuple[NowFacts, DebitFacts] | None:
    """The automatic debit that will come: announced for a day, or of an account on autopay whose day is not said yet."""
    if coming is None or coming.why_not:
        return None
    announced = session.execute(
        select(Collection.mandate_id)
        .where(Collection.invoice_id == invoice.id, Collection.state == CollectionState.ANNOUNCED)
        .limit(1)
    ).one_or_none()
    usable = usable_mandate(session, invoice.debtor_id)
    if announced is None and usable is None:
        return None
    mandate = session.get_one(Mandate, announced.mandate_id if announced else usable and usable.id)
    day = coming.charge_on
    company = session.get_one(Company, invoice.company_id)
    part = NowFacts(kind="debit", amount=Money(coming.minor, invoice.currency), on=day)
    rum = mandate.scheme_reference or ""
    return part, DebitFacts(rum=rum, ics=company.ics, iban_ending=mandate.iban_ending, charge_on=day)
