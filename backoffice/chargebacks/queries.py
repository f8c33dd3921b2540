"""The queue of contested payments."""

from __future__ import annotations

import uuid

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from backoffice.listing import Ask, Orders, Query, one_page
from backoffice.matching import equal, found_by, of_person
from payments.chargebacks import queries as chargebacks
from payments.chargebacks.models import Chargeback, ChargebackPart
from payments.chargebacks.queries import ChargebackLine
from payments.chargebacks.rules import FREEZES, ChargebackState
from payments.models import Payment
from shared.debtors.models import Debtor
from shared.invoices.models import Invoice
from shared.invoices.queries import numbered
from shared.kit.errors import NotFound
from shared.kit.words import gettext as _
from shared.web.paging import Page

FILTERS = ("state", "who", "debtor")
ORDERS = Orders(
    {"due": Chargeback.due_on, "amount": Chargeback.amount_minor},
    identity=Chargeback.id,
    default="due",
)


def browse(session: Session, company_id: uuid.UUID, ask: Ask, *, me: uuid.UUID) -> Page[ChargebackLine]:
    """One page of contested payments, the nearest deadline first."""
    query = of_person(_rows(company_id, ask), ask.get("who"), Chargeback.assigned_to, me)
    found = one_page(session, query, ORDERS, ask)
    rows = [chargebacks.line(row.Chargeback, row.name, row.reference) for row in found.rows]
    return Page(rows, found.next_key, found.previous_key)


def _rows(company_id: uuid.UUID, ask: Ask) -> Query:
    query = (
        select(Chargeback, Debtor.name, Payment.reference)
        .join(Debtor, Debtor.id == Chargeback.debtor_id)
        .join(Payment, Payment.id == Chargeback.payment_id)
        .where(Chargeback.company_id == company_id, *_states(ask.get("state")))
    )
    query = equal(query, ask, "debtor", Chargeback.debtor_id)
    return query.where(_search(company_id, ask.q)) if ask.q else query


def _states(state: str) -> list[ColumnElement[bool]]:
    """Without a filter: what is not closed."""
    if state == "all":
        return []
    if state in {each.value for each in ChargebackState}:
        return [Chargeback.state == ChargebackState(state)]
    return [Chargeback.state.in_(FREEZES)]


def _search(company_id: uuid.UUID, text: str) -> ColumnElement[bool]:
    by_invoice = (
        select(ChargebackPart.chargeback_id)
        .join(Invoice, Invoice.id == ChargebackPart.invoice_id)
        .where(Invoice.company_id == company_id, numbered(text))
    )
    also = (
        Chargeback.provider_reference == text,
        Payment.reference == text.upper(),
        Chargeback.id.in_(by_invoice),
    )
    return found_by(text, company_id, reference=Chargeback.reference, debtor_id=Chargeback.debtor_id, also=also)


def get_chargeback(session: Session, company_id: uuid.UUID, chargeback_id: uuid.UUID) -> ChargebackLine:
    """A contested payment of this company; raises NotFound for anybody else's."""
    row = session.execute(
        select(Chargeback, Debtor.name, Payment.reference)
        .join(Debtor, Debtor.id == Chargeback.debtor_id)
        .join(Payment, Payment.id == Chargeback.payment_id)
        .where(Chargeback.id == chargeback_id, Chargeback.company_id == company_id)
    ).one_or_none()
    if row is None:
        raise NotFound("chargeback.missing", _("There is no such contested payment."))
    return chargebacks.line(row[0], row[1], row[2])
