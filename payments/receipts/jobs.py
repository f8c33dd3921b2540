"""What people are told about their payments, mandates and refunds: each once, in the language of each.

Every job writes one message under a key made of the thing and its step; so it is safe to run twice, and news that comes
twice is told once.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from payments.chargebacks.queries import is_contested
from payments.collections.models import Collection, CollectionState
from payments.collections.tell import holder_has_died
from payments.labels import MEANS, why_failed
from payments.models import (
    Mandate,
    MandateTransition,
    Means,
    Payment,
    PaymentAllocation,
    PaymentTransition,
    Provider,
    Refund,
)
from payments.reasons import policy_of
from payments.status import COLLECTED, IN_FLIGHT, MANDATE_ENDS, MandateStatus, PaymentStatus, RefundStatus
from shared.access.models import LinkPurpose
from shared.company.queries import today_of
from shared.debtors import affairs
from shared.invoices.models import Invoice
from shared.kit.actors import Actor
from shared.kit.db import among, transaction
from shared.kit.jobs import job, on
from shared.kit.money import Money
from shared.kit.words import lazy_gettext as _l
from shared.messages import service as messages
from shared.messages.last_look import before_sending
from shared.messages.models import Message, MessageStatus

_WHY_PAYER = _l("You get this because you made or receive payments of this account.")
_READ = (MessageStatus.TOLD, MessageStatus.SENDING, MessageStatus.SENT, MessageStatus.UNCERTAIN)
"""What a person may have read."""
_WHY_ACCOUNT = _l("You get this because you are a contact of this account.")


@on("payment.confirmed")
@job("payments.receipts.confirmed")
def tell_confirmed(payload: dict[str, Any]) -> None:
    """Thank the payer. Safe to run twice: one message for each confirmation."""
    with transaction() as session:
        payment = _payment(session, payload)
        if payment.status not in COLLECTED:
            return  # it has gone back meanwhile; that news has its own message
        facts: dict[str, Any] = {
            "total": _money(payment),
            "reference": payment.reference,
            "paid_on": payment.received_on or _today(session, payment),
            "payment_id": str(payment.id),
        }
        if payment.means is Means.DEBIT:
            facts["mandate_reference"] = _rum(session, payment.mandate_id)
            _tell(session, payment, "debit_confirmed", facts, f"confirmed:{payload['step']}")
        else:
            facts |= {"means": MEANS[payment.means], "is_provisional": False}
            _tell(session, payment, "receipt", facts, f"confirmed:{payload['step']}")


@on("payment.failed")
@job("payments.receipts.failed")
def tell_failed(payload: dict[str, Any]) -> None:
    """Tell that a debit was refused. A card payer saw it on the page. Safe to run twice: one message a failure."""
    with transaction() as session:
        payment = _payment(session, payload)
        is_told = payment.means is Means.DEBIT and not policy_of(payment.failure_code).stops_everything
        if is_told and payment.status is PaymentStatus.FAILED and payment.provider_reference:
            _tell(session, payment, "payment_failed", _failure(session, payment), f"failed:{payload['step']}")


@on("payment.cancelled")
@job("payments.receipts.cancelled_with_mandate")
def tell_cancelled(payload: dict[str, Any]) -> None:
    """Tell which debit that the debtor had asked for falls away because the bank ended, or suspended, its mandate.

    What we or the debtor stopped has its own message, and so have automatic debits (`collections.withdraw`): two jobs of one
    piece of news never tell of the same thing. Safe to run twice: one message a debit.
    """
    with transaction() as session:
        payment = _payment(session, payload)
        mandate = session.get(Mandate, payment.mandate_id) if payment.mandate_id else None
        if payment.status is not PaymentStatus.CANCELLED or mandate is None or mandate.status not in WHY_CANCELLED:
            return
        if not _was_by_provider(session, payment, payload["step"]) or holder_has_died(session, mandate.id):
            return
        if session.scalar(select(Collection.id).where(Collection.payment_id == payment.id)) is None:
            facts = _failure(session, payment) | {"why_failed": WHY_CANCELLED[mandate.status], "retry_on": None}
            _tell(session, payment, "payment_failed", facts, f"cancelled:{payload['step']}")


def _was_by_provider(session: Session, payment: Payment, step: int) -> bool:
    own = (PaymentTransition.payment_id == payment.id, PaymentTransition.step == step)
    return session.scalar(select(PaymentTransition.actor_kind).where(*own)) == "provider"


@on("payment.failed_late")
@on("payment.charged_back")
@job("payments.receipts.returned")
def tell_returned(payload: dict[str, Any]) -> None:
    """Tell that the bank took money back. Safe to run twice: one message for each return."""
    with transaction() as session:
        payment = _payment(session, payload)
        is_told = payment.provider is not Provider.HAND and not policy_of(payment.failure_code).stops_everything
        if is_told and payment.status not in COLLECTED:
            key = f"returned:{payload['step']}"
            _tell(session, payment, "payment_returned", _failure(session, payment), key)


@on("mandate.given")
@on("mandate.active")
@job("payments.receipts.mandate_given")
def tell_mandate_given(payload: dict[str, Any]) -> None:
    """Confirm a mandate. Safe to run twice: one message a mandate, whichever of the two news comes first."""
    with transaction() as session:
        mandate = session.get_one(Mandate, uuid.UUID(payload["mandate_id"]))
        facts = {"mandate_reference": mandate.scheme_reference or mandate.reference, "iban_ending": mandate.iban_ending}
        _tell_of_mandate(session, mandate, "mandate_given", facts, "given")


@on("mandate.ended")
@job("payments.receipts.mandate_ended")
def tell_mandate_ended(payload: dict[str, Any]) -> None:
    """Tell that a mandate has ended (not that a request was never signed). Safe to run twice: one message an end."""
    with transaction() as session:
        mandate = session.get_one(Mandate, uuid.UUID(payload["mandate_id"]))
        if not payload["was_given"]:
            return
        _tell_staff_of_end(session, mandate, payload["step"])
        if mandate.status is MandateStatus.SUSPENDED or holder_has_died(session, mandate.id):
            return
        facts = {
            "mandate_reference": mandate.scheme_reference or mandate.reference,
            "iban_ending": mandate.iban_ending,
            "why_ended": END_REASONS.get(mandate.status, ""),
            "is_under_way": _has_debits_under_way(session, mandate),
        }
        _tell_of_mandate(session, mandate, "mandate_ended", facts, f"ended:{payload['step']}")


def _has_debits_under_way(session: Session, mandate: Mandate) -> bool:
    """Whether the provider has debits under it that may still be made."""
    mine = (Payment.mandate_id == mandate.id, Payment.status.in_(IN_FLIGHT))
    return session.scalar(select(Payment.id).where(*mine).limit(1)) is not None


@on("refund.submitted")
@job("payments.receipts.refunded")
def tell_refunded(payload: dict[str, Any]) -> None:
    """Tell that money is on its way back. Safe to run twice: one message a refund."""
    with transaction() as session:
        refund = session.get_one(Refund, uuid.UUID(payload["refund_id"]))
        if refund.status is RefundStatus.FAILED:
            return  # it came to nothing before anybody was told
        payment = session.get_one(Payment, refund.payment_id)
        numbers, open_minor = _opened(session, payment)
        facts = {
            "total": Money(refund.amount_minor, refund.currency),
            "reference": payment.reference,
            "is_owed": refund.is_owed,
            "numbers": numbers,
            "still": Money(min(refund.amount_minor, open_minor), refund.currency),
        }
        messages.write(
            session,
            kind="refund_done",
            debtor_id=payment.debtor_id,
            facts=facts,
            link=LinkPurpose.NOTICE,
            reason=lambda: str(_WHY_PAYER),
            dedupe_key=f"refund:{refund.id}",
            subject_id=payment.id,
            is_news=True,
        )


@before_sending("refund_done")
def _is_on_its_way(session: Session, some: Sequence[Message]) -> dict[uuid.UUID, str]:
    """A refund that came to nothing is not told as one."""
    of = {each.id: uuid.UUID(each.dedupe_key.split(":")[1]) for each in some}
    failed = (among(Refund.id, of.values()), Refund.status == RefundStatus.FAILED)
    gone = set(session.scalars(select(Refund.id).where(*failed)))
    return {identity: "the refund was not made" for identity, refund_id in of.items() if refund_id in gone}


@on("refund.failed")
@job("payments.receipts.refund_failed")
def tell_refund_failed(payload: dict[str, Any]) -> None:
    """Tell whoever was told of a refund that the money has come back. Safe to run twice: one message a refund."""
    with transaction() as session:
        refund = session.get_one(Refund, uuid.UUID(payload["refund_id"]))
        told = (Message.kind == "refund_done", Message.dedupe_key.startswith(f"refund:{refund.id}:"))
        if session.scalar(select(Message.id).where(*told, Message.status.in_(_READ)).limit(1)) is None:
            return
        payment = session.get_one(Payment, refund.payment_id)
        messages.write(
            session,
            kind="refund_failed",
            debtor_id=payment.debtor_id,
            facts={"total": Money(refund.amount_minor, refund.currency), "reference": payment.reference},
            link=LinkPurpose.NOTICE,
            reason=lambda: str(_WHY_PAYER),
            dedupe_key=f"refund-failed:{refund.id}",
            subject_id=payment.id,
        )


def _tell_staff_of_end(session: Session, mandate: Mandate, step: int) -> None:
    """Staff hear of a mandate that neither they nor the debtor ended here: the bank, or the provider, did."""
    own = (MandateTransition.mandate_id == mandate.id, MandateTransition.step == step)
    taken = session.scalar(select(MandateTransition).where(*own))
    if taken is not None and taken.actor_kind == "provider":
        by = Actor.provider(taken.actor_name)
        topic = "mandate.suspended" if taken.after is MandateStatus.SUSPENDED else "mandate.lost"
        affairs.publish(session, mandate, topic, by=by, staff=None, dedupe_key=f"{mandate.id}:lost:{step}")


def _opened(session: Session, payment: Payment) -> tuple[str, int]:
    """The invoices that a payment was meant for, by number, and what of them is open and not on its way (minor units)."""
    rows = session.execute(
        select(Invoice.number, Invoice.open_minor, Invoice.held_minor)
        .join(PaymentAllocation, PaymentAllocation.invoice_id == Invoice.id)
        .where(PaymentAllocation.payment_id == payment.id)
        .order_by(Invoice.due_on, Invoice.number)
    ).all()
    return ", ".join(row.number for row in rows), sum(row.open_minor - row.held_minor for row in rows)


WHY_CANCELLED: dict[MandateStatus, Any] = {
    **dict.fromkeys(MANDATE_ENDS, why_failed("MD01")),
    MandateStatus.SUSPENDED: _l("its mandate is suspended"),
}
"""Why the provider cancelled a debit, by what has become of its mandate."""

END_REASONS: dict[MandateStatus, Any] = {
    MandateStatus.FAILED: _l("refused by the bank"),
    MandateStatus.CANCELLED: _l("cancelled"),
    MandateStatus.EXPIRED: _l("not used for too long"),
    MandateStatus.BLOCKED: _l("the bank accepts no more debits"),
}


def _payment(session: Session, payload: dict[str, Any]) -> Payment:
    return session.get_one(Payment, uuid.UUID(payload["payment_id"]))


def _money(payment: Payment) -> Money:
    return Money(payment.amount_minor, payment.currency)


def _today(session: Session, payment: Payment) -> date:
    return today_of(session, payment.company_id)


def _rum(session: Session, mandate_id: uuid.UUID | None) -> str:
    mandate = session.get(Mandate, mandate_id) if mandate_id else None
    return (mandate.scheme_reference or mandate.reference) if mandate else ""


def _failure(session: Session, payment: Payment) -> dict[str, Any]:
    settles = select(PaymentAllocation.invoice_id).where(PaymentAllocation.payment_id == payment.id)
    pays = select(Collection.instalment_id).where(Collection.payment_id == payment.id)
    again = session.scalar(
        select(Collection.charge_on)
        .where(or_(Collection.invoice_id.in_(settles), Collection.instalment_id.in_(pays)))
        .where(Collection.state == CollectionState.ANNOUNCED)
        .limit(1)
    )
    return {
        "total": _money(payment),
        "reference": payment.reference,
        "why_failed": why_failed(payment.failure_code),
        "retry_on": again,
        "is_contested": is_contested(session, payment.id),
        "payment_id": str(payment.id),
    }


_NEWS = frozenset({"receipt", "debit_confirmed"})
"""What asks nothing of its reader: it may wait for a weekly digest."""


def _tell(session: Session, payment: Payment, kind: str, facts: dict[str, Any], key: str) -> None:
    to_one = payment.contact_id if payment.means is not Means.DEBIT else None
    messages.write(
        session,
        kind=kind,
        debtor_id=payment.debtor_id,
        contact_ids=[to_one] if to_one else None,
        facts=facts,
        link=LinkPurpose.NOTICE,
        reason=lambda: str(_WHY_PAYER),
        dedupe_key=f"payment:{payment.id}:{key}",
        subject_id=payment.id,
        is_news=kind in _NEWS,
    )


def _tell_of_mandate(session: Session, mandate: Mandate, kind: str, facts: dict[str, Any], key: str) -> None:
    messages.write(
        session,
        kind=kind,
        debtor_id=mandate.debtor_id,
        facts=facts,
        link=LinkPurpose.NOTICE,
        reason=lambda: str(_WHY_ACCOUNT),
        dedupe_key=f"mandate:{mandate.id}:{key}",
        subject_id=mandate.id,
    )
