"""Entering an invoice or credit note with its lines: checked sums, VAT by rate, and its issue in the ledger."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared.company.models import Company
from shared.debtors.models import Debtor
from shared.invoices.models import Invoice, InvoiceKind, InvoiceLine, InvoiceSource, InvoiceVat
from shared.kit import audit, clock
from shared.kit.actors import Actor
from shared.kit.errors import Invalid
from shared.kit.ids import new_id
from shared.kit.money import minor_digits
from shared.kit.words import gettext as _
from shared.ledger import service as ledger


@dataclass(frozen=True, slots=True)
class LineDraft:
    """A line: quantity times unit price before VAT (major units), at a VAT rate in percent."""

    description: str
    unit_price: Decimal
    quantity: Decimal = Decimal(1)
    unit: str = ""
    vat_rate: Decimal = Decimal(20)
    vat_category: str = "S"


@dataclass(frozen=True, slots=True)
class InvoiceDraft:
    """What an invoice should say."""

    number: str
    issued_on: date
    due_on: date
    lines: Sequence[LineDraft]
    kind: InvoiceKind = InvoiceKind.INVOICE
    title: str = ""
    order_reference: str = ""
    credits_invoice_id: uuid.UUID | None = None
    exemptions: Mapping[str, str] = field(default_factory=dict)
    """Why no VAT is charged, by category (E, AE, K, G, O); without words here a paper says the usual ones."""
    taxes: Mapping[tuple[str, Decimal], int] = field(default_factory=dict)
    """VAT by (category, rate) in minor units where another document gives it: a credit note takes back what its invoice
    charged. It may differ from base x rate by a cent a line (BR-CO-17 leaves that room)."""


def enter(session: Session, debtor: Debtor, draft: InvoiceDraft, *, by: Actor) -> Invoice:
    """Enter a document; the debtor must be locked by the caller.

    Line nets are rounded half up to the cent, VAT is computed once per rate on the sum of its lines (EN 16931,
    BR-CO-17). Raises Invalid for an empty document, a total that is not above zero, VAT that does not fit its rate, or a
    number that is taken.
    """
    if not draft.lines:
        raise Invalid("invoice.empty", _("An invoice needs at least one line."))
    taken = select(Invoice.id).where(
        Invoice.debtor_id == debtor.id, Invoice.kind == draft.kind, Invoice.number == draft.number
    )
    if session.scalar(taken):
        raise Invalid("invoice.number_taken", _("There is already a document %(number)s.", number=draft.number))
    digits = minor_digits(debtor.currency)
    nets = [_round((line.quantity * line.unit_price).scaleb(digits)) for line in draft.lines]
    bases: dict[tuple[str, Decimal], int] = {}
    for line, net in zip(draft.lines, nets, strict=True):
        key = (line.vat_category, line.vat_rate)
        bases[key] = bases.get(key, 0) + net
    taxes = {key: _round(Decimal(base) * key[1] / 100) for key, base in bases.items()}
    for key, minor in draft.taxes.items():
        if key not in taxes or abs(taxes[key] - minor) > len(nets):
            raise Invalid("invoice.vat", _("The VAT does not fit its rate."))
        taxes[key] = minor
    net_minor, vat_minor = sum(nets), sum(taxes.values())
    if net_minor + vat_minor <= 0:
        raise Invalid("invoice.total", _("The total must be above zero; money back is a credit note."))
    invoice = Invoice(
        id=new_id(),
        company_id=debtor.company_id,
        debtor_id=debtor.id,
        kind=draft.kind,
        number=draft.number,
        title=draft.title,
        order_reference=draft.order_reference,
        issued_on=draft.issued_on,
        due_on=draft.due_on,
        currency=debtor.currency,
        net_minor=net_minor,
        vat_minor=vat_minor,
        total_minor=net_minor + vat_minor,
        open_minor=net_minor + vat_minor,
        credits_invoice_id=draft.credits_invoice_id,
        source=InvoiceSource.ENTERED,
        created_at=clock.now(),
    )
    session.add(invoice)
    session.flush()
    session.add_all(
        InvoiceLine(
            invoice_id=invoice.id,
            position=position,
            description=line.description,
            quantity=line.quantity,
            unit=line.unit,
            unit_price=line.unit_price,
            vat_rate=line.vat_rate,
            vat_category=line.vat_category,
            net_minor=net,
        )
        for position, (line, net) in enumerate(zip(draft.lines, nets, strict=True), start=1)
    )
    session.add_all(
        InvoiceVat(
            invoice_id=invoice.id,
            category=category,
            rate=rate,
            base_minor=bases[category, rate],
            vat_minor=vat,
            exemption_reason=draft.exemptions.get(category, ""),
        )
        for (category, rate), vat in taxes.items()
    )
    zone = session.get_one(Company, debtor.company_id).zone
    value_on = min(draft.issued_on, clock.today(zone))
    ledger.issue(session, invoice, debtor, ledger.Occasion(at=clock.now(), value_on=value_on))
    audit.record(
        session,
        by,
        "invoice.entered",
        subject_type="invoice",
        subject_id=invoice.id,
        company_id=debtor.company_id,
        debtor_id=debtor.id,
        after={"number": draft.number, "minor": invoice.total_minor, "kind": draft.kind.value},
    )
    return invoice


def _round(value: Decimal) -> int:
    return int(value.quantize(Decimal(1), ROUND_HALF_UP))
