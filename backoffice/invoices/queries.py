"""The list of invoices, and one invoice's story."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal

from sqlalchemy import ColumnElement, and_, case, func, or_, select, union
from sqlalchemy.orm import Session

from backoffice.listing import Ask, Line, Orders, Query, is_small, like, one_page, ordered
from payments.models import Means, Payment, PaymentAllocation
from payments.queries import Leg
from payments.status import PaymentStatus
from shared.debtors.models import Debtor
from shared.debtors.service import searchable
from shared.giving.models import Gift, GiftKind, GiftPart, GiftState
from shared.invoices.models import NUMBER, Freeze, FreezeKind, Invoice, InvoiceKind, InvoiceLine, InvoiceVat
from shared.kit.errors import NotFound
from shared.kit.money import Money, MoneyParseError, parse_minor
from shared.kit.words import gettext as _
from shared.ledger.models import Transfer
from shared.promises.queries import Pause, pauses_of
from shared.web.paging import Page

STATES = ("open", "late", "held", "frozen", "cancel_asked", "came_back", "paid", "notes", "all")
AGES = {"0": (None, 0), "1": (1, 30), "2": (31, 60), "3": (61, 90), "4": (91, None)}
"""Days late, from and to."""

_WAITING = (Gift.kind == GiftKind.CANCELLATION.value, Gift.state == GiftState.ASKED)

ORDERS = Orders(
    {
        "due": Invoice.due_on,
        "issued": Invoice.issued_on,
        "number": NUMBER,
        "open": Invoice.open_minor,
    },
    identity=Invoice.id,
    default="due",
)


@dataclass(frozen=True, slots=True)
class InvoiceRow:
    """One invoice in the list."""

    id: uuid.UUID
    kind: InvoiceKind
    number: str
    debtor_id: uuid.UUID
    debtor_name: str
    debtor_code: str
    issued_on: date
    due_on: date
    total: Money
    open: Money
    held: Money
    frozen: Money
    paused: Money
    settled_on: date | None
    pause: Pause | None = None
    """On a page of the list: what the debtor said of it."""

    @property
    def is_paused(self) -> bool:
        """Whether nobody asks for any of it, because it is promised or said to be paid."""
        return self.pause is not None and self.pause.minor >= (self.open - self.held - self.frozen).minor


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over the whole selection; credit notes count negative."""

    count: int
    total: Money
    open: Money


@dataclass(frozen=True, slots=True)
class FreezeRow:
    """Why a part is frozen."""

    id: uuid.UUID
    kind: FreezeKind
    amount: Money
    reason: str
    frozen_at: datetime
    lifted_at: datetime | None


@dataclass(frozen=True, slots=True)
class PaymentRow:
    """A payment meant for this invoice."""

    id: uuid.UUID
    reference: str
    means: Means
    status: PaymentStatus
    amount: Money
    created_at: datetime


def browse(session: Session, company_id: uuid.UUID, ask: Ask, *, today: date, currency: str) -> Page[InvoiceRow]:
    """One page of invoices."""
    found = one_page(session, _rows(company_id, ask, today, currency), ORDERS, ask)
    rows = [_row(row) for row in found.rows]
    said = pauses_of(session, [row.id for row in rows if not row.paused.is_zero])
    rows = [replace(row, pause=said[row.id]) if row.id in said else row for row in rows]
    return Page(rows, found.next_key, found.previous_key)


def everything(
    session: Session, company_id: uuid.UUID, ask: Ask, *, today: date, currency: str
) -> Iterator[InvoiceRow]:
    """The whole selection in its order, read in portions (exports)."""
    query = ordered(_rows(company_id, ask, today, currency), ORDERS, ask.sort)
    for row in session.execute(query.execution_options(yield_per=2000)):
        yield _row(row)


def totals(session: Session, company_id: uuid.UUID, ask: Ask, *, today: date, currency: str) -> Totals | None:
    """Count and sums of the whole selection; None for a large one, unless they are asked for."""
    matching = _filtered(select(Invoice.id), company_id, ask, today, currency)
    if not ask.wants_totals and not is_small(session, matching):
        return None
    sign = case((Invoice.kind == InvoiceKind.CREDIT_NOTE, -1), else_=1)
    query = select(
        func.count(),
        func.coalesce(func.sum(sign * Invoice.total_minor), 0),
        func.coalesce(func.sum(sign * Invoice.open_minor), 0),
    )
    count, total, open_ = session.execute(_filtered(query, company_id, ask, today, currency)).one()
    return Totals(count, Money(int(total), currency), Money(int(open_), currency))


def waiting_cancellation(session: Session, invoice_id: uuid.UUID) -> Gift | None:
    """The cancellation of an invoice that waits for a second person."""
    query = select(Gift).join(GiftPart, GiftPart.gift_id == Gift.id).where(GiftPart.invoice_id == invoice_id, *_WAITING)
    return session.scalar(query)


