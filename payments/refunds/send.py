"""Sending a refund: short transaction, provider, short transaction."""

from __future__ import annotations

import uuid
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from payments.follow import follow
from payments.gateways.base import Declined, RefundSeen, RefundWish
from payments.gateways.choose import gateway_of
from payments.models import Provider, Refund
from payments.refunds import service
from payments.status import RefundStatus
from shared.kit import clock
from shared.kit.actors import Actor
from shared.kit.db import reading, retrying, transaction
from shared.kit.errors import NotFound, Unavailable
from shared.kit.words import gettext as _

KEY_LIVES = timedelta(hours=20)
"""Stripe forgets a key after 24 hours; later the refund is looked for instead of asked for again."""


def send(refund_id: uuid.UUID) -> RefundStatus:
    """Send an approved refund to the provider of its payment; any other is left as it is.

    1. One that was sent before without an answer is looked for first.
    2. Transaction: freeze the request. The running total is part of it, so refunds of one payment go one after another.
    3. Outside: ask under the refund's own key.
    4. Transaction: record what the provider shows; the ledger moves with it.

    Raises Unavailable when the provider does not answer, or when another refund of the same payment waits for its
    answer: the queue tries again.
    """
    with reading() as session:
        refund = session.get(Refund, refund_id)
        if refund is None:
            raise NotFound("refund.missing", _("There is no such refund."))
        status, asked_at, payment_id = refund.status, refund.asked_at, refund.payment_id
    if status is not RefundStatus.APPROVED:
        return status
    if asked_at is not None:
        follow(payment_id)
        if asked_at < clock.now() - KEY_LIVES:
            retrying(lambda: _never(refund_id))
    return _send(refund_id)


def _send(refund_id: uuid.UUID) -> RefundStatus:
    provider = retrying(lambda: _freeze(refund_id))
    with reading() as session:
        refund = session.get_one(Refund, refund_id)
        if provider is None:
            return refund.status
        frozen, key = refund.request, refund.idempotency_key
    try:
        seen = gateway_of(provider).refund(frozen, key=key)
    except Declined as refusal:
        return retrying(lambda no=refusal: _refused(refund_id, no, provider))  # type: ignore[misc]
    return retrying(lambda: _record(refund_id, seen, provider))


def _freeze(refund_id: uuid.UUID) -> Provider | None:
    with transaction() as session:
        payment, refund = service.lock_refund(session, refund_id)
        if refund.status is not RefundStatus.APPROVED:
            return None
        if not refund.request:
            _wait_for_others(session, refund)
            wish = RefundWish(
                refund_id=refund.id,
                payment_reference=payment.provider_reference or "",
                amount_minor=refund.amount_minor,
                total_minor=payment.refunded_minor + refund.amount_minor,
            )
            refund.request = gateway_of(payment.provider).freeze_refund(wish)
        refund.asked_at = clock.now()
        return payment.provider


def _wait_for_others(session: Session, refund: Refund) -> None:
    waiting = session.scalar(
        select(Refund.id)
        .where(Refund.payment_id == refund.payment_id, Refund.id != refund.id)
        .where(Refund.status == RefundStatus.APPROVED, Refund.asked_at.is_not(None))
        .limit(1)
    )
    if waiting is not None:
        raise Unavailable("refund.waits", _("Another refund of this payment waits for its answer."))


def _record(refund_id: uuid.UUID, seen: RefundSeen, provider: Provider) -> RefundStatus:
    with transaction() as session:
        payment, refund = service.lock_refund(session, refund_id)
        service.align(session, payment, seen, by=Actor.provider(provider.value))
        return refund.status


def _refused(refund_id: uuid.UUID, refusal: Declined, provider: Provider) -> RefundStatus:
    reason = f"{refusal.code}: {refusal.message}"
    with transaction() as session:
        service.refuse(session, refund_id, reason=reason, by=Actor.provider(provider.value))
        return session.get_one(Refund, refund_id).status


def _never(refund_id: uuid.UUID) -> None:
    with transaction() as session:
        service.refuse(session, refund_id, reason="the provider has no such refund", by=Actor.system("janitor"))
