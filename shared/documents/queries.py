"""Facts gathered for papers, as frozen values, and what is kept."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement, and_, case, exists, func, or_, select
from sqlalchemy.orm import Session

from shared.company.models import Company
from shared.debtors.models import Contact, Debtor, DebtorContact, DebtorKind
from shared.documents import originals, rules
from shared.documents.facts import (
    BankFacts,
    Brand,
    InvoiceFacts,
    Language,
    LineFacts,
    MovementFacts,
    OpenItemFacts,
    PartyFacts,
    PrecedingFacts,
    StatementFacts,
    TermsFacts,
    VatFacts,
)
from shared.documents.models import Document, DocumentKind
from shared.invoices.models import Invoice, InvoiceKind, InvoiceLine, InvoiceVat, WithdrawnInvoice
from shared.kit import files, ids
from shared.kit.db import among
from shared.kit.errors import NotFound
from shared.kit.money import Money
from shared.kit.words import gettext as _
from shared.kit.words import speaking
from shared.ledger.models import Account, Kind, Phase, Transfer

_OWED = (Account.RECEIVABLE, Account.CREDIT)
_BOOKED = (Phase.POSTED, Phase.POST)


@dataclass(frozen=True, slots=True)
class Parties:
    """Who stands on a paper of a debtor, and how it looks."""

    company_id: uuid.UUID
    debtor_id: uuid.UUID
    company: PartyFacts
    debtor: PartyFacts
    bank: BankFacts
    brand: Brand
    language: Language
    currency: str
    zone: str


def get_parties(session: Session, debtor_id: uuid.UUID) -> Parties:
    """The two parties of a debtor's papers; raises NotFound."""
    row = session.execute(
        select(Debtor, Company).join(Company, Company.id == Debtor.company_id).where(Debtor.id == debtor_id)
    ).one_or_none()
    if row is None:
        raise NotFound("debtor.missing", _("There is no such account."))
    debtor, company = row
    return Parties(
        company_id=company.id,
        debtor_id=debtor.id,
        company=company_facts(company),
        debtor=debtor_facts(debtor, email=_first_email(session, debtor.id)),
        bank=BankFacts(iban=company.iban.replace(" ", ""), bic=company.bic, holder=company.legal_name),
        brand=Brand(accent=company.accent, logo=company.logo, trade_name=company.trade_name),
        language="fr" if debtor.language == "fr" else "en",
        currency=debtor.currency,
        zone=company.zone,
    )


def company_facts(company: Company) -> PartyFacts:
    return PartyFacts(
        name=company.legal_name,
        street=company.street,
        street_more=company.street_more,
        postcode=company.postcode,
        city=company.city,
        country=company.country,
        siren=company.siren,
        siret=company.siret or "",
        vat_number=company.vat_number or "",
        legal_form=company.legal_form,
        capital=company.capital,
        trade_register=company.trade_register,
        email=company.email,
        phone=company.phone,
        website=company.website,
    )


def debtor_facts(debtor: Debtor, *, email: str = "") -> PartyFacts:
    return PartyFacts(
        name=debtor.name,
        street=debtor.street,
        street_more=debtor.street_more,
        postcode=debtor.postcode,
        city=debtor.city,
        country=debtor.country,
        siren=debtor.siren or "",
        vat_number=debtor.vat_number or "",
        account_code=debtor.account_code,
        email=email,
        is_consumer=debtor.kind is DebtorKind.CONSUMER,
    )


def _first_email(session: Session, debtor_id: uuid.UUID) -> str:
    found = session.scalar(
        select(Contact.email)
        .join(DebtorContact, DebtorContact.contact_id == Contact.id)
        .where(DebtorContact.debtor_id == debtor_id, DebtorContact.removed_at.is_(None))
        .order_by(DebtorContact.id)
        .limit(1)
    )
    return found or ""


