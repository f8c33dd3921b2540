"""What I owe: the first page after the entrance."""

from __future__ import annotations

import uuid

from flask import Response
from sqlalchemy import or_

from payments import queries as payments
from portal.account.live import live_of
from portal.labels import invoice_card
from portal.planned import HAS_PLAN, plan_of, plans_on
from portal.refunded import HAS_REFUND, refunded_on
from shared.access.queries import Visitor
from shared.invoices import queries as invoices
from shared.kit.db import glance, reading
from shared.web.pages import page

SHOWN = 20
_MORE = or_(HAS_PLAN, HAS_REFUND)
"""What only some accounts have, and is then asked for."""
DEBITS_SHOWN = 4


def home(visitor: Visitor) -> Response:
    """The amount to pay, what of it is late, what is under way, and the oldest open invoices."""
    today = visitor.today
    with glance() as connection:
        standing = invoices.standing(connection, visitor.debtor_id, today=today, limit=SHOWN, also=_MORE)
    if standing.paused_minor:
        with reading() as session:
            found = invoices.contested(session, visitor.debtor_id)
        standing = invoices.without_contested(standing, found, today=today)
    plan = plan_of(visitor) if standing.also else None
    under_way, debits = _coming(visitor, standing)
    planned = {one: debit.on for debit in debits if debit.payment_id is None for one in debit.invoice_ids}
    in_plan = _in_plan(standing) if plan else {}
    live = live_of(visitor, standing.rows) if standing.paused_minor or standing.frozen_minor else None
    said = live.pauses if live else {}
    refunded = refunded_on(visitor, standing.rows) if standing.also else {}
    return page(
        "portal/account/home.html",
        standing=standing,
        under_way=under_way,
        debits=debits[:DEBITS_SHOWN],
        rows=[
            invoice_card(
                row, today, planned.get(row.id), in_plan.get(row.id), said.get(row.id), refunded_on=refunded.get(row.id)
            )
            for row in standing.rows
        ],
        plan=plan,
        live=live,
    )


def _in_plan(standing: invoices.Standing) -> dict[uuid.UUID, tuple[uuid.UUID, str]]:
    with reading() as session:
        return plans_on(session, standing.rows)


def _coming(
    visitor: Visitor, standing: invoices.Standing
) -> tuple[list[payments.PaymentLine], list[payments.NextDebit]]:
    """Payments and debits on their way; most accounts have none, and are not asked for them."""
    if not standing.held_minor and not standing.has_autopay and not standing.frozen_minor:
        return [], []
    with reading() as session:
        under_way = payments.in_flight(session, visitor.debtor_id) if standing.held_minor else []
        return under_way, payments.next_debits(session, visitor.debtor_id)
