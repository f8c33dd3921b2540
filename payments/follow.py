"""Following the provider: ask what it shows of a payment, and take the steps that lead there.

The one way in which a provider's word moves a payment, whoever asks for it: a webhook, the debtor who returns, the
janitor. An event is a hint; the object fetched is the truth (I6).

Two askers may fetch at the same time and come back in the other order, and the older answer must not undo the newer.
So the payment's step count is read before the question and looked at again under the lock: when it has moved, the
answer is thrown away and the question asked anew.
"""

from __future__ import annotations

import logging
import uuid
from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from payments import returns, service
from payments.chargebacks import service as chargebacks
from payments.gateways.base import PaymentSeen
from payments.gateways.choose import cards, debits
from payments.models import Payment, Provider
from payments.refunds.service import align_refunds
from payments.service import Facts
from payments.status import COLLECTED, IN_FLIGHT, PaymentStatus, way
from shared.kit import clock
from shared.kit.actors import Actor
from shared.kit.db import reading, retrying, transaction
from shared.kit.errors import Conflict, NotFound, Unavailable
from shared.kit.words import gettext as _

log = logging.getLogger(__name__)

_ROUNDS = 6


@dataclass(frozen=True, slots=True)
class _Known:
    payment_id: uuid.UUID
    provider: Provider
    checkout_reference: str | None
    provider_reference: str | None
    steps: int


def follow(
    payment_id: uuid.UUID,
    *,
    by: Actor | None = None,
    checkout_reference: str | None = None,
    provider_reference: str | None = None,
    cause: str = "",
) -> PaymentStatus:
    """Ask the provider about a payment and take the steps that its answer calls for; gives the status then.

    The references say where to look when the payment does not know yet (a webhook that overtook our own record). Raises
    Unavailable when the provider does not answer, Conflict when its answer contradicts what we know: then nothing is
    changed, and somebody must look.
    """
    for _round in range(_ROUNDS):
        known = _know(payment_id)
        if known.provider is Provider.HAND:
            raise NotFound("payment.by_hand", _("A receipt by hand has no provider to ask."))
        seen = _ask(known, checkout_reference, provider_reference)
        actor = by or Actor.provider(known.provider.value)
        status = retrying(lambda k=known, s=seen, a=actor: _take(k, s, a, cause))  # type: ignore[misc]
        if status is not None:
            return status
    raise Unavailable("payment.restless", _("The payment changes faster than it can be read. Please try again."))


def _know(payment_id: uuid.UUID) -> _Known:
    with reading() as session:
        payment = session.get(Payment, payment_id)
        if payment is None:
            raise NotFound("payment.missing", _("There is no such payment."))
        return _Known(
            payment_id=payment.id,
            provider=payment.provider,
            checkout_reference=payment.checkout_reference,
            provider_reference=payment.provider_reference,
            steps=service.steps_of(session, payment.id),
        )


def _ask(known: _Known, checkout_reference: str | None, provider_reference: str | None) -> PaymentSeen:
    page = known.checkout_reference or checkout_reference
    reference = known.provider_reference or provider_reference
    if known.provider is Provider.STRIPE and page:
        return cards().look_checkout(page)
    if reference is None:
        raise Unavailable("payment.unasked", _("The provider has not been asked for this payment yet."))
    return cards().look(reference) if known.provider is Provider.STRIPE else debits().look(reference)


def _take(known: _Known, seen: PaymentSeen, by: Actor, cause: str) -> PaymentStatus | None:
    with transaction() as session:
        payment = service.lock_payment(session, known.payment_id)
        if service.steps_of(session, payment.id) != known.steps:
            return None
        apply(session, payment, seen, by=by, cause=cause)
        return payment.status


def apply(session: Session, payment: Payment, seen: PaymentSeen, *, by: Actor, cause: str = "") -> None:
    """Take the steps from where a locked payment stands to what the provider shows, refunds included.

    Raises Conflict when the answer is about another payment, another currency, or shows a state to which no way leads.
    """
    payment.asked_at = clock.now()
    _check(payment, seen)
    if seen.status in IN_FLIGHT and seen.amount_minor != payment.amount_minor:
        raise Conflict(
            "payment.wrong_amount", _("The provider holds %(payment)s over another amount.", payment=payment.reference)
        )
    try:
        steps = way(payment.status, seen.status)
    except LookupError as error:
        raise Conflict(
            "payment.no_way",
            _(
                "What the provider shows of %(payment)s cannot follow from what we know (%(detail)s).",
                payment=payment.reference,
                detail=error,
            ),
        ) from error
    if not steps:
        facts = _facts(seen, payment.status)
        is_of_now = seen.status is payment.status  # else it speaks of another state: not of why this one is as it is
        service.learn(payment, facts if is_of_now else replace(facts, failure_code=None, failure_reason=None))
    for step in steps:
        service.advance(session, payment.id, step, by=by, facts=_facts(seen, step), cause=cause)
    if seen.chargeback is not None:
        chargebacks.align(session, payment, seen.chargeback, by=by)
    if seen.inquiry_reference is not None:
        returns.publish(session, payment, "payment.asked_about", by=by, step=seen.inquiry_reference)
    if payment.status in COLLECTED | {PaymentStatus.CHARGED_BACK, PaymentStatus.FAILED} and seen.refunds:
        align_refunds(session, payment, seen.refunds, by=by)


def _check(payment: Payment, seen: PaymentSeen) -> None:
    if seen.our_id is not None and seen.our_id != payment.id:
        raise Conflict(
            "payment.not_ours",
            _("The provider's object belongs to another payment than %(payment)s.", payment=payment.reference),
        )
    if seen.currency != payment.currency:
        raise Conflict(
            "payment.currency",
            _("The provider holds %(payment)s in %(currency)s.", payment=payment.reference, currency=seen.currency),
        )


def _facts(seen: PaymentSeen, step: PaymentStatus) -> Facts:
    """What is learnt with one step: the failure only when it is one, the chargeback's own name and amount with it."""
    failed = step in (PaymentStatus.FAILED, PaymentStatus.CHARGED_BACK, PaymentStatus.ACTION_NEEDED) or (
        step is PaymentStatus.SUBMITTED and seen.failure_code is not None
    )
    chargeback = seen.chargeback
    amount = seen.amount_minor if step is PaymentStatus.CONFIRMED else None
    code = seen.failure_code
    if step is PaymentStatus.CHARGED_BACK and chargeback is not None:
        amount, code = chargeback.amount_minor, chargeback.code or code
    return Facts(
        provider_reference=seen.provider_reference,
        checkout_reference=seen.checkout_reference,
        checkout_url=seen.checkout_url,
        checkout_expires_at=seen.checkout_expires_at,
        failure_code=code if failed else None,
        failure_reason=seen.failure_reason if failed else None,
        charge_on=seen.charge_on,
        fee_minor=seen.fee_minor,
        amount_minor=amount,
        object_reference=chargeback.reference if chargeback else None,
    )
