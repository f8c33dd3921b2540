"""The queue of declared transfers."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from backoffice.listing import Ask, Orders, Query, is_small, like, one_page, ordered
from payments.declarations import queries as declarations
from payments.declarations.models import Declaration, DeclarationPart
from payments.declarations.queries import DeclarationLine
from payments.declarations.rules import DeclarationState
from shared.debtors.models import Debtor
from shared.debtors.service import searchable
from shared.invoices.models import Invoice
from shared.kit.errors import NotFound
from shared.kit.ids import normalise_reference
from shared.kit.money import Money
from shared.kit.words import gettext as _
from shared.ledger.rules import OpenItem, Part, allocate
from shared.web.paging import Page

FILTERS = ("state", "who", "debtor")
ORDERS = Orders(
    {"until": Declaration.until_on, "paid": Declaration.paid_on, "amount": Declaration.amount_minor},
    identity=Declaration.id,
    default="until",
)
SOON_DAYS = 1
"""A search that ends so soon is urgent."""


@dataclass(frozen=True, slots=True)
class Totals:
    """Of a selection, if it is small enough to be added up at once."""

    count: int
    amount: Money


def browse(session: Session, company_id: uuid.UUID, ask: Ask, *, me: uuid.UUID, today: date) -> Page[DeclarationLine]:
    """One page of declared transfers, those whose search ends first before the others."""
    found = one_page(session, _rows(company_id, ask, me, today), ORDERS, ask)
    rows = [declarations.line(row.Declaration, row.name) for row in found.rows]
    return Page(rows, found.next_key, found.previous_key)


def everything(
    session: Session, company_id: uuid.UUID, ask: Ask, *, me: uuid.UUID, today: date
) -> Iterator[DeclarationLine]:
    """The whole selection, read in portions (exports)."""
    query = ordered(_rows(company_id, ask, me, today), ORDERS, ask.sort).execution_options(yield_per=2000)
    for row in session.execute(query):
        yield declarations.line(row.Declaration, row.name)


def totals(
    session: Session, company_id: uuid.UUID, ask: Ask, *, me: uuid.UUID, today: date, currency: str
) -> Totals | None:
    """Sums of the selection; None when it is too large to be added up with the page."""
    matching = _rows(company_id, ask, me, today)
    if not is_small(session, matching.with_only_columns(Declaration.id)):
        return None
    sums = matching.with_only_columns(Declaration.amount_minor).subquery()
    row = session.execute(select(func.count(), func.coalesce(func.sum(sums.c.amount_minor), 0))).one()
    return Totals(row[0], Money(int(row[1]), currency))


def _rows(company_id: uuid.UUID, ask: Ask, me: uuid.UUID, today: date) -> Query:
    query = (
        select(Declaration, Debtor.name)
        .join(Debtor, Debtor.id == Declaration.debtor_id)
        .where(Declaration.company_id == company_id, *_states(ask.get("state"), today))
    )
    if ask.get("who") == "me":
        query = query.where(Declaration.assigned_to == me)
    elif ask.get("who") == "nobody":
        query = query.where(Declaration.assigned_to.is_(None))
    if ask.get("debtor"):
        with suppress(ValueError):
            query = query.where(Declaration.debtor_id == uuid.UUID(ask.get("debtor")))
    return query.where(_search(company_id, ask.q)) if ask.q else query


def _states(state: str, today: date) -> list[ColumnElement[bool]]:
    """Without a filter: what is to be looked for."""
    if state == "all":
        return []
    if state in ("matched", "refused", "expired", "withdrawn"):
        return [Declaration.state == DeclarationState(state)]
    open_ = [Declaration.state == DeclarationState.DECLARED]
    return [*open_, Declaration.until_on <= today + timedelta(days=SOON_DAYS)] if state == "late" else open_


def _search(company_id: uuid.UUID, text: str) -> ColumnElement[bool]:
    debtors = select(Debtor.id).where(Debtor.company_id == company_id)
    for word in searchable(text).split():
        debtors = debtors.where(Debtor.search_text.like(like(word)))
    by_invoice = (
        select(DeclarationPart.declaration_id)
        .join(Invoice, Invoice.id == DeclarationPart.invoice_id)
        .where(Invoice.company_id == company_id, Invoice.number == text)
    )
    return or_(
        Declaration.reference.in_([text, normalise_reference(text) or text]),
        Declaration.bank_reference == text,
        Declaration.debtor_id.in_(debtors),
        Declaration.id.in_(by_invoice),
    )


def get_declaration(session: Session, company_id: uuid.UUID, declaration_id: uuid.UUID) -> DeclarationLine:
    """A declared transfer of this company; raises NotFound for anybody else's."""
    row = session.execute(
        select(Declaration, Debtor.name)
        .join(Debtor, Debtor.id == Declaration.debtor_id)
        .where(Declaration.id == declaration_id, Declaration.company_id == company_id)
    ).one_or_none()
    if row is None:
        raise NotFound("declaration.missing", _("There is no such declared transfer."))
    return declarations.line(row[0], row[1])


def language_of(session: Session, debtor_id: uuid.UUID) -> str:
    """The language in which a debtor is answered."""
    return session.scalar(select(Debtor.language).where(Debtor.id == debtor_id)) or "fr"


def spread(session: Session, declaration_id: uuid.UUID, minor: int) -> tuple[list[Part], int]:
    """How a received amount settles the declared invoices (the debtor's word counts), and what is left over."""
    rows: Sequence[Invoice] = session.scalars(
        select(Invoice)
        .join(DeclarationPart, DeclarationPart.invoice_id == Invoice.id)
        .where(DeclarationPart.declaration_id == declaration_id)
    ).all()
    return allocate([OpenItem(row.id, row.due_on, max(0, row.open_minor - row.held_minor)) for row in rows], minor)
