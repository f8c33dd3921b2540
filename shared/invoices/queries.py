"""Reads of invoices for whoever owes them. Every one starts from the debtor; what is another's does not exist (I11)."""

import enum
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Date, Integer, Select, and_, bindparam, case, false, func, or_, select, tuple_
from sqlalchemy.orm import Session, aliased

from shared.debtors.models import Debtor
from shared.invoices.models import Freeze, FreezeKind, Invoice, InvoiceKind, InvoiceLine
from shared.kit.db import Reader, among
from shared.kit.errors import NotFound
from shared.kit.money import Money
from shared.kit.words import gettext as _


def numbered(text: str) -> ColumnElement[bool]:
    """Invoices with this number, asked as their index has it: whoever asks adds the company."""
    return Invoice.number.collate("C") == text


@dataclass(frozen=True, slots=True)
class InvoiceRow:
    """An invoice or credit note in a list."""

    id: uuid.UUID
    kind: InvoiceKind
    number: str
    title: str
    issued_on: date
    due_on: date
    currency: str
    total_minor: int
    open_minor: int
    held_minor: int
    frozen_minor: int
    paused_minor: int
    """What is promised, said to be paid, or owed again from a later day: it may be paid, and nobody asks for it."""
    settled_on: date | None

    @property
    def total(self) -> Money:
        return Money(self.total_minor, self.currency)

    @property
    def open(self) -> Money:
        return Money(self.open_minor, self.currency)

    @property
    def held(self) -> Money:
        return Money(self.held_minor, self.currency)

    @property
    def payable_minor(self) -> int:
        """What may be paid now: open, not held by a payment in flight, not frozen by a dispute or plan."""
        if self.kind is InvoiceKind.CREDIT_NOTE:
            return 0
        return max(0, self.open_minor - max(self.held_minor, 0) - self.frozen_minor)

    @property
    def payable(self) -> Money:
        return Money(self.payable_minor, self.currency)

    @property
    def is_credit_note(self) -> bool:
        return self.kind is InvoiceKind.CREDIT_NOTE

    def is_late(self, today: date) -> bool:
        return not self.is_credit_note and self.open_minor > 0 and self.due_on < today


_ROW = (
    Invoice.id,
    Invoice.kind,
    Invoice.number,
    Invoice.title,
    Invoice.issued_on,
    Invoice.due_on,
    Invoice.currency,
    Invoice.total_minor,
    Invoice.open_minor,
    Invoice.held_minor,
    Invoice.frozen_minor,
    Invoice.paused_minor,
    Invoice.settled_on,
)


def _row(found: Any) -> InvoiceRow:
    return InvoiceRow(
        found.id,
        found.kind,
        found.number,
        found.title,
        found.issued_on,
        found.due_on,
        found.currency,
        found.total_minor,
        found.open_minor,
        found.held_minor,
        found.frozen_minor,
        found.paused_minor,
        found.settled_on,
    )


@dataclass(frozen=True, slots=True)
class Standing:
    """What a debtor owes, in its currency, and the first rows of it by due day."""

    currency: str
    payable_minor: int
    late_minor: int
    late_count: int
    late_paused_minor: int
    """Of what is late: what promises and declared transfers cover."""
    held_minor: int
    frozen_minor: int
    paused_minor: int
    """What promises and declared transfers cover."""
    coming_minor: int
    """Of what may be paid: not due yet."""
    coming_count: int
    note_minor: int
    """What credit notes still hold."""
    credit_minor: int
    """Money received that settles nothing yet."""
    has_autopay: bool
    open_count: int
    rows: Sequence[InvoiceRow]
    also: bool = False
    """The answer to what else was asked in the same breath."""
    contested_minor: int = 0
    """What banks contest and nobody is offered to pay (`without_contested`)."""

    def money(self, minor: int) -> Money:
        return Money(minor, self.currency)


