"""The queue of declared transfers."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from backoffice.access.member import Member
from backoffice.listing import Ask, Orders, Query, one_page, ordered
from backoffice.matching import added_up, equal, found_by, of_person
from backoffice.replies import queries as replies
from backoffice.replies.queries import Reader
from payments.declarations import queries as declarations
from payments.declarations.models import Declaration, DeclarationPart
from payments.declarations.queries import DeclarationLine
from payments.declarations.rules import DeclarationState
from shared.debtors.models import Debtor
from shared.invoices.models import Invoice
from shared.invoices.queries import numbered
from shared.kit.errors import NotFound
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
    """Count and sums of the whole selection; None for a large one, unless they are asked for."""
    found = added_up(session, ask, _rows(company_id, ask, me, today), Declaration.id, Declaration.amount_minor)
    return Totals(found[0], Money(found[1], currency)) if found else None


def _rows(company_id: uuid.UUID, ask: Ask, me: uuid.UUID, today: date) -> Query:
    query = (
        select(Declaration, Debtor.name)
        .join(Debtor, Debtor.id == Declaration.debtor_id)
        .where(Declaration.company_id == company_id, *_states(ask.get("state"), today))
    )
    query = of_person(query, ask.get("who"), Declaration.assigned_to, me)
    query = equal(query, ask, "debtor", Declaration.debtor_id)
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
    by_invoice = (
        select(DeclarationPart.declaration_id)
        .join(Invoice, Invoice.id == DeclarationPart.invoice_id)
        .where(Invoice.company_id == company_id, numbered(text))
    )
    also = (Declaration.bank_reference == text, Declaration.id.in_(by_invoice))
    return found_by(text, company_id, reference=Declaration.reference, debtor_id=Declaration.debtor_id, also=also)


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


def reader(session: Session, member: Member, line: DeclarationLine) -> Reader:
    """Who reads what is written about a declared transfer, and what a saved reply may speak of."""
    return replies.reader(
        session,
        member,
        line.debtor_id,
        session.scalar(select(Declaration.contact_id).where(Declaration.id == line.id)),
        reference=line.reference,
        invoices=[part.number for part in declarations.parts_of(session, line.id)],
        amount=line.amount,
        day=line.paid_on,
    )


def spread(session: Session, declaration_id: uuid.UUID, minor: int) -> tuple[list[Part], int]:
    """How a received amount settles the declared invoices (the debtor's word counts), and what is left over."""
    rows: Sequence[Invoice] = session.scalars(
        select(Invoice)
        .join(DeclarationPart, DeclarationPart.invoice_id == Invoice.id)
        .where(DeclarationPart.declaration_id == declaration_id)
    ).all()
    return allocate([OpenItem(row.id, row.due_on, max(0, row.open_minor - row.held_minor)) for row in rows], minor)
