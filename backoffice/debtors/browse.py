"""The list of debtors: one selection for the page, its totals and its files."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, Select, and_, case, exists, func, select
from sqlalchemy.orm import Session

from backoffice import listing
from backoffice.listing import Ask, Line, Orders, Query, is_small, like, one_page, ordered
from payments.models import Mandate
from payments.status import USABLE_MANDATES
from shared.debtors.models import BY_NAME, Contact, Debtor, DebtorContact
from shared.debtors.service import searchable
from shared.invoices.models import Invoice, InvoiceKind
from shared.kit.db import among
from shared.kit.money import Money
from shared.web.paging import Page

LETTERS = 3
"""The shortest word that the index of names knows."""

SOUGHT_ONE_BY_ONE = frozenset({"late", "unreachable"})

Conditions: TypeAlias = dict[str, ColumnElement[bool]]

STATES = ("open", "late", "credit", "autopay", "mandate", "paused", "unreachable")
"""The filters of the list."""

ORDERS = Orders(
    {"name": BY_NAME, "code": Debtor.account_code, "open": Debtor.open_minor, "credit": Debtor.credit_minor},
    identity=Debtor.id,
    default="name",
)


@dataclass(frozen=True, slots=True)
class DebtorRow:
    """One debtor in the list."""

    id: uuid.UUID
    code: str
    name: str
    city: str
    open: Money
    late: Money
    credit: Money
    invoice_count: int
    days_late: int
    autopay: bool
    has_mandate: bool
    paused_until: date | None


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over the whole selection."""

    count: int
    open: Money
    late: Money
    credit: Money


def browse(session: Session, company_id: uuid.UUID, ask: Ask, *, today: date) -> Page[DebtorRow]:
    """One page of debtors."""
    found = one_page(session, _rows(company_id, ask, today), ORDERS, ask)
    return Page(_told(session, found.rows, today), found.next_key, found.previous_key)


def everything(session: Session, company_id: uuid.UUID, ask: Ask, *, today: date) -> Iterator[DebtorRow]:
    """The whole selection in its order, read in portions (exports)."""
    query = ordered(_rows(company_id, ask, today), ORDERS, ask.sort).execution_options(yield_per=1000)
    for portion in session.execute(query).partitions():
        yield from _told(session, portion, today)


def totals(session: Session, company_id: uuid.UUID, ask: Ask, *, currency: str, today: date) -> Totals | None:
    """Count and sums of the whole selection, found once; None for a large one, unless they are asked for."""
    columns = select(Debtor.id, Debtor.open_minor, Debtor.credit_minor)
    found = _filtered(columns, company_id, ask, _conditions(company_id, today))
    if not ask.wants_totals:
        if ask.get("state") in SOUGHT_ONE_BY_ONE and not is_small(session, _owing(company_id)):
            return None
        found = found.limit(listing.ADDED_UP_AT_ONCE + 1)
    mine = found.cte("mine")
    late = select(func.coalesce(func.sum(Invoice.open_minor), 0)).where(*_is_late(today))
    if ask.values and ask.values != {"state": "late"}:
        late = late.where(Invoice.debtor_id.in_(select(mine.c.id)))
    else:
        late = late.where(Invoice.company_id == company_id)
    late_minor: ColumnElement[Any] = late.scalar_subquery()
    if not ask.wants_totals:
        late_minor = case((func.count() <= listing.ADDED_UP_AT_ONCE, late_minor))
    sums = session.execute(
        select(
            func.count().label("found"),
            func.coalesce(func.sum(mine.c.open_minor), 0).label("open_minor"),
            func.coalesce(func.sum(mine.c.credit_minor), 0).label("credit_minor"),
            late_minor.label("late_minor"),
        ).select_from(mine)
    ).one()
    if sums.late_minor is None:
        return None
    return Totals(
        count=sums.found,
        open=Money(int(sums.open_minor), currency),
        late=Money(int(sums.late_minor), currency),
        credit=Money(int(sums.credit_minor), currency),
    )


def _late(company_id: uuid.UUID, today: date) -> tuple[ColumnElement[bool], ...]:
    return (Invoice.company_id == company_id, *_is_late(today))


def _is_late(today: date) -> tuple[ColumnElement[bool], ...]:
    return (Invoice.open_minor > 0, Invoice.due_on < today, Invoice.kind == InvoiceKind.INVOICE)