def find_cancellation(session: Session, invoice_id: uuid.UUID, cancellation_id: uuid.UUID) -> Gift | None:
    """One cancellation that was asked for of an invoice, whatever became of it."""
    return session.scalar(
        select(Gift)
        .join(GiftPart, GiftPart.gift_id == Gift.id)
        .where(GiftPart.invoice_id == invoice_id, Gift.subject_id == cancellation_id)
        .where(Gift.kind == GiftKind.CANCELLATION.value)
    )


def count_waiting(session: Session, company_id: uuid.UUID) -> tuple[int, int]:
    """How many cancellations wait for a second person, and their sum in minor units."""
    query = select(func.count(), func.coalesce(func.sum(Gift.minor), 0)).where(Gift.company_id == company_id, *_WAITING)
    count, minor = session.execute(query).one()
    return int(count), int(minor)


def came_back() -> ColumnElement[bool]:
    """Invoices that are no longer in the books, of which money that went back has opened something again."""
    return and_(Invoice.cancelled_on.is_not(None), Invoice.open_minor > Invoice.elsewhere_minor)


def count_came_back(session: Session, company_id: uuid.UUID) -> tuple[int, int]:
    """How many of them there are, and what is open of them in minor units."""
    open_minor = Invoice.open_minor - Invoice.elsewhere_minor
    query = select(func.count(), func.coalesce(func.sum(open_minor), 0)).where(Invoice.company_id == company_id)
    count, minor = session.execute(query.where(came_back(), Invoice.kind == InvoiceKind.INVOICE)).one()
    return int(count), int(minor)


def _rows(company_id: uuid.UUID, ask: Ask, today: date, currency: str) -> Query:
    query = select(
        Invoice.id,
        Invoice.kind,
        Invoice.number,
        Invoice.debtor_id,
        Debtor.name,
        Debtor.account_code,
        Invoice.issued_on,
        Invoice.due_on,
        Invoice.currency,
        Invoice.total_minor,
        Invoice.open_minor,
        Invoice.held_minor,
        Invoice.frozen_minor,
        Invoice.paused_minor,
        Invoice.settled_on,
    ).join(Debtor, Debtor.id == Invoice.debtor_id)
    return _filtered(query, company_id, ask, today, currency)


def _filtered(query: Query, company_id: uuid.UUID, ask: Ask, today: date, currency: str) -> Query:
    query = query.where(Invoice.company_id == company_id)
    state = ask.get("state") or ("all" if ask.q or ask.get("debtor") else "open")
    condition = _states(today).get(state)
    if condition is not None:
        query = query.where(condition)
    age = _age(ask.get("age"), today)
    if age is not None:
        query = query.where(Invoice.open_minor > 0, age)
    debtor = read_uuid(ask.get("debtor"))
    if debtor is not None:
        query = query.where(Invoice.debtor_id == debtor)
    for name, is_least in (("least", True), ("most", False)):
        minor = _minor(ask.get(name), currency)
        if minor is not None:
            query = query.where(Invoice.open_minor >= minor if is_least else Invoice.open_minor <= minor)
    return query.where(_search(company_id, ask.q)) if ask.q else query


def _states(today: date) -> dict[str, ColumnElement[bool]]:
    is_invoice = Invoice.kind == InvoiceKind.INVOICE
    return {
        "open": and_(Invoice.open_minor > 0, is_invoice),
        "late": and_(Invoice.open_minor > 0, is_invoice, Invoice.due_on < today),
        "held": and_(Invoice.open_minor > 0, Invoice.held_minor > 0),
        "frozen": and_(Invoice.open_minor > 0, Invoice.frozen_minor > 0),
        "came_back": came_back(),
        "cancel_asked": Invoice.id.in_(
            select(GiftPart.invoice_id).join(Gift, Gift.id == GiftPart.gift_id).where(*_WAITING)
        ),
        "paid": and_(Invoice.open_minor == 0, is_invoice),
        "notes": Invoice.kind == InvoiceKind.CREDIT_NOTE,
    }


def _age(age: str, today: date) -> ColumnElement[bool] | None:
    if age not in AGES:
        return None
    least, most = AGES[age]
    newest = today - timedelta(days=least) if least is not None else None
    oldest = today - timedelta(days=most) if most is not None else None
    conditions: list[ColumnElement[bool]] = [Invoice.kind == InvoiceKind.INVOICE]
    if newest is not None:
        conditions.append(Invoice.due_on <= newest)
    if oldest is not None:
        conditions.append(Invoice.due_on >= oldest)
    return and_(*conditions)