@cache
def _standing(also: ColumnElement[bool] | None) -> Select[*tuple[Any, ...]]:
    """The query of `standing`, put together once for each other question."""
    today = bindparam("today", type_=Date)
    is_invoice = Invoice.kind == InvoiceKind.INVOICE
    payable = func.greatest(0, Invoice.open_minor - Invoice.held_minor - Invoice.frozen_minor)

    def total(value: Any, when: ColumnElement[bool]) -> Any:
        return func.coalesce(func.sum(case((when, value), else_=0)).over(), 0)

    is_payable = and_(is_invoice, payable > 0)
    return (
        select(
            Debtor.currency.label("debtor_currency"),
            Debtor.credit_minor,
            Debtor.autopay,
            total(payable, is_invoice).label("payable_minor"),
            total(payable, and_(is_invoice, Invoice.due_on < today)).label("late_minor"),
            total(1, and_(is_payable, Invoice.due_on < today)).label("late_count"),
            total(func.least(payable, Invoice.paused_minor), and_(is_invoice, Invoice.due_on < today)).label(
                "late_paused_minor"
            ),
            total(payable, and_(is_invoice, Invoice.due_on >= today)).label("coming_minor"),
            total(1, and_(is_payable, Invoice.due_on >= today)).label("coming_count"),
            total(Invoice.held_minor, is_invoice).label("all_held_minor"),
            total(Invoice.frozen_minor, is_invoice).label("all_frozen_minor"),
            total(Invoice.paused_minor, is_invoice).label("all_paused_minor"),
            total(Invoice.open_minor, ~is_invoice).label("note_minor"),
            func.count(Invoice.id).over().label("open_count"),
            (false() if also is None else also).label("also"),
            *_ROW,
        )
        .select_from(Debtor)
        .outerjoin(Invoice, and_(Invoice.debtor_id == Debtor.id, Invoice.open_minor > 0))
        .where(Debtor.id == bindparam("debtor_id"))
        .order_by(Invoice.due_on, Invoice.id)
        .limit(bindparam("limit", type_=Integer))
    )


def standing(
    reader: Reader, debtor_id: uuid.UUID, *, today: date, limit: int = 20, also: ColumnElement[bool] | None = None
) -> Standing:
    """The account of a debtor on a day, in one indexed query: sums over all that is open, rows of the oldest.

    `also`: a constant question of a higher room about `bindparam("debtor_id")`, asked without another round trip.
    """
    facts = {"debtor_id": debtor_id, "today": today, "limit": limit}
    rows = reader.execute(_standing(also), facts).all()
    if not rows:
        raise NotFound("debtor.missing", _("There is no such account."))
    first = rows[0]
    return Standing(
        currency=first.debtor_currency,
        payable_minor=int(first.payable_minor),
        late_minor=int(first.late_minor),
        late_count=int(first.late_count),
        late_paused_minor=int(first.late_paused_minor),
        held_minor=int(first.all_held_minor),
        frozen_minor=int(first.all_frozen_minor),
        paused_minor=int(first.all_paused_minor),
        coming_minor=int(first.coming_minor),
        coming_count=int(first.coming_count),
        note_minor=int(first.note_minor),
        credit_minor=first.credit_minor,
        has_autopay=first.autopay,
        open_count=first.open_count,
        rows=tuple(_row(row) for row in rows if row.id is not None),
        also=bool(first.also),
    )


class State(enum.Enum):
    """The views of a list of invoices."""

    OPEN = "open"
    LATE = "late"
    PAID = "paid"
    CREDITS = "credits"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Sought:
    """What a list of invoices is asked for. `after` is the place (issued_on, id) of the last row seen."""

    state: State = State.OPEN
    words: str = ""
    since: date | None = None
    until: date | None = None
    after: tuple[date, uuid.UUID] | None = None
    before: tuple[date, uuid.UUID] | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """One page of a list, and the sums of the whole selection."""

    rows: Sequence[InvoiceRow]
    count: int
    open_minor: int
    has_next: bool
    has_previous: bool


def search(session: Session, debtor_id: uuid.UUID, sought: Sought, *, today: date, size: int = 25) -> Found:
    """A debtor's invoices, the latest issued first, paged by key."""
    chosen = _chosen(debtor_id, sought, today)
    sign = case((Invoice.kind == InvoiceKind.CREDIT_NOTE, -1), else_=1)
    count, open_minor = session.execute(
        select(func.count(), func.coalesce(func.sum(sign * Invoice.open_minor), 0)).where(*chosen)
    ).one()
    place = tuple_(Invoice.issued_on, Invoice.id)
    backwards = sought.after is None and sought.before is not None
    query = select(*_ROW).where(*chosen)
    if sought.after is not None:
        query = query.where(place < tuple_(*sought.after))
    elif sought.before is not None:
        query = query.where(place > tuple_(*sought.before))
    order = (Invoice.issued_on, Invoice.id) if backwards else (Invoice.issued_on.desc(), Invoice.id.desc())
    rows = [_row(row) for row in session.execute(query.order_by(*order).limit(size + 1))]
    more, rows = len(rows) > size, rows[:size]
    if backwards:
        rows.reverse()
    return Found(
        rows=rows,
        count=int(count),
        open_minor=int(open_minor),
        has_next=more or backwards,
        has_previous=more if backwards else sought.after is not None,
    )


