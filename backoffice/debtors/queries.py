"""One debtor: who it is, what is open, who acts for it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, select
from sqlalchemy.orm import Session

from payments.models import Mandate, Payment
from payments.status import IN_FLIGHT, MandateStatus
from shared.access.models import LinkPurpose, MagicLink
from shared.debtors.models import Contact, ContactRole, Debtor, DebtorAlias, DebtorContact
from shared.debtors.rules import code_essence
from shared.invoices.models import Freeze, FreezeKind, Invoice, InvoiceKind
from shared.kit import clock
from shared.kit.errors import NotFound
from shared.kit.money import Money
from shared.kit.words import gettext as _
from shared.ledger.rules import OpenItem
from shared.promises.queries import Pause, pauses_of

SHOWN_ITEMS = 200
AGES = (0, 30, 60, 90)


@dataclass(frozen=True, slots=True)
class Balance:
    """A debtor's account in figures."""

    open: Money
    late: Money
    held: Money
    credit: Money
    invoice_count: int
    days_late: int
    in_flight_count: int
    pays_after_days: int | None
    ages: tuple[Money, ...]
    """Open amounts: not due, 1–30, 31–60, 61–90, over 90 days late."""


@dataclass(frozen=True, slots=True)
class ItemRow:
    """One open invoice or credit note."""

    id: uuid.UUID
    kind: InvoiceKind
    number: str
    issued_on: date
    due_on: date
    total: Money
    open: Money
    held: Money
    frozen: Money
    freeze: FreezeKind | None
    pause: Pause | None = None
    """What the debtor said of it."""

    @property
    def is_paused(self) -> bool:
        """Whether nobody asks for any of it, because it is promised or said to be paid."""
        return self.pause is not None and self.pause.minor >= (self.open - self.held - self.frozen).minor

    @property
    def available(self) -> Money:
        """What money received now may settle."""
        return self.open - self.held


@dataclass(frozen=True, slots=True)
class ContactRow:
    """A person who acts for the debtor."""

    id: uuid.UUID
    name: str
    email: str
    phone: str
    language: str
    role: ContactRole
    is_reminded: bool
    trusted_from: datetime | None
    """In the future: staff added this person, and nobody else has agreed yet."""
    added_by_id: uuid.UUID | None
    bounced_at: datetime | None
    live_links: int
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class LinkRow:
    """A magic link: when it was made, for whom, and whether it still opens the door. Its token is kept nowhere."""

    id: uuid.UUID
    contact_id: uuid.UUID
    contact_name: str
    purpose: LinkPurpose
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None
    use_count: int
    revoked_at: datetime | None
    revoked_by: str | None

    def is_live(self, now: datetime) -> bool:
        return self.revoked_at is None and now < self.expires_at


@dataclass(frozen=True, slots=True)
class MandateRow:
    """A mandate in the side panel."""

    id: uuid.UUID
    reference: str
    status: MandateStatus
    scheme_reference: str | None
    bank_name: str
    iban_ending: str
    iban_country: str
    next_charge_on: date | None


def get_debtor(session: Session, company_id: uuid.UUID, debtor_id: uuid.UUID) -> Debtor:
    """A debtor of this company; raises NotFound for anybody else's."""
    debtor = session.scalar(
        select(Debtor).where(Debtor.id == debtor_id, Debtor.company_id == company_id, Debtor.withdrawn_at.is_(None))
    )
    if debtor is None:
        raise NotFound("debtor.missing", _("There is no such debtor."))
    return debtor


def find_by_code(session: Session, company_id: uuid.UUID, code: str) -> Debtor | None:
    """A debtor of this company by its code, whatever its case, or by another code that is known for it."""
    mine = select(Debtor).where(
        Debtor.company_id == company_id, Debtor.merged_into_id.is_(None), Debtor.withdrawn_at.is_(None)
    )
    exact = session.scalar(mine.where(Debtor.account_code == code))
    if exact is not None:
        return exact
    essence = code_essence(code)
    alias = select(DebtorAlias.debtor_id).where(DebtorAlias.company_id == company_id, DebtorAlias.essence == essence)
    return session.scalars(
        mine.where((func.lower(Debtor.account_code) == essence) | Debtor.id.in_(alias)).limit(1)
    ).first()