def invoice_facts(session: Session, invoice_id: uuid.UUID) -> tuple[InvoiceFacts, Parties]:
    """What stands on an invoice; raises NotFound.

    Without lines in the books, net and VAT become one line when they leave no doubt; else the lines stay unknown.
    """
    invoice = session.get(Invoice, invoice_id)
    if invoice is None:
        raise NotFound("invoice.missing", _("There is no such invoice."))
    parties = get_parties(session, invoice.debtor_id)
    company = session.get_one(Company, invoice.company_id)
    lines, vats = _lines(session, invoice), _vats(session, invoice)
    net, vat = _money(invoice.net_minor, invoice.currency), _money(invoice.vat_minor, invoice.currency)
    if not lines and net is not None and vat is not None:
        with speaking(parties.language):
            description = invoice.title or _("As agreed, invoice %(number)s", number=invoice.number)
        if sole := rules.sole_line(description, net, vat):
            lines, vats = (sole[0],), (sole[1],)
    facts = InvoiceFacts(
        kind="credit_note" if invoice.kind is InvoiceKind.CREDIT_NOTE else "invoice",
        number=invoice.number,
        issued_on=invoice.issued_on,
        due_on=invoice.due_on,
        language=parties.language,
        seller=parties.company,
        buyer=parties.debtor,
        lines=lines,
        vats=vats,
        total=Money(invoice.total_minor, invoice.currency),
        net=net,
        vat=vat,
        title=invoice.title,
        order_reference=invoice.order_reference,
        preceding=_preceding(session, invoice),
        bank=parties.bank,
        terms=TermsFacts(penalty_rate=company.penalty_rate, discount=company.discount_terms),
    )
    return facts, parties


def _money(minor: int | None, currency: str) -> Money | None:
    return None if minor is None else Money(minor, currency)


def _lines(session: Session, invoice: Invoice) -> tuple[LineFacts, ...]:
    rows = session.scalars(
        select(InvoiceLine).where(InvoiceLine.invoice_id == invoice.id).order_by(InvoiceLine.position)
    )
    return tuple(
        LineFacts(
            description=row.description,
            quantity=row.quantity,
            unit=row.unit,
            unit_price=row.unit_price,
            net=Money(row.net_minor, invoice.currency),
            vat_rate=row.vat_rate,
            vat_category=row.vat_category,
        )
        for row in rows
    )


def _vats(session: Session, invoice: Invoice) -> tuple[VatFacts, ...]:
    rows = session.scalars(
        select(InvoiceVat)
        .where(InvoiceVat.invoice_id == invoice.id)
        .order_by(InvoiceVat.rate.desc(), InvoiceVat.category)
    )
    return tuple(
        VatFacts(
            category=row.category,
            rate=row.rate,
            base=Money(row.base_minor, invoice.currency),
            vat=Money(row.vat_minor, invoice.currency),
            exemption_reason=row.exemption_reason,
        )
        for row in rows
    )


def _preceding(session: Session, invoice: Invoice) -> tuple[PrecedingFacts, ...]:
    if invoice.credits_invoice_id is None:
        return ()
    earlier = session.get_one(Invoice, invoice.credits_invoice_id)
    return (PrecedingFacts(number=earlier.number, issued_on=earlier.issued_on),)


def statement_facts(
    session: Session, debtor_id: uuid.UUID, *, since: date, until: date, today: date, language: Language | None = None
) -> tuple[StatementFacts, Parties]:
    """An account between two days, from the ledger; raises NotFound.

    The balance is what the customer owes less its unapplied credit. What is open is told as of `until`; payments in
    progress are known of the present alone.
    """
    parties = get_parties(session, debtor_id)
    spoken = language or parties.language
    opening = _balance(session, debtor_id, Transfer.value_on < since)
    closing = _balance(session, debtor_id, Transfer.value_on <= until)
    with speaking(spoken):
        movements = _movements(session, parties, since, until)
    facts = StatementFacts(
        company=parties.company,
        debtor=parties.debtor,
        since=since,
        until=until,
        language=spoken,
        opening=Money(opening, parties.currency),
        closing=Money(closing, parties.currency),
        movements=movements,
        open_items=_open_items(session, parties, until, is_present=until >= today),
        bank=parties.bank,
    )
    return facts, parties


def count_statement_lines(session: Session, debtor_id: uuid.UUID, *, since: date, until: date) -> int:
    """About how many lines a statement will have: what is open today, and the movements of the period."""
    is_open = select(func.count()).where(Invoice.debtor_id == debtor_id, Invoice.open_minor > 0)
    moved = select(func.count(Transfer.movement_id.distinct())).where(
        Transfer.debtor_id == debtor_id, Transfer.phase.in_(_BOOKED), Transfer.value_on.between(since, until)
    )
    return (session.scalar(is_open) or 0) + (session.scalar(moved) or 0)


def _sign() -> ColumnElement[int]:
    """What a transfer does to the balance: owed more, owed less, or (credit used for an invoice) nothing."""
    up = case((Transfer.debit_account.in_(_OWED), Transfer.amount_minor), else_=0)
    down = case((Transfer.credit_account.in_(_OWED), Transfer.amount_minor), else_=0)
    return up - down


