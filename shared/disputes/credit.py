"""The credit note that an accepted dispute makes: lines and VAT in the proportions of its invoice, to the cent."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared.company.queries import today_of
from shared.debtors import affairs
from shared.debtors.models import Debtor
from shared.disputes.models import DisputePart
from shared.disputes.rules import NEEDS_WORDS, UNTAXED, Vat, gross_of_line, guess_rate, split_gross
from shared.documents.queries import original_vats
from shared.invoices.models import Invoice, InvoiceKind, InvoiceLine, InvoiceVat
from shared.kit import db
from shared.kit.actors import Actor
from shared.kit.errors import Invalid
from shared.kit.money import minor_digits
from shared.kit.words import gettext as _
from shared.kit.words import speaking
from shared.ledger.enter import InvoiceDraft, LineDraft, enter

LONGEST_NUMBER = 64


@dataclass(frozen=True, slots=True)
class Told:
    """What somebody says of the VAT of invoices that do not tell it themselves."""

    rate: Decimal | None = None
    category: str = ""
    """Why there is none, of `rules.UNTAXED`; counts only for what bears 0 %."""
    exemption_reason: str = ""


NOTHING_TOLD = Told()


def vat_table(session: Session, invoice: Invoice, told: Told = NOTHING_TOLD) -> list[Vat]:
    """The VAT of an invoice by rate: as it stands on it, else as its electronic original, its totals or somebody tells.

    [] when nobody knows its rate; or knows that it is 0 %, but not why: without VAT there is always a reason, and a paper
    that names another one is false.
    """
    rows = session.scalars(
        select(InvoiceVat)
        .where(InvoiceVat.invoice_id == invoice.id)
        .order_by(InvoiceVat.rate.desc(), InvoiceVat.category)
    ).all()
    if rows:
        return [Vat(row.category, row.rate, row.base_minor, row.vat_minor, row.exemption_reason) for row in rows]
    if stated := original_vats(session, invoice):
        return [
            Vat(each.category, each.rate, each.base.minor, each.vat.minor, each.exemption_reason) for each in stated
        ]
    base_minor, vat_minor, rate = invoice.total_minor, 0, told.rate
    if invoice.net_minor is not None and invoice.vat_minor is not None:
        guessed = guess_rate(invoice.net_minor, invoice.vat_minor)
        if guessed is not None:
            base_minor, vat_minor, rate = invoice.net_minor, invoice.vat_minor, guessed
    if rate is None or (not rate and not told.category):
        return []
    if not rate:
        return [Vat(told.category, rate, base_minor, 0, told.exemption_reason)]
    if vat_minor:
        return [Vat("S", rate, base_minor, vat_minor)]
    return split_gross(invoice.total_minor, [Vat("S", rate, invoice.total_minor, 0)])


def is_rate_unknown(session: Session, invoice: Invoice) -> bool:
    """Whether only a person can say at which rate an invoice was taxed."""
    return not vat_table(session, invoice, Told(category="Z"))


def is_ground_unknown(session: Session, invoice: Invoice) -> bool:
    """Whether only a person can say why an invoice bears no VAT, if it bears none."""
    return not vat_table(session, invoice, Told(rate=Decimal(0)))


def suggest_number(session: Session, invoice: Invoice) -> str:
    """A number for a credit note on this invoice that the debtor does not have yet: "AV-2026-014", then "AV-2026-014-2"."""
    base = f"AV-{invoice.number}"[: LONGEST_NUMBER - 4]
    taken = set(
        session.scalars(
            select(Invoice.number)
            .where(Invoice.debtor_id == invoice.debtor_id, Invoice.kind == InvoiceKind.CREDIT_NOTE)
            .where(Invoice.number.startswith(base, autoescape=True))
        )
    )
    return next(
        number for number in (base, *(f"{base}-{turn}" for turn in range(2, len(taken) + 3))) if number not in taken
    )


def open_note(session: Session, debtor: Debtor, note_id: uuid.UUID, *, minor: int) -> Invoice:
    """An open credit note of the debtor with so much left; raises Invalid."""
    note = session.get(Invoice, note_id)
    if note is None or note.debtor_id != debtor.id or note.kind is not InvoiceKind.CREDIT_NOTE:
        raise Invalid("dispute.note", _("Choose a credit note of this debtor."))
    note = db.lock(session, Invoice, note_id)
    if note.open_minor < minor:
        raise Invalid("dispute.note_small", _("Of this credit note less is left than is to be credited."))
    return note


def make_note(
    session: Session,
    debtor: Debtor,
    invoice: Invoice,
    contested: Sequence[tuple[DisputePart, int]],
    *,
    number: str,
    vat: Told,
    reference: str,
    by: Actor,
) -> Invoice:
    """Enter a credit note over these amounts (with VAT) of parts of one invoice; the debtor is locked by the caller.

    A contested line gives its own text and rate; an amount is split over the rates of the invoice in proportion. The
    total is the sum of the amounts to the cent. Raises Invalid when nobody knows the VAT or why there is none, or the number
    is taken.
    """
    _check(vat)
    table = vat_table(session, invoice, vat)
    if not table:
        if vat.rate is None and is_rate_unknown(session, invoice):
            raise Invalid(
                "dispute.vat_unknown",
                _("Invoice %(number)s does not say its VAT: give the rate for the credit note.", number=invoice.number),
            )
        raise Invalid(
            "dispute.vat_category",
            _("Invoice %(number)s bears no VAT and does not say why: choose the reason.", number=invoice.number),
        )
    with speaking(debtor.language):
        title = _("Credit for invoice %(number)s (%(reference)s)", number=invoice.number, reference=reference)
        lines: list[LineDraft] = []
        taxes: dict[tuple[str, Decimal], int] = {}
        for part, minor in contested:
            name, pieces = _pieces(session, invoice, part, minor, table)
            for piece in pieces:
                key = (piece.category, piece.rate)
                taxes[key] = taxes.get(key, 0) + piece.vat_minor
                lines.append(_line(name, piece, debtor.currency))
    today = today_of(session, debtor.company_id)
    draft = InvoiceDraft(
        number=number.strip()[:LONGEST_NUMBER] or suggest_number(session, invoice),
        issued_on=today,
        due_on=today,
        lines=lines,
        kind=InvoiceKind.CREDIT_NOTE,
        title=title,
        order_reference=invoice.order_reference,
        credits_invoice_id=invoice.id,
        exemptions={each.category: each.exemption_reason for each in table if each.exemption_reason},
        taxes=taxes,
    )
    note = enter(session, debtor, draft, by=by)
    affairs.owes_otherwise(session, debtor.id)
    return note


def _pieces(
    session: Session, invoice: Invoice, part: DisputePart, minor: int, table: Sequence[Vat]
) -> tuple[str, list[Vat]]:
    line = session.get(InvoiceLine, part.line_id) if part.line_id else None
    if line is None:
        return _("Reduction of invoice %(number)s", number=invoice.number), split_gross(minor, table)
    whole = gross_of_line(line.net_minor, line.vat_rate)
    if minor == whole:
        return line.description, [Vat(line.vat_category, line.vat_rate, line.net_minor, whole - line.net_minor)]
    own = [Vat(line.vat_category, line.vat_rate, line.net_minor, max(whole - line.net_minor, 0))]
    return line.description, split_gross(minor, own)


def _line(name: str, piece: Vat, currency: str) -> LineDraft:
    price = Decimal(piece.base_minor).scaleb(-minor_digits(currency))
    return LineDraft(description=name, unit_price=price, vat_rate=piece.rate, vat_category=piece.category)


def _check(vat: Told) -> None:
    if vat.category and vat.category not in UNTAXED:
        raise Invalid("dispute.vat_category", _("Choose why there is no VAT."))
    if vat.category in NEEDS_WORDS and not vat.exemption_reason.strip():
        raise Invalid(
            "dispute.exemption", _("An exemption needs its article: write the mention that stands on the invoice.")
        )