def aliases(session: Session, debtor_id: uuid.UUID) -> list[str]:
    """The other codes under which its documents arrive."""
    return list(
        session.scalars(select(DebtorAlias.code).where(DebtorAlias.debtor_id == debtor_id).order_by(DebtorAlias.code))
    )


def balance(session: Session, debtor: Debtor, today: date) -> Balance:
    """The account in figures: one look at the open items, one at the payments, one at how long this debtor takes."""
    signed = case((Invoice.kind == InvoiceKind.CREDIT_NOTE, -Invoice.open_minor), else_=Invoice.open_minor)
    is_late = and_(Invoice.due_on < today, Invoice.kind == InvoiceKind.INVOICE)
    row = session.execute(
        select(
            func.coalesce(func.sum(Invoice.open_minor).filter(is_late), 0),
            func.count(),
            func.min(Invoice.due_on).filter(is_late),
            *(func.coalesce(func.sum(signed).filter(condition), 0) for condition in _ages(today)),
        ).where(Invoice.debtor_id == debtor.id, Invoice.open_minor > 0)
    ).one()
    in_flight = session.scalar(
        select(func.count()).where(Payment.debtor_id == debtor.id, Payment.status.in_(IN_FLIGHT))
    )
    pays_after = session.scalar(
        select(func.avg(Invoice.settled_on - Invoice.issued_on)).where(
            Invoice.debtor_id == debtor.id,
            Invoice.kind == InvoiceKind.INVOICE,
            Invoice.issued_on >= today - timedelta(days=730),
            Invoice.settled_on.is_not(None),
            Invoice.cancelled_on.is_(None),
        )
    )

    def money(minor: int) -> Money:
        return Money(int(minor), debtor.currency)

    return Balance(
        open=money(debtor.open_minor),
        late=money(row[0]),
        held=money(debtor.held_minor),
        credit=money(debtor.credit_minor),
        invoice_count=row[1],
        days_late=(today - row[2]).days if row[2] else 0,
        in_flight_count=in_flight or 0,
        pays_after_days=round(pays_after) if pays_after is not None else None,
        ages=tuple(money(each) for each in row[3:]),
    )


def _ages(today: date) -> list[ColumnElement[bool]]:
    edges = [today - timedelta(days=days) for days in AGES]
    between = [and_(Invoice.due_on < newer, Invoice.due_on >= older) for newer, older in pairwise(edges)]
    return [Invoice.due_on >= edges[0], *between, Invoice.due_on < edges[-1]]


def open_items(session: Session, debtor_id: uuid.UUID, *, limit: int | None = SHOWN_ITEMS) -> list[ItemRow]:
    """What is open, the oldest due day first."""
    live_freeze = (
        select(Freeze.kind)
        .where(Freeze.invoice_id == Invoice.id, Freeze.lifted_at.is_(None))
        .order_by(Freeze.id)
        .limit(1)
        .scalar_subquery()
    )
    rows = session.execute(
        select(
            Invoice.id,
            Invoice.kind,
            Invoice.number,
            Invoice.issued_on,
            Invoice.due_on,
            Invoice.currency,
            Invoice.total_minor,
            Invoice.open_minor,
            Invoice.held_minor,
            Invoice.frozen_minor,
            Invoice.paused_minor,
            live_freeze.label("freeze"),
        )
        .where(Invoice.debtor_id == debtor_id, Invoice.open_minor > 0)
        .order_by(Invoice.due_on, Invoice.id)
        .limit(limit)
    ).all()
    said = pauses_of(session, [row.id for row in rows if row.paused_minor])
    return [_item(row, said.get(row.id)) for row in rows]


def _item(row: Any, pause: Pause | None) -> ItemRow:
    total, open_, held, frozen = (
        Money(minor, row.currency) for minor in (row.total_minor, row.open_minor, row.held_minor, row.frozen_minor)
    )
    return ItemRow(
        row.id, row.kind, row.number, row.issued_on, row.due_on, total, open_, held, frozen, row.freeze, pause
    )


