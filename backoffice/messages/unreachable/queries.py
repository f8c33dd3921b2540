"""Addresses that take no message: whose, why, since when."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from backoffice.listing import Ask, Line, Orders, Query, like, one_page
from backoffice.matching import called
from shared.debtors.models import BY_NAME, Contact, Debtor, DebtorContact
from shared.kit.db import among
from shared.kit.errors import NotFound
from shared.kit.words import gettext as _
from shared.web.paging import Page

ORDERS = Orders({"refused": Contact.bounced_at, "address": Contact.email}, identity=Contact.id, default="-refused")


@dataclass(frozen=True, slots=True)
class Account:
    """A customer account that such a person acts for."""

    id: uuid.UUID
    name: str


@dataclass(frozen=True, slots=True)
class Row:
    """One address, and what the mail server said of it."""

    id: uuid.UUID
    name: str
    email: str
    answer: str
    refused_at: datetime
    accounts: tuple[Account, ...]


def count(session: Session, company_id: uuid.UUID) -> int:
    """How many such addresses there are, of people who act for somebody."""
    return session.scalar(select(func.count()).select_from(_marked(company_id).subquery())) or 0


def _marked(company_id: uuid.UUID) -> Query:
    acts = select(DebtorContact.id).where(DebtorContact.contact_id == Contact.id, DebtorContact.removed_at.is_(None))
    return select(Contact.id, Contact.name, Contact.email, Contact.bounce_answer, Contact.bounced_at).where(
        Contact.company_id == company_id, Contact.bounced_at.is_not(None), acts.exists()
    )


def browse(session: Session, company_id: uuid.UUID, ask: Ask) -> Page[Row]:
    """One page, the latest refusal first."""
    query = _marked(company_id)
    if ask.q:
        words = like(ask.q.lower())
        named = select(DebtorContact.contact_id).join(Debtor, Debtor.id == DebtorContact.debtor_id)
        of_debtor = named.where(Debtor.id.in_(called(company_id, ask.q)))
        query = query.where(or_(Contact.email.like(words), Contact.id.in_(of_debtor)))
    found = one_page(session, query, ORDERS, ask)
    accounts: dict[uuid.UUID, list[Account]] = {}
    for contact_id, debtor_id, name in session.execute(
        select(DebtorContact.contact_id, Debtor.id, Debtor.name)
        .join(Debtor, Debtor.id == DebtorContact.debtor_id)
        .where(among(DebtorContact.contact_id, [row[0] for row in found.rows]), DebtorContact.removed_at.is_(None))
        .order_by(BY_NAME, Debtor.id)
    ):
        accounts.setdefault(contact_id, []).append(Account(debtor_id, name))
    rows = [_row(row, accounts.get(row[0], [])) for row in found.rows]
    return Page(rows, found.next_key, found.previous_key)


def _row(row: Line, accounts: Sequence[Account]) -> Row:
    contact_id, name, email, answer, refused_at = row[:5]
    return Row(contact_id, name, email, answer, refused_at, tuple(accounts))


def must_be_ours(session: Session, company_id: uuid.UUID, contact_id: uuid.UUID) -> None:
    """Raises NotFound for a person of another company."""
    if session.scalar(select(Contact.id).where(Contact.id == contact_id, Contact.company_id == company_id)) is None:
        raise NotFound("contact.missing", _("There is no such person."))
