"""Whether another payment holds the money that somebody wants to pay."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from payments.models import Means, Payment, PaymentAllocation
from payments.status import IN_FLIGHT
from shared.invoices.models import Invoice
from shared.kit.db import among
from shared.kit.errors import Conflict
from shared.kit.money import Money, format_money
from shared.kit.words import current_language
from shared.kit.words import gettext as _
from shared.ledger.rules import Part


def rivals(session: Session, *, debtor_id: uuid.UUID, parts: Sequence[Part]) -> list[Payment]:
    """Payments in flight that settle some of the same invoices, the newest first."""
    return list(
        session.scalars(
            select(Payment)
            .where(Payment.debtor_id == debtor_id, Payment.status.in_(IN_FLIGHT))
            .where(
                Payment.id.in_(
                    select(PaymentAllocation.payment_id).where(
                        among(PaymentAllocation.invoice_id, [part.invoice_id for part in parts])
                    )
                )
            )
            .order_by(Payment.id.desc())
        )
    )


def refuse_second(session: Session, *, found: Sequence[Payment], parts: Sequence[Part]) -> None:
    """Raise Conflict("payment.under_way") when the parts no longer fit beside the payments found.

    Its facts (payment_id, reference, means, minor, currency, charge_on) let a page say what is under way (I3).
    """
    if found and not _fit(session, parts):
        raise _in_the_way(found[0])


def refuse_other(known: Payment, means: Means) -> None:
    """The same form sent twice is one payment, by one means: sent with another, Conflict("payment.under_way")."""
    if known.means is not means:
        raise _in_the_way(known)


def _in_the_way(rival: Payment) -> Conflict:
    amount = format_money(Money(rival.amount_minor, rival.currency), current_language())
    return Conflict(
        "payment.under_way",
        _("A payment of %(amount)s is already under way for this.", amount=amount),
        payment_id=rival.id,
        reference=rival.reference,
        means=rival.means,
        minor=rival.amount_minor,
        currency=rival.currency,
        charge_on=rival.charge_on,
    )


def _fit(session: Session, parts: Sequence[Part]) -> bool:
    wanted = [part.invoice_id for part in parts]
    rows = session.execute(select(Invoice.id, Invoice.open_minor - Invoice.held_minor).where(among(Invoice.id, wanted)))
    free = {row[0]: int(row[1]) for row in rows}
    return all(part.minor <= free.get(part.invoice_id, 0) for part in parts)
