"""The verbs of refunds: asked, approved (a second person above the company's limit), recorded, aligned with the provider.

A refund moves the ledger when the provider has it (SUBMITTED), because from then on it is taken from our balance; when
it comes back (FAILED), the ledger moves back.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from payments import returns, waiting
from payments import service as payments
from payments.gateways.base import RefundSeen
from payments.models import Payment, Provider, Refund
from payments.status import COLLECTED, REFUND_EDGES, RefundStatus
from shared.company.queries import today_of
from shared.debtors import affairs
from shared.debtors.models import Debtor
from shared.giving import service as giving
from shared.giving.models import GiftKind, GiftState
from shared.giving.service import Wish
from shared.invoices.models import Invoice
from shared.kit import audit, clock, ids, outbox
from shared.kit.actors import Actor
from shared.kit.errors import Conflict, Invalid, NotFound
from shared.kit.second_person import Witness
from shared.kit.words import gettext as _
from shared.ledger import service as ledger
from shared.ledger.models import Account, Kind, Transfer
from shared.ledger.rules import Part

R = RefundStatus
COUNTING = (R.ASKED, R.APPROVED, R.SUBMITTED, R.DONE)
"""Refunds in these states reserve or have used their part of the payment."""


def ask(session: Session, *, payment_id: uuid.UUID, minor: int, reason: str, by: Actor, is_owed: bool = True) -> Refund:
    """Ask for a refund. Up to the company's limit it is approved at once; above it a second person must.

    What one person alone gave of this payment, or to this debtor of late, counts with it (`shared.giving`).

    `is_owed` says whether what is given back is owed again; if not, it is written off in the commit that gives it back.
    Raises Conflict when the payment has not that much left to give back, Invalid for an empty amount.
    """
    payment = payments.lock_payment(session, payment_id)
    if payment.provider is Provider.HAND:
        raise Conflict("refund.by_hand", _("A receipt recorded by hand is undone, not refunded."))
    if payment.status not in COLLECTED:
        raise Conflict("refund.not_paid", _("Only a payment that has been received can be refunded."))
    if minor <= 0:
        raise Invalid("refund.empty", _("There is nothing to refund."))
    if minor > refundable(session, payment):
        raise Conflict("refund.too_much", _("This payment has less than that left to refund."))
    identity = ids.new_id()
    refund = Refund(
        id=identity,
        payment_id=payment.id,
        amount_minor=minor,
        currency=payment.currency,
        status=R.ASKED,
        idempotency_key=f"refund-{identity}",
        reason=reason,
        is_owed=is_owed,
        asked_by=by.name,
        asked_by_id=by.id,
        created_at=clock.now(),
    )
    session.add(refund)
    session.flush()
    _record(session, payment, refund, None, by, action=f"refund.{refund.status.value}")
    debtor = session.get_one(Debtor, payment.debtor_id)
    wish = Wish(
        GiftKind.REFUND, refund.id, minor, payment_id=payment.id, invoices=_of_invoices(session, payment, minor)
    )
    if not giving.weigh(session, debtor, wish, by=by):
        _step(session, payment, refund, R.APPROVED, by=by)
    else:
        returns.publish(session, payment, "payment.refund_waits", by=by, step=str(refund.id))
    return refund


def approve(session: Session, refund_id: uuid.UUID, *, by: Witness) -> Refund:
    """A second person agrees; raises what `giving.agree` raises, Conflict when it is no longer waiting."""
    payment, refund = lock_refund(session, refund_id)
    if refund.status is not R.ASKED:
        raise Conflict("refund.not_waiting", _("This refund is not waiting for approval."))
    giving.agree(session, kind=GiftKind.REFUND, subject_id=refund.id, by=by)
    refund.approved_by = by.actor.name
    _step(session, payment, refund, R.APPROVED, by=by.actor)
    return refund


def decline(session: Session, refund_id: uuid.UUID, *, by: Actor) -> Refund:
    """Nobody shall send it; raises Conflict when it is no longer waiting."""
    payment, refund = lock_refund(session, refund_id)
    if refund.status is not R.ASKED:
        raise Conflict("refund.not_waiting", _("This refund is not waiting for approval."))
    giving.decide(session, kind=GiftKind.REFUND, subject_id=refund.id, state=GiftState.DECLINED, by=by)
    _step(session, payment, refund, R.DECLINED, by=by)
    return refund


def opened_by(session: Session, refund: Refund) -> list[Part]:
    """What of each invoice that a refund opened may still be collected, or given up: neither paid again nor on its way."""
    name = func.split_part(Transfer.provider_reference, "#", 1)
    rows = session.execute(
        select(Transfer.debit_owner, func.sum(Transfer.amount_minor), Invoice.open_minor - Invoice.held_minor)
        .join(Invoice, Invoice.id == Transfer.debit_owner)
        .where(Transfer.payment_id == refund.payment_id, Transfer.kind == Kind.REFUND)
        .where(Transfer.debit_account == Account.RECEIVABLE)
        .where(or_(name == str(refund.id), name == refund.provider_reference))
        .group_by(Transfer.debit_owner, Invoice.id)
        .order_by(Invoice.due_on, Invoice.id)
    )
    return [Part(owner, min(int(minor), free)) for owner, minor, free in rows if owner is not None and free > 0]


def waits(session: Session, refund: Refund) -> bool:
    """Whether something that a refund opened is left for a person to say what becomes of it."""
    gave_back = refund.status in (R.SUBMITTED, R.DONE) and refund.asked_again_at is None
    return gave_back and bool(opened_by(session, refund))


def ask_again(session: Session, refund_id: uuid.UUID, *, by: Actor) -> Refund:
    """A person says that what was given back is owed after all: it is collected again, each debit with its own notice.

    Twice is refused. Raises Conflict("refund.nothing_waits") when nothing of it is open any more.
    """
    payment, refund = _lock_waiting(session, refund_id)
    refund.asked_again_at, refund.is_owed = clock.now(), True
    _record(session, payment, refund, refund.status, by, action="refund.asked_again")
    affairs.owes_otherwise(session, payment.debtor_id)
    session.flush()
    return refund


def give_up(session: Session, refund_id: uuid.UUID, *, by: Actor) -> Refund:
    """A person says that what was given back is not owed: what is open of it is written off, and never asked for again.

    The refund itself was weighed as a gift: this gives nothing more away. Raises Conflict("refund.nothing_waits").
    """
    payment, refund = _lock_waiting(session, refund_id)
    refund.is_owed = False
    _write_off(session, payment, opened_by(session, refund))
    payments.moved(session, payment)
    _record(session, payment, refund, refund.status, by, action="refund.given_up")
    session.flush()
    return refund


def _lock_waiting(session: Session, refund_id: uuid.UUID) -> tuple[Payment, Refund]:
    payment, refund = lock_refund(session, refund_id)
    if not waits(session, refund):
        raise Conflict("refund.nothing_waits", _("Nothing of this refund is left to decide."))
    return payment, refund


def _of_invoices(session: Session, payment: Payment, minor: int) -> dict[uuid.UUID, int]:
    """What a refund gives back of each invoice that the payment was for, the first of them first."""
    given: dict[uuid.UUID, int] = {}
    for part in payments.allocations(session, payment.id):
        given[part.invoice_id] = min(part.minor, minor)
        minor -= given[part.invoice_id]
    return given


def refundable(session: Session, payment: Payment) -> int:
    """What of a payment can still be refunded, in minor units."""
    used = session.scalar(
        select(func.coalesce(func.sum(Refund.amount_minor), 0)).where(
            Refund.payment_id == payment.id, Refund.status.in_(COUNTING)
        )
    )
    return payment.amount_minor - int(used or 0)


def lock_refund(session: Session, refund_id: uuid.UUID) -> tuple[Payment, Refund]:
    """The refund and its payment, locked in the order of the house. Raises NotFound."""
    known = session.get(Refund, refund_id)
    if known is None:
        raise NotFound("refund.missing", _("There is no such refund."))
    payment = payments.lock_payment(session, known.payment_id)
    refund = session.get_one(Refund, refund_id, with_for_update=True, populate_existing=True)
    return payment, refund


def align_refunds(session: Session, payment: Payment, seen: Iterable[RefundSeen], *, by: Actor) -> None:
    """Bring our refunds where the provider's are; one that it made without us becomes a row. The payment is locked."""
    for each in seen:
        align(session, payment, each, by=by)


