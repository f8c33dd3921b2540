"""The verbs of receipts by hand: a transfer or a cheque is recorded, undone; unapplied credit is used."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import date

from sqlalchemy.orm import Session

from payments import service as payments
from payments.models import Means, Payment, Provider
from payments.service import PaymentDraft
from payments.status import COLLECTED, PaymentStatus
from shared.company.models import Company
from shared.company.queries import today_of
from shared.debtors.models import Debtor
from shared.debtors.service import lock_account
from shared.kit import audit, clock
from shared.kit.actors import Actor
from shared.kit.errors import Conflict, Invalid
from shared.kit.words import gettext as _
from shared.ledger import service as ledger
from shared.ledger.rules import Part, total

BY_HAND = (Means.TRANSFER, Means.CHEQUE, Means.CASH)


def record_receipt(
    session: Session,
    *,
    debtor: Debtor,
    means: Means,
    minor: int,
    received_on: date,
    memo: str,
    parts: Sequence[Part],
    attempt: str,
    by: Actor,
) -> Payment:
    """Record money that came another way. What `parts` do not use becomes the debtor's unapplied credit.

    The same `attempt` (the id in the form) gives the receipt that is there. Raises Invalid when the parts are more than
    the money, when the day is in the future or the means are not by hand; Conflict when an invoice has changed.
    """
    lock_account(session, debtor.id)
    if means not in BY_HAND:
        raise Invalid("receipt.means", _("A receipt by hand is a transfer, a cheque or cash."))
    if minor <= 0:
        raise Invalid("receipt.empty", _("The amount must be more than zero."))
    if total(parts) > minor:
        raise Invalid("receipt.too_much", _("More is allocated than was received."))
    if received_on > today_of(session, debtor.company_id):
        raise Invalid("receipt.future", _("This day is in the future."))
    draft = PaymentDraft(
        attempt=attempt,
        means=means,
        provider=Provider.HAND,
        parts=[part for part in parts if part.minor],
        memo=memo,
        received_on=received_on,
        surplus_minor=minor - total(parts),
    )
    payment = payments.start(session, debtor, draft, by=by)
    if payment.status is PaymentStatus.CREATED:
        payments.advance(session, payment.id, PaymentStatus.CONFIRMED, by=by)
    return payment


def undo_receipt(session: Session, *, payment_id: uuid.UUID, reason: str, by: Actor) -> Payment:
    """A receipt was a mistake: what it settled is open again. Raises Conflict for anything but a receipt by hand."""
    payment = payments.lock_payment(session, payment_id)
    if payment.provider is not Provider.HAND:
        raise Conflict("receipt.not_by_hand", _("Only a receipt recorded by hand can be undone."))
    if payment.status not in COLLECTED:
        raise Conflict("receipt.undone", _("This receipt has been undone already."))
    payments.advance(session, payment_id, PaymentStatus.CANCELLED, by=by, cause=reason)
    return payment


def apply_credit(session: Session, *, debtor_id: uuid.UUID, parts: Sequence[Part], by: Actor) -> None:
    """Use a debtor's unapplied credit for invoices. Raises Conflict when there is too little of either."""
    debtor = lock_account(session, debtor_id)
    zone = session.get_one(Company, debtor.company_id).zone
    wanted = [part for part in parts if part.minor]
    if not wanted:
        raise Invalid("credit.empty", _("There is nothing to settle."))
    occasion = ledger.Occasion(at=clock.now(), value_on=clock.today(zone))
    ledger.apply_credit(session, debtor, wanted, occasion)
    audit.record(
        session,
        by,
        "credit.applied",
        subject_type="debtor",
        subject_id=debtor.id,
        company_id=debtor.company_id,
        debtor_id=debtor.id,
        after={"parts": {str(part.invoice_id): part.minor for part in wanted}},
    )