def _balance(session: Session, debtor_id: uuid.UUID, when: ColumnElement[bool]) -> int:
    total = session.scalar(
        select(func.coalesce(func.sum(_sign()), 0)).where(
            Transfer.debtor_id == debtor_id, Transfer.phase.in_(_BOOKED), when
        )
    )
    return int(total or 0)


def _movements(session: Session, parties: Parties, since: date, until: date) -> tuple[MovementFacts, ...]:
    owner = func.coalesce(Transfer.debit_owner, Transfer.credit_owner)
    rows = session.execute(
        select(
            Transfer.value_on,
            Transfer.kind,
            Transfer.payment_id,
            func.max(Transfer.provider).label("provider"),
            func.sum(_sign()).label("effect"),
            func.max(Invoice.number).label("number"),
            func.max(Invoice.kind).label("invoice_kind"),
            func.bool_or(_is_undated()).label("is_undated"),
        )
        .outerjoin(Invoice, and_(Transfer.kind.in_((Kind.ISSUE, Kind.IMPORTED)), Invoice.id == owner))
        .where(Transfer.debtor_id == parties.debtor_id, Transfer.phase.in_(_BOOKED))
        .where(Transfer.value_on.between(since, until))
        .where(~exists().where(WithdrawnInvoice.id == owner))  # each beside its opposite, on one day
        .group_by(Transfer.movement_id, Transfer.value_on, Transfer.kind, Transfer.payment_id)
        .having(func.sum(_sign()) != 0)
        .order_by(Transfer.value_on, func.min(Transfer.at), Transfer.movement_id)
    )
    found = []
    for row in rows:
        amount = Money(abs(int(row.effect)), parties.currency)
        found.append(
            MovementFacts(
                on=row.value_on,
                label=_("Settlement in our accounts, day not known")
                if row.is_undated
                else _label(row.kind, row.provider, is_credit=row.effect < 0),
                reference=row.number or (ids.reference("PAY", row.payment_id) if row.payment_id else ""),
                debit=amount if row.effect > 0 else None,
                credit=amount if row.effect < 0 else None,
            )
        )
    return tuple(found)


def _is_undated() -> ColumnElement[bool]:
    """History that the books show as settled without a day: it stands on the invoice's own day, so that balances are right."""
    return and_(Transfer.kind == Kind.IMPORTED, Transfer.value_on == Invoice.issued_on, Invoice.settled_on.is_(None))


def _label(kind: Kind, provider: str | None, *, is_credit: bool) -> str:
    if kind is Kind.ISSUE:
        return _("Credit note") if is_credit else _("Invoice")
    if kind is Kind.PAYMENT:
        return {"stripe": _("Card payment"), "gocardless": _("SEPA direct debit")}.get(provider or "", _("Payment"))
    labels = {
        Kind.RECEIPT: _("Payment received"),
        Kind.RECEIPT_UNDONE: _("Correction of a payment received"),
        Kind.LATE_FAILURE: _("Direct debit returned by the bank"),
        Kind.CHARGEBACK: _("Card payment contested"),
        Kind.CHARGEBACK_WON: _("Contested payment recovered"),
        Kind.REFUND: _("Refund"),
        Kind.REFUND_FAILED: _("Refund that did not go through"),
        Kind.IMPORTED: _("Settlement in our accounts"),
        Kind.WRITE_OFF: _("Remitted") if is_credit else _("Remitted no more"),
    }
    return labels.get(kind) or _("Correction")