def align(session: Session, payment: Payment, seen: RefundSeen, *, by: Actor) -> Refund:
    """One refund as the provider shows it; what lies behind us is left alone."""
    refund = _find(session, payment, seen) or _adopt(session, payment, seen, by=by)
    refund.provider_reference = seen.reference
    steps = {
        R.SUBMITTED: (R.APPROVED, R.SUBMITTED),
        R.DONE: (R.APPROVED, R.SUBMITTED, R.DONE),
        R.FAILED: (R.APPROVED, R.SUBMITTED, R.FAILED),
    }[seen.status]
    if seen.status is R.FAILED:
        refund.failure_reason = seen.reason
    for step in steps:
        if (refund.status, step) in REFUND_EDGES:
            _step(session, payment, refund, step, by=by)
    return refund


def refuse(session: Session, refund_id: uuid.UUID, *, reason: str, by: Actor) -> None:
    """The provider said no before it had the refund."""
    payment, refund = lock_refund(session, refund_id)
    if refund.status is R.APPROVED:
        refund.failure_reason = reason
        _step(session, payment, refund, R.FAILED, by=by)


def _find(session: Session, payment: Payment, seen: RefundSeen) -> Refund | None:
    mine = select(Refund).where(Refund.payment_id == payment.id).with_for_update()
    found = session.scalar(mine.where(Refund.provider_reference == seen.reference))
    if found is None and seen.our_id is not None:
        found = session.scalar(mine.where(Refund.id == seen.our_id))
    return found


