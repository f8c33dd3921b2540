"""The list of mandates, and one mandate with each of its steps."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from backoffice.listing import Ask, Line, Orders, Query, like, one_page, ordered
from payments.models import Mandate, MandateTransition, Means, Payment
from payments.status import USABLE_MANDATES, MandateStatus, PaymentStatus
from shared.debtors.models import Debtor
from shared.debtors.service import searchable
from shared.kit.errors import NotFound
from shared.kit.ids import normalise_reference
from shared.kit.money import Money
from shared.kit.words import gettext as _
from shared.web.paging import Page

ORDERS = Orders({"created": Mandate.created_at}, identity=Mandate.id, default="-created")

STATES: dict[str, frozenset[MandateStatus]] = {
    "usable": USABLE_MANDATES,
    "created": frozenset({MandateStatus.CREATED}),
    "ended": frozenset(MandateStatus) - USABLE_MANDATES - {MandateStatus.CREATED},
}


@dataclass(frozen=True, slots=True)
class MandateRow:
    """One mandate in the list."""

    id: uuid.UUID
    reference: str
    scheme_reference: str | None
    status: MandateStatus
    debtor_id: uuid.UUID
    debtor_name: str
    autopay: bool
    holder_name: str
    bank_name: str
    iban: str
    created_at: datetime
    given_at: datetime | None
    next_charge_on: date | None


@dataclass(frozen=True, slots=True)
class StepRow:
    """One step of a mandate."""

    step: int
    before: MandateStatus | None
    after: MandateStatus
    at: datetime
    actor_name: str
    cause: str


@dataclass(frozen=True, slots=True)
class DebitRow:
    """One debit under it."""

    id: uuid.UUID
    reference: str
    status: PaymentStatus
    amount: Money
    charge_on: date | None
    created_at: datetime


def browse(session: Session, company_id: uuid.UUID, ask: Ask) -> Page[MandateRow]:
    """One page of mandates, the latest first."""
    found = one_page(session, _rows(company_id, ask), ORDERS, ask)
    return Page([_row(row) for row in found.rows], found.next_key, found.previous_key)


def everything(session: Session, company_id: uuid.UUID, ask: Ask) -> Iterator[MandateRow]:
    """The whole selection, read in portions (exports)."""
    query = ordered(_rows(company_id, ask), ORDERS, ask.sort).execution_options(yield_per=2000)
    for row in session.execute(query):
        yield _row(row)


def _rows(company_id: uuid.UUID, ask: Ask) -> Query:
    query = (
        select(Mandate, Debtor.name, Debtor.autopay)
        .join(Debtor, Debtor.id == Mandate.debtor_id)
        .where(Mandate.company_id == company_id)
    )
    state = STATES.get(ask.get("state"))
    if state is not None:
        query = query.where(Mandate.status.in_(state))
    if ask.get("debtor"):
        with suppress(ValueError):
            query = query.where(Mandate.debtor_id == uuid.UUID(ask.get("debtor")))
    return query.where(_search(company_id, ask.q)) if ask.q else query


def _search(company_id: uuid.UUID, text: str) -> ColumnElement[bool]:
    debtors = select(Debtor.id).where(Debtor.company_id == company_id)
    for word in searchable(text).split():
        debtors = debtors.where(Debtor.search_text.like(like(word)))
    return or_(
        Mandate.reference.in_([text, normalise_reference(text) or text]),
        Mandate.scheme_reference == text,
        Mandate.provider_reference == text,
        Mandate.debtor_id.in_(debtors),
    )


def _row(row: Line) -> MandateRow:
    mandate = row.Mandate
    return MandateRow(
        id=mandate.id,
        reference=mandate.reference,
        scheme_reference=mandate.scheme_reference,
        status=mandate.status,
        debtor_id=mandate.debtor_id,
        debtor_name=row.name,
        autopay=row.autopay,
        holder_name=mandate.holder_name,
        bank_name=mandate.bank_name,
        iban=f"{mandate.iban_country} •••• {mandate.iban_ending}" if mandate.iban_ending else "",
        created_at=mandate.created_at,
        given_at=mandate.given_at,
        next_charge_on=mandate.next_charge_on,
    )


def get_mandate(session: Session, company_id: uuid.UUID, mandate_id: uuid.UUID) -> tuple[Mandate, Debtor]:
    """A mandate of this company with its debtor; raises NotFound for anybody else's."""
    found = session.execute(
        select(Mandate, Debtor)
        .join(Debtor, Debtor.id == Mandate.debtor_id)
        .where(Mandate.id == mandate_id, Mandate.company_id == company_id)
    ).one_or_none()
    if found is None:
        raise NotFound("mandate.missing", _("There is no such mandate."))
    return found.Mandate, found.Debtor


def steps(session: Session, mandate_id: uuid.UUID) -> list[StepRow]:
    """Every step it took."""
    rows = session.scalars(
        select(MandateTransition).where(MandateTransition.mandate_id == mandate_id).order_by(MandateTransition.step)
    )
    return [StepRow(row.step, row.before, row.after, row.at, row.actor_name, row.cause) for row in rows]


def debits(session: Session, mandate: Mandate) -> list[DebitRow]:
    """The latest debits under it."""
    rows = session.execute(
        select(
            Payment.id,
            Payment.reference,
            Payment.status,
            Payment.amount_minor,
            Payment.currency,
            Payment.charge_on,
            Payment.created_at,
        )
        .where(Payment.debtor_id == mandate.debtor_id, Payment.means == Means.DEBIT, Payment.mandate_id == mandate.id)
        .order_by(Payment.id.desc())
        .limit(100)
    )
    return [
        DebitRow(
            row.id, row.reference, row.status, Money(row.amount_minor, row.currency), row.charge_on, row.created_at
        )
        for row in rows
    ]