def _chosen(debtor_id: uuid.UUID, sought: Sought, today: date) -> list[ColumnElement[bool]]:
    is_note = Invoice.kind == InvoiceKind.CREDIT_NOTE
    chosen: list[ColumnElement[bool]] = [Invoice.debtor_id == debtor_id]
    if sought.state is State.OPEN:
        chosen.append(Invoice.open_minor > 0)
    elif sought.state is State.LATE:
        chosen += [Invoice.open_minor > 0, ~is_note, Invoice.due_on < today]
    elif sought.state is State.PAID:
        chosen += [Invoice.open_minor == 0, ~is_note]
    elif sought.state is State.CREDITS:
        chosen.append(is_note)
    if sought.words:
        pattern = _anywhere(sought.words)
        chosen.append(
            or_(
                Invoice.number.ilike(pattern, escape="\\"),
                Invoice.title.ilike(pattern, escape="\\"),
                Invoice.order_reference.ilike(pattern, escape="\\"),
            )
        )
    if sought.since:
        chosen.append(Invoice.issued_on >= sought.since)
    if sought.until:
        chosen.append(Invoice.issued_on <= sought.until)
    return chosen


def _anywhere(words: str) -> str:
    escaped = words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


def rows_of(session: Session, debtor_id: uuid.UUID, ids: Sequence[uuid.UUID]) -> list[InvoiceRow]:
    """These invoices of a debtor by due day; raises NotFound when one of them is not the debtor's."""
    wanted = set(ids)
    found = session.execute(
        select(*_ROW)
        .where(Invoice.debtor_id == debtor_id, among(Invoice.id, wanted))
        .order_by(Invoice.due_on, Invoice.id)
    )
    rows = [_row(row) for row in found]
    if len(rows) != len(wanted):
        raise NotFound("invoice.missing", _("There is no such invoice."))
    return rows


def all_of(session: Session, debtor_id: uuid.UUID) -> list[InvoiceRow]:
    """Every invoice and credit note of a debtor, the newest first."""
    query = select(*_ROW).where(Invoice.debtor_id == debtor_id).order_by(Invoice.issued_on.desc(), Invoice.id.desc())
    return [_row(row) for row in session.execute(query)]


@dataclass(frozen=True, slots=True)
class Contested:
    """What of an invoice may be paid, and is not offered, for a bank contests the payment that had settled it."""

    invoice_id: uuid.UUID
    due_on: date
    minor: int
    is_all: bool
    """Of what may be paid of it."""


def contested(session: Session, debtor_id: uuid.UUID) -> list[Contested]:
    """A debtor's invoices of which banks contest something that may be paid."""
    payable = func.greatest(0, Invoice.open_minor - Invoice.held_minor - Invoice.frozen_minor).label("payable")
    rows = session.execute(
        select(Invoice.id, Invoice.due_on, payable, func.sum(Freeze.amount_minor).label("minor"))
        .join(Freeze, Freeze.invoice_id == Invoice.id)
        .where(Invoice.debtor_id == debtor_id, Invoice.kind == InvoiceKind.INVOICE)
        .where(Freeze.kind == FreezeKind.CHARGEBACK, Freeze.lifted_at.is_(None))
        .group_by(Invoice.id)
        .order_by(Invoice.due_on, Invoice.id)
    )
    return [
        Contested(row.id, row.due_on, min(row.payable, int(row.minor)), row.minor >= row.payable)
        for row in rows
        if row.payable > 0
    ]


def without_contested(standing: Standing, found: Sequence[Contested], *, today: date) -> Standing:
    """The sums of an account less what banks contest: that is shown, and offered to nobody. Pure."""
    late = [one for one in found if one.due_on < today]
    coming = [one for one in found if one.due_on >= today]
    return replace(
        standing,
        payable_minor=standing.payable_minor - sum(one.minor for one in found),
        late_minor=standing.late_minor - sum(one.minor for one in late),
        late_count=standing.late_count - sum(one.is_all for one in late),
        late_paused_minor=standing.late_paused_minor - sum(one.minor for one in late),
        coming_minor=standing.coming_minor - sum(one.minor for one in coming),
        coming_count=standing.coming_count - sum(one.is_all for one in coming),
        contested_minor=sum(one.minor for one in found),
    )