def _adopt(session: Session, payment: Payment, seen: RefundSeen, *, by: Actor) -> Refund:
    identity = ids.new_id()
    refund = Refund(
        id=identity,
        payment_id=payment.id,
        amount_minor=seen.amount_minor,
        currency=payment.currency,
        status=R.ASKED,
        idempotency_key=f"refund-{identity}",
        reason=_("Made at the provider, not by Guichet."),
        asked_by=by.name,
        created_at=clock.now(),
    )
    session.add(refund)
    session.flush()
    return refund


def _step(session: Session, payment: Payment, refund: Refund, to: RefundStatus, *, by: Actor) -> None:
    before = refund.status
    topic = REFUND_EDGES[before, to]
    refund.status = to
    debtor = session.get_one(Debtor, payment.debtor_id)
    account = payments.CLEARING[payment.provider]
    freed: list[Part] = []
    if to is R.SUBMITTED:
        payment.refunded_minor += refund.amount_minor
        freed = ledger.take_back(
            session,
            debtor,
            kind=Kind.REFUND,
            account=account,
            minor=refund.amount_minor,
            occasion=_occasion(session, payment, refund, Kind.REFUND),
            may_lose=True,
        )
    elif to is R.FAILED and before in (R.SUBMITTED, R.DONE):
        payment.refunded_minor -= refund.amount_minor
        ledger.settle_directly(
            session,
            debtor,
            account=account,
            minor=refund.amount_minor,
            parts=payments.allocations(session, payment.id),
            occasion=_occasion(session, payment, refund, Kind.REFUND_FAILED),
            kind=Kind.REFUND_FAILED,
        )
    if to is R.FAILED:
        returns.publish(session, payment, "payment.refund_failed", by=by, step=f"{refund.id}:{before.value}")
        giving.decide(session, kind=GiftKind.REFUND, subject_id=refund.id, state=GiftState.UNDONE, by=by)
    elif to is R.DONE:
        refund.done_at = clock.now()
    waiting.use(session, payment.debtor_id, freed)
    if not refund.is_owed:
        _write_off(session, payment, freed)
    payments.moved(session, payment)
    _record(session, payment, refund, before, by, action=f"refund.{refund.status.value}")
    outbox.publish(
        session,
        topic,
        {"refund_id": str(refund.id), "payment_id": str(payment.id), "debtor_id": str(payment.debtor_id)},
        dedupe_key=f"{refund.id}:{to.value}",
    )
    session.flush()


def _write_off(session: Session, payment: Payment, freed: list[Part]) -> None:
    """What was given back as not owed is not asked for again, by anybody: it is settled against the write-off account."""
    debtor = session.get_one(Debtor, payment.debtor_id)
    occasion = ledger.Occasion(at=clock.now(), value_on=today_of(session, payment.company_id))
    for part in freed:
        invoice = ledger.lock_invoices(session, [part.invoice_id])[part.invoice_id]
        minor = min(part.minor, invoice.open_minor - invoice.held_minor)
        if minor > 0:
            ledger.write_off(session, debtor, Part(invoice.id, minor), occasion)
            session.flush()


def _occasion(session: Session, payment: Payment, refund: Refund, kind: Kind) -> ledger.Occasion:
    reference = refund.provider_reference or str(refund.id)
    return ledger.Occasion(
        at=clock.now(),
        value_on=today_of(session, payment.company_id),
        payment_id=payment.id,
        provider=payment.provider.value,
        provider_reference=ledger.next_round(session, provider=payment.provider.value, reference=reference, kind=kind),
    )


def _record(
    session: Session, payment: Payment, refund: Refund, before: RefundStatus | None, by: Actor, *, action: str
) -> None:
    audit.record(
        session,
        by,
        action,
        subject_type="refund",
        subject_id=refund.id,
        company_id=payment.company_id,
        debtor_id=payment.debtor_id,
        before={"status": before.value} if before else None,
        after={
            "status": refund.status.value,
            "minor": refund.amount_minor,
            "currency": refund.currency,
            "is_owed": refund.is_owed,
        },
    )