def _open_items(session: Session, parties: Parties, until: date, *, is_present: bool) -> tuple[OpenItemFacts, ...]:
    """Invoices and credit notes by due day, then what is left of unapplied credit."""
    open_by_invoice = (
        select(Invoice.id.label("id"), func.sum(_effect_on(Invoice.id)).label("open"))
        .join(Transfer, or_(Transfer.debit_owner == Invoice.id, Transfer.credit_owner == Invoice.id))
        .where(Invoice.debtor_id == parties.debtor_id, Transfer.debtor_id == parties.debtor_id)
        .where(Transfer.phase.in_(_BOOKED), Transfer.value_on <= until)
        .group_by(Invoice.id)
        .having(func.sum(_effect_on(Invoice.id)) != 0)
        .subquery()
    )
    rows = session.execute(
        select(Invoice, open_by_invoice.c.open)
        .join(open_by_invoice, open_by_invoice.c.id == Invoice.id)
        .order_by(Invoice.kind == InvoiceKind.CREDIT_NOTE, Invoice.due_on, Invoice.number)
    )
    items = [
        OpenItemFacts(
            kind="credit_note" if invoice.kind is InvoiceKind.CREDIT_NOTE else "invoice",
            number=invoice.number,
            issued_on=invoice.issued_on,
            due_on=invoice.due_on if invoice.kind is InvoiceKind.INVOICE else None,
            total=Money(invoice.total_minor, invoice.currency),
            open=Money(int(left), invoice.currency),
            in_progress=Money(invoice.held_minor if is_present else 0, invoice.currency),
        )
        for invoice, left in rows
    ]
    if credit := _unapplied_credit(session, parties.debtor_id, until):
        zero = Money.zero(parties.currency)
        left = Money(-credit, parties.currency)
        items.append(
            OpenItemFacts(
                kind="credit", number="", issued_on=until, due_on=None, total=-left, open=left, in_progress=zero
            )
        )
    return tuple(items)


def _effect_on(owner: ColumnElement[uuid.UUID] | object) -> ColumnElement[int]:
    up = case((Transfer.debit_owner == owner, Transfer.amount_minor), else_=0)
    down = case((Transfer.credit_owner == owner, Transfer.amount_minor), else_=0)
    return up - down


def _unapplied_credit(session: Session, debtor_id: uuid.UUID, until: date) -> int:
    up = case((Transfer.credit_account == Account.CREDIT, Transfer.amount_minor), else_=0)
    down = case((Transfer.debit_account == Account.CREDIT, Transfer.amount_minor), else_=0)
    total = session.scalar(
        select(func.coalesce(func.sum(up - down), 0)).where(
            Transfer.debtor_id == debtor_id, Transfer.phase.in_(_BOOKED), Transfer.value_on <= until
        )
    )
    return int(total or 0)


def find_document(session: Session, kind: DocumentKind, subject_id: uuid.UUID, version: str = "") -> Document | None:
    """The kept paper of that subject and version, or None."""
    return session.scalar(
        select(Document).where(Document.kind == kind, Document.subject_id == subject_id, Document.version == version)
    )


def first_invoice(session: Session, invoice_id: uuid.UUID) -> Document | None:
    """The paper of an invoice that was made first: its facts are what was true at issue."""
    return session.scalar(
        select(Document)
        .where(Document.kind == DocumentKind.INVOICE, Document.subject_id == invoice_id)
        .order_by(Document.created_at, Document.id)
        .limit(1)
    )


def find_original(session: Session, invoice_id: uuid.UUID) -> Document | None:
    """The invoice's original, the one attached last, or None."""
    return session.scalar(
        select(Document)
        .where(Document.kind == DocumentKind.ORIGINAL, Document.subject_id == invoice_id)
        .order_by(Document.created_at.desc(), Document.id.desc())
        .limit(1)
    )


def original_vats(session: Session, invoice: Invoice) -> tuple[VatFacts, ...]:
    """The VAT of an invoice as its electronic original tells it; () without one, or when it tells of another total."""
    original = find_original(session, invoice.id)
    if original is None:
        return ()
    try:
        told = originals.vats(files.get_store().get(original.sha256))
    except NotFound:  # the file is gone: that is the watch's to tell, and a question to a person here
        return ()
    total = Money(invoice.total_minor, invoice.currency)
    is_of_it = all(each.base.currency == invoice.currency for each in told)
    if not is_of_it or sum((each.base + each.vat for each in told), Money.zero(invoice.currency)) != total:
        return ()
    return told


def list_documents(session: Session, debtor_id: uuid.UUID) -> list[Document]:
    """A debtor's kept papers, the latest first."""
    return list(
        session.scalars(select(Document).where(Document.debtor_id == debtor_id).order_by(Document.id.desc()).limit(500))
    )


def numbers_of(session: Session, debtor_id: uuid.UUID, invoice_ids: list[uuid.UUID]) -> list[tuple[uuid.UUID, str]]:
    """Those of the invoices that are this debtor's, with their numbers, in the order given."""
    rows = session.execute(
        select(Invoice.id, Invoice.number).where(Invoice.debtor_id == debtor_id, among(Invoice.id, invoice_ids))
    )
    numbers = {row.id: row.number for row in rows}
    return [(identity, numbers[identity]) for identity in invoice_ids if identity in numbers]
