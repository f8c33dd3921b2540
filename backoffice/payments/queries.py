"""The list of payments, and one payment with each of its steps and ledger legs."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, exists, func, select, union
from sqlalchemy.orm import Session

from backoffice.listing import Ask, Line, Orders, Query, is_small, like, one_page, ordered
from payments.models import Means, Payment, Provider, Refund
from payments.status import COLLECTED, IN_FLIGHT, PaymentStatus, RefundStatus
from shared.debtors.models import Contact, Debtor
from shared.debtors.service import searchable
from shared.kit import clock
from shared.kit.errors import NotFound
from shared.kit.ids import normalise_reference
from shared.kit.money import Money
from shared.kit.words import gettext as _
from shared.ledger.models import Account, Transfer
from shared.web.forms import parse_day
from shared.web.paging import Page

ORDERS = Orders(
    {"created": Payment.created_at, "amount": Payment.amount_minor}, identity=Payment.id, default="-created"
)

STATES: Mapping[str, frozenset[PaymentStatus]] = {
    "in_flight": IN_FLIGHT,
    "received": COLLECTED,
    "failed": frozenset({PaymentStatus.FAILED}),
    "charged_back": frozenset({PaymentStatus.CHARGED_BACK}),
    "given_up": frozenset({PaymentStatus.CANCELLED, PaymentStatus.EXPIRED}),
}


@dataclass(frozen=True, slots=True)
class PaymentRow:
    """One payment in the list."""

    id: uuid.UUID
    reference: str
    debtor_id: uuid.UUID
    debtor_name: str
    debtor_code: str
    means: Means
    provider: Provider
    status: PaymentStatus
    amount: Money
    refunded: Money
    created_at: datetime
    charge_on: date | None
    failure_code: str | None


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over the whole selection."""

    count: int
    amount: Money


def browse(session: Session, company_id: uuid.UUID, ask: Ask, *, zone: str) -> Page[PaymentRow]:
    """One page of payments."""
    found = one_page(session, _rows(company_id, ask, zone), ORDERS, ask)
    return Page([_row(row) for row in found.rows], found.next_key, found.previous_key)


def everything(session: Session, company_id: uuid.UUID, ask: Ask, *, zone: str) -> Iterator[PaymentRow]:
    """The whole selection in its order, read in portions (exports)."""
    query = ordered(_rows(company_id, ask, zone), ORDERS, ask.sort).execution_options(yield_per=2000)
    for row in session.execute(query):
        yield _row(row)


def totals(session: Session, company_id: uuid.UUID, ask: Ask, *, zone: str, currency: str) -> Totals | None:
    """Count and sum of the whole selection; None for a large one, unless they are asked for."""
    if not ask.wants_totals and not is_small(session, _filtered(select(Payment.id), company_id, ask, zone)):
        return None
    query = select(func.count(), func.coalesce(func.sum(Payment.amount_minor), 0))
    count, amount = session.execute(_filtered(query, company_id, ask, zone)).one()
    return Totals(count, Money(int(amount), currency))


def _rows(company_id: uuid.UUID, ask: Ask, zone: str) -> Query:
    query = select(
        Payment.id,
        Payment.reference,
        Payment.debtor_id,
        Debtor.name,
        Debtor.account_code,
        Payment.means,
        Payment.provider,
        Payment.status,
        Payment.amount_minor,
        Payment.refunded_minor,
        Payment.currency,
        Payment.created_at,
        Payment.charge_on,
        Payment.failure_code,
    ).join(Debtor, Debtor.id == Payment.debtor_id)
    return _filtered(query, company_id, ask, zone)


def _filtered(query: Query, company_id: uuid.UUID, ask: Ask, zone: str) -> Query:
    query = query.where(Payment.company_id == company_id)
    state = ask.get("state")
    if state in STATES:
        query = query.where(Payment.status.in_(STATES[state]))
    elif state == "returned":  # had been received, and went back
        query = query.where(Payment.confirmed_at.is_not(None))
        query = query.where(Payment.status.in_((PaymentStatus.FAILED, PaymentStatus.CHARGED_BACK)))
    elif state == "lost":
        query = query.where(exists().where(Transfer.payment_id == Payment.id, Transfer.debit_account == Account.LOSS))
    elif state == "twice":
        query = query.where(Payment.failure_code == "AM05")
    elif state == "refund_asked":
        query = query.where(exists().where(Refund.payment_id == Payment.id, Refund.status == RefundStatus.ASKED))
    if ask.get("means") in {means.value for means in Means}:
        query = query.where(Payment.means == Means(ask.get("means")))
    debtor = _uuid(ask.get("debtor"))
    if debtor is not None:
        query = query.where(Payment.debtor_id == debtor)
    for condition in _days(ask, zone):
        query = query.where(condition)
    return query.where(_search(company_id, ask.q)) if ask.q else query


def _days(ask: Ask, zone: str) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    for name, days in (("from", 0), ("to", 1)):
        try:
            day = parse_day(ask.get(name), clock.today(zone)) if ask.get(name) else None
        except ValueError:
            continue
        if day is not None:
            edge = datetime.combine(day + timedelta(days=days), datetime.min.time(), ZoneInfo(zone))
            conditions.append(Payment.created_at < edge if days else Payment.created_at >= edge)
    return conditions


def _search(company_id: uuid.UUID, text: str) -> ColumnElement[bool]:
    debtors = select(Debtor.id).where(Debtor.company_id == company_id)
    for word in searchable(text).split():
        debtors = debtors.where(Debtor.search_text.like(like(word)))
    names = [text, normalise_reference(text) or text]
    mine = select(Payment.id).where(Payment.company_id == company_id)
    found = union(
        mine.where(Payment.reference.in_(names)),
        mine.where(Payment.provider.in_(Provider), Payment.provider_reference == text),
        mine.where(Payment.checkout_reference == text),
        select(Payment.id).where(Payment.debtor_id.in_(debtors)),
    )
    return Payment.id.in_(found)


def _row(row: Line) -> PaymentRow:
    return PaymentRow(
        id=row.id,
        reference=row.reference,
        debtor_id=row.debtor_id,
        debtor_name=row.name,
        debtor_code=row.account_code,
        means=row.means,
        provider=row.provider,
        status=row.status,
        amount=Money(row.amount_minor, row.currency),
        refunded=Money(row.refunded_minor, row.currency),
        created_at=row.created_at,
        charge_on=row.charge_on,
        failure_code=row.failure_code,
    )


def get_payment(session: Session, company_id: uuid.UUID, payment_id: uuid.UUID) -> Payment:
    """A payment of this company; raises NotFound for anybody else's."""
    payment = session.scalar(select(Payment).where(Payment.id == payment_id, Payment.company_id == company_id))
    if payment is None:
        raise NotFound("payment.missing", _("There is no such payment."))
    return payment


def find_contact(session: Session, payment: Payment) -> Contact | None:
    """The person who began it."""
    return session.get(Contact, payment.contact_id) if payment.contact_id else None


def get_refund(session: Session, company_id: uuid.UUID, payment_id: uuid.UUID, refund_id: uuid.UUID) -> Refund:
    """A refund of this payment of this company; raises NotFound."""
    get_payment(session, company_id, payment_id)
    refund = session.get(Refund, refund_id)
    if refund is None or refund.payment_id != payment_id:
        raise NotFound("refund.missing", _("There is no such refund."))
    return refund


def refunds_of(session: Session, payment_id: uuid.UUID) -> list[Refund]:
    """The refunds of a payment."""
    return list(session.scalars(select(Refund).where(Refund.payment_id == payment_id).order_by(Refund.id)))


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