def payable_items(session: Session, debtor_id: uuid.UUID) -> list[ItemRow]:
    """Open invoices (no credit notes) with something that is not held: all of them, since money is spread over them."""
    items = open_items(session, debtor_id, limit=None)
    return [item for item in items if item.kind is InvoiceKind.INVOICE and item.available.minor > 0]


def as_open_items(items: list[ItemRow]) -> list[OpenItem]:
    """The same for the spreader of `ledger.rules`."""
    return [OpenItem(item.id, item.due_on, item.available.minor) for item in items]


def contacts(session: Session, debtor_id: uuid.UUID) -> list[ContactRow]:
    """The people who act for a debtor, with their live links."""
    now = clock.now()
    live = MagicLink.revoked_at.is_(None) & (MagicLink.expires_at > now)
    links = (
        select(
            MagicLink.contact_id,
            func.count().filter(live).label("live_links"),
            func.max(MagicLink.last_used_at).label("last_used_at"),
        )
        .where(MagicLink.debtor_id == debtor_id)
        .group_by(MagicLink.contact_id)
        .subquery()
    )
    rows = session.execute(
        select(
            Contact.id,
            Contact.name,
            Contact.email,
            Contact.phone,
            Contact.language,
            DebtorContact.role,
            DebtorContact.is_reminded,
            DebtorContact.trusted_from,
            DebtorContact.added_by_id,
            Contact.bounced_at,
            func.coalesce(links.c.live_links, 0),
            links.c.last_used_at,
        )
        .join(DebtorContact, DebtorContact.contact_id == Contact.id)
        .outerjoin(links, links.c.contact_id == Contact.id)
        .where(DebtorContact.debtor_id == debtor_id, DebtorContact.removed_at.is_(None))
        .order_by(DebtorContact.id)
    )
    return [ContactRow(*tuple(row)) for row in rows]


def get_contact(session: Session, debtor_id: uuid.UUID, contact_id: uuid.UUID) -> ContactRow:
    """One of the debtor's people; raises NotFound."""
    for each in contacts(session, debtor_id):
        if each.id == contact_id:
            return each
    raise NotFound("contact.missing", _("This person does not act for this account."))


def debtors_of(session: Session, contact_id: uuid.UUID) -> list[uuid.UUID]:
    """Every debtor that a person acts for."""
    query = select(DebtorContact.debtor_id).where(DebtorContact.contact_id == contact_id)
    return list(session.scalars(query.where(DebtorContact.removed_at.is_(None)).order_by(DebtorContact.id)))


def links(session: Session, debtor_id: uuid.UUID, *, limit: int = 50) -> list[LinkRow]:
    """The debtor's magic links, the latest first."""
    rows = session.execute(
        select(
            MagicLink.id,
            MagicLink.contact_id,
            func.coalesce(func.nullif(Contact.name, ""), Contact.email),
            MagicLink.purpose,
            MagicLink.created_at,
            MagicLink.expires_at,
            MagicLink.last_used_at,
            MagicLink.use_count,
            MagicLink.revoked_at,
            MagicLink.revoked_by,
        )
        .join(Contact, Contact.id == MagicLink.contact_id)
        .where(MagicLink.debtor_id == debtor_id)
        .order_by(MagicLink.id.desc())
        .limit(limit)
    )
    return [LinkRow(*row) for row in rows]


def mandates(session: Session, debtor_id: uuid.UUID) -> list[MandateRow]:
    """The debtor's mandates, the latest first."""
    rows = session.execute(
        select(
            Mandate.id,
            Mandate.reference,
            Mandate.status,
            Mandate.scheme_reference,
            Mandate.bank_name,
            Mandate.iban_ending,
            Mandate.iban_country,
            Mandate.next_charge_on,
        )
        .where(Mandate.debtor_id == debtor_id)
        .order_by(Mandate.id.desc())
        .limit(5)
    )
    return [MandateRow(*row) for row in rows]