def payable(session: Session, debtor_id: uuid.UUID, *, due_before: date | None = None) -> list[InvoiceRow]:
    """A debtor's invoices of which something may be paid now, the oldest due first; all, or those due before a day."""
    query = (
        select(*_ROW)
        .where(Invoice.debtor_id == debtor_id, Invoice.open_minor > 0, Invoice.kind == InvoiceKind.INVOICE)
        .where(Invoice.open_minor - Invoice.held_minor - Invoice.frozen_minor > 0)
        .order_by(Invoice.due_on, Invoice.id)
    )
    if due_before is not None:
        query = query.where(Invoice.due_on < due_before)
    return [_row(row) for row in session.execute(query)]


@dataclass(frozen=True, slots=True)
class LineRow:
    """One line of an invoice."""

    description: str
    quantity: Decimal
    unit: str
    unit_price: Decimal
    vat_rate: Decimal
    net_minor: int


@dataclass(frozen=True, slots=True)
class InvoiceSheet:
    """An invoice with what stands on it."""

    row: InvoiceRow
    order_reference: str
    due_is_derived: bool
    net_minor: int | None
    vat_minor: int | None
    credited: tuple[uuid.UUID, str] | None
    """Of a credit note: the invoice it corrects."""
    credits: Sequence[tuple[uuid.UUID, str, date]]
    """Of an invoice: the credit notes that correct it."""
    lines: Sequence[LineRow]
    line_count: int
    """How many there are in all: of very many, the first stand here."""


LINES_SHOWN = 500


def sheet(session: Session, debtor_id: uuid.UUID, invoice_id: uuid.UUID) -> InvoiceSheet:
    """A debtor's invoice; raises NotFound, also for another's."""
    corrected = aliased(Invoice)
    found = session.execute(
        select(
            *_ROW,
            Invoice.order_reference,
            Invoice.due_is_derived,
            Invoice.net_minor,
            Invoice.vat_minor,
            corrected.id.label("corrected_id"),
            corrected.number.label("corrected_number"),
        )
        .outerjoin(corrected, and_(corrected.id == Invoice.credits_invoice_id, corrected.debtor_id == debtor_id))
        .where(Invoice.id == invoice_id, Invoice.debtor_id == debtor_id)
    ).one_or_none()
    if found is None:
        raise NotFound("invoice.missing", _("There is no such invoice."))
    lines = session.execute(
        select(
            InvoiceLine.description,
            InvoiceLine.quantity,
            InvoiceLine.unit,
            InvoiceLine.unit_price,
            InvoiceLine.vat_rate,
            InvoiceLine.net_minor,
        )
        .where(InvoiceLine.invoice_id == invoice_id)
        .order_by(InvoiceLine.position)
        .limit(LINES_SHOWN)
    ).all()
    line_count = len(lines)
    if line_count == LINES_SHOWN:
        line_count = session.scalar(select(func.count()).where(InvoiceLine.invoice_id == invoice_id)) or 0
    notes = session.execute(
        select(Invoice.id, Invoice.number, Invoice.issued_on)
        .where(Invoice.debtor_id == debtor_id, Invoice.credits_invoice_id == invoice_id)
        .order_by(Invoice.issued_on)
    )
    return InvoiceSheet(
        row=_row(found),
        order_reference=found.order_reference,
        due_is_derived=found.due_is_derived,
        net_minor=found.net_minor,
        vat_minor=found.vat_minor,
        credited=(found.corrected_id, found.corrected_number) if found.corrected_id else None,
        credits=[(row.id, row.number, row.issued_on) for row in notes],
        lines=[LineRow(*row) for row in lines],
        line_count=line_count,
    )


@dataclass(frozen=True, slots=True)
class Credit:
    """What a debtor could use before paying: money that settles nothing yet, and open credit notes, the oldest first."""

    unapplied_minor: int
    notes: Sequence[InvoiceRow]

    @property
    def minor(self) -> int:
        return self.unapplied_minor + sum(note.open_minor for note in self.notes)


def credit_of(session: Session, debtor_id: uuid.UUID) -> Credit:
    """A debtor's usable credit."""
    unapplied = session.scalar(select(Debtor.credit_minor).where(Debtor.id == debtor_id)) or 0
    notes = session.execute(
        select(*_ROW)
        .where(Invoice.debtor_id == debtor_id, Invoice.open_minor > 0, Invoice.kind == InvoiceKind.CREDIT_NOTE)
        .order_by(Invoice.issued_on, Invoice.id)
    )
    return Credit(unapplied, [_row(row) for row in notes])