def _search(company_id: uuid.UUID, text: str) -> ColumnElement[bool]:
    """The beginning of a number as it is written, or a debtor by words: two indexed looks, united."""
    mine = Invoice.company_id == company_id
    begins = or_(*(Invoice.number.like(like(form).removeprefix("%")) for form in dict.fromkeys((text, text.upper()))))
    debtors = select(Debtor.id).where(Debtor.company_id == company_id)
    for word in searchable(text).split():
        debtors = debtors.where(Debtor.search_text.like(like(word)))
    found = union(select(Invoice.id).where(mine, begins), select(Invoice.id).where(Invoice.debtor_id.in_(debtors)))
    return Invoice.id.in_(found)


def _minor(text: str, currency: str) -> int | None:
    try:
        return parse_minor(text, currency) if text else None
    except MoneyParseError:
        return None


def read_uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def _row(row: Line) -> InvoiceRow:
    return InvoiceRow(
        id=row.id,
        kind=row.kind,
        number=row.number,
        debtor_id=row.debtor_id,
        debtor_name=row.name,
        debtor_code=row.account_code,
        issued_on=row.issued_on,
        due_on=row.due_on,
        total=Money(row.total_minor, row.currency),
        open=Money(row.open_minor, row.currency),
        held=Money(row.held_minor, row.currency),
        frozen=Money(row.frozen_minor, row.currency),
        paused=Money(row.paused_minor, row.currency),
        settled_on=row.settled_on,
    )


def get_invoice(session: Session, company_id: uuid.UUID, invoice_id: uuid.UUID) -> tuple[Invoice, Debtor]:
    """An invoice of this company with its debtor; raises NotFound for anybody else's."""
    found = session.execute(
        select(Invoice, Debtor)
        .join(Debtor, Debtor.id == Invoice.debtor_id)
        .where(Invoice.id == invoice_id, Invoice.company_id == company_id)
    ).one_or_none()
    if found is None:
        raise NotFound("invoice.missing", _("There is no such invoice."))
    return found.Invoice, found.Debtor


def lines(session: Session, invoice_id: uuid.UUID) -> list[InvoiceLine]:
    """What it is for."""
    query = select(InvoiceLine).where(InvoiceLine.invoice_id == invoice_id).order_by(InvoiceLine.position)
    return list(session.scalars(query))


def vat(session: Session, invoice_id: uuid.UUID) -> list[InvoiceVat]:
    """Its VAT by rate."""
    query = select(InvoiceVat).where(InvoiceVat.invoice_id == invoice_id).order_by(InvoiceVat.rate)
    return list(session.scalars(query))


def freezes(session: Session, invoice_id: uuid.UUID, currency: str) -> list[FreezeRow]:
    """What froze it, the latest first."""
    query = select(Freeze).where(Freeze.invoice_id == invoice_id).order_by(Freeze.id.desc())
    return [
        FreezeRow(each.id, each.kind, Money(each.amount_minor, currency), each.reason, each.frozen_at, each.lifted_at)
        for each in session.scalars(query)
    ]


def payments(session: Session, invoice_id: uuid.UUID) -> list[PaymentRow]:
    """Payments meant for it, the latest first; the amount is its part."""
    rows = session.execute(
        select(
            Payment.id,
            Payment.reference,
            Payment.means,
            Payment.status,
            PaymentAllocation.amount_minor,
            Payment.currency,
            Payment.created_at,
        )
        .join(PaymentAllocation, PaymentAllocation.payment_id == Payment.id)
        .where(PaymentAllocation.invoice_id == invoice_id)
        .order_by(Payment.id.desc())
        .limit(100)
    )
    return [
        PaymentRow(row.id, row.reference, row.means, row.status, Money(row.amount_minor, row.currency), row.created_at)
        for row in rows
    ]


def legs(session: Session, debtor_id: uuid.UUID, invoice: Invoice) -> list[Leg]:
    """Its ledger: every transfer that touches it, in order."""
    query = (
        select(Transfer)
        .where(Transfer.debtor_id == debtor_id)
        .where(or_(Transfer.debit_owner == invoice.id, Transfer.credit_owner == invoice.id))
        .order_by(Transfer.id)
    )
    return [
        Leg(
            at=row.at,
            value_on=row.value_on,
            kind=row.kind,
            phase=row.phase,
            debit=row.debit_account,
            debit_number=invoice.number if row.debit_owner == invoice.id else "",
            credit=row.credit_account,
            credit_number=invoice.number if row.credit_owner == invoice.id else "",
            money=Money(row.amount_minor, row.currency),
            provider_reference=row.provider_reference,
        )
        for row in session.scalars(query)
    ]


def quantity(value: Decimal) -> Decimal:
    """A quantity without the zeros of its column."""
    plain = value.normalize()
    return plain.quantize(Decimal(1)) if plain == plain.to_integral_value() else plain