def _rows(company_id: uuid.UUID, ask: Ask, today: date) -> Query:
    query = select(
        Debtor.id,
        Debtor.account_code,
        Debtor.name,
        Debtor.city,
        Debtor.currency,
        Debtor.open_minor,
        Debtor.credit_minor,
        Debtor.autopay,
        Debtor.reminders_paused_until,
    )
    return _filtered(query, company_id, ask, _conditions(company_id, today) | _sought_one_by_one(today))


def _told(session: Session, rows: Sequence[Line], today: date) -> list[DebtorRow]:
    """Rows with what their invoices and mandates say: asked for those shown alone, never for all that are sorted."""
    shown = [row.id for row in rows]
    is_late = and_(Invoice.due_on < today, Invoice.kind == InvoiceKind.INVOICE)
    items = session.execute(
        select(
            Invoice.debtor_id,
            func.coalesce(func.sum(Invoice.open_minor).filter(is_late), 0).label("late_minor"),
            func.count().label("invoice_count"),
            func.min(Invoice.due_on).filter(is_late).label("oldest_on"),
        )
        .where(among(Invoice.debtor_id, shown), Invoice.open_minor > 0)
        .group_by(Invoice.debtor_id)
    )
    sums = {row.debtor_id: row for row in items}
    usable = select(Mandate.debtor_id).where(among(Mandate.debtor_id, shown), Mandate.status.in_(USABLE_MANDATES))
    with_mandate = set(session.scalars(usable))
    return [_row(row, sums.get(row.id), has_mandate=row.id in with_mandate, today=today) for row in rows]


def _filtered(query: Query, company_id: uuid.UUID, ask: Ask, conditions: Conditions) -> Query:
    query = query.where(Debtor.company_id == company_id, Debtor.merged_into_id.is_(None), Debtor.withdrawn_at.is_(None))
    for word in searchable(ask.q).split():
        query = query.where(_says(word))
    condition = conditions.get(ask.get("state"))
    return query if condition is None else query.where(condition)


def _says(word: str) -> ColumnElement[bool]:
    """What the index of three letters cannot tell is not asked of it: it would answer with everybody, one by one."""
    if len(word) < LETTERS:
        return (Debtor.search_text + "").like(like(word))
    return Debtor.search_text.like(like(word))


def _owing(company_id: uuid.UUID) -> Query:
    return select(Debtor.id).where(Debtor.company_id == company_id, Debtor.open_minor > 0)


def _conditions(company_id: uuid.UUID, today: date) -> Conditions:
    """What each state means, as a question about all debtors at once: for sums."""
    return {
        "open": Debtor.open_minor > 0,
        "late": Debtor.id.in_(select(Invoice.debtor_id).where(*_late(company_id, today))),
        "credit": Debtor.credit_minor > 0,
        "autopay": Debtor.autopay.is_(True),
        "mandate": _has_mandate(),
        "paused": Debtor.reminders_paused_until >= today,
        "unreachable": and_(Debtor.open_minor > 0, ~_reached().exists()),
    }


def _sought_one_by_one(today: date) -> Conditions:
    """The same, asked of one debtor after the other until a page is full: LIMIT keeps the planner from asking about all."""
    late = select(Invoice.id).where(Invoice.debtor_id == Debtor.id, *_is_late(today)).limit(1)
    return {
        "late": and_(Debtor.open_minor > 0, late.scalar_subquery().is_not(None)),
        "unreachable": and_(Debtor.open_minor > 0, _reached().limit(1).scalar_subquery().is_(None)),
    }


def _reached() -> Select[Any]:
    """The people of a debtor who are written to."""
    return (
        select(DebtorContact.id)
        .join(Contact, Contact.id == DebtorContact.contact_id)
        .where(DebtorContact.debtor_id == Debtor.id, DebtorContact.removed_at.is_(None), DebtorContact.is_reminded)
        .where(Contact.bounced_at.is_(None))
        .correlate(Debtor)
    )


def _has_mandate() -> ColumnElement[bool]:
    return exists().where(Mandate.debtor_id == Debtor.id, Mandate.status.in_(USABLE_MANDATES))


def _row(row: Line, items: Line | None, *, has_mandate: bool, today: date) -> DebtorRow:
    return DebtorRow(
        id=row.id,
        code=row.account_code,
        name=row.name,
        city=row.city,
        open=Money(row.open_minor, row.currency),
        late=Money(int(items.late_minor) if items else 0, row.currency),
        credit=Money(row.credit_minor, row.currency),
        invoice_count=items.invoice_count if items else 0,
        days_late=(today - items.oldest_on).days if items and items.oldest_on else 0,
        autopay=row.autopay,
        has_mandate=has_mandate,
        paused_until=row.reminders_paused_until,
    )
