"""Stripe is spoken here only: hosted Checkout, PaymentIntents, refunds, disputes (our chargebacks), payouts, events."""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import stripe

from payments.gateways import odd
from payments.gateways.base import (
    AT_ONCE,
    CONNECT_TIMEOUT_S,
    READ_TIMEOUT_S,
    ChargebackSeen,
    CheckoutWish,
    Declined,
    EventSeen,
    Frozen,
    MoneyObject,
    PaymentSeen,
    PayoutLine,
    PayoutSeen,
    RefundSeen,
    RefundWish,
    TryLater,
    Unknown,
)
from payments.gateways.forged import Forged
from payments.status import PaymentStatus, RefundStatus
from shared.kit.aside import Engaged, Line
from shared.kit.db import assert_outside_transaction
from shared.kit.words import gettext as _

log = logging.getLogger(__name__)

Json = dict[str, Any]

INTENT_STATUS: dict[str, PaymentStatus] = {
    "requires_payment_method": PaymentStatus.SUBMITTED,
    "requires_confirmation": PaymentStatus.SUBMITTED,
    "requires_action": PaymentStatus.ACTION_NEEDED,
    "requires_capture": PaymentStatus.SUBMITTED,
    "processing": PaymentStatus.SUBMITTED,
    "succeeded": PaymentStatus.CONFIRMED,
    "canceled": PaymentStatus.EXPIRED,
}
"""What a PaymentIntent's status means to us (docs.stripe.com/payments/paymentintents/lifecycle)."""

REFUND_STATUS: dict[str, RefundStatus] = {
    "pending": RefundStatus.SUBMITTED,
    "requires_action": RefundStatus.SUBMITTED,
    "succeeded": RefundStatus.DONE,
    "failed": RefundStatus.FAILED,
    "canceled": RefundStatus.FAILED,
}

INQUIRIES = ("warning_needs_response", "warning_under_review", "warning_closed")
"""A bank's question before a chargeback: no money has moved. "prevented" is one that never became a chargeback."""

SUBJECTS: dict[str, str] = {
    "checkout.session.completed": "payment",
    "checkout.session.async_payment_succeeded": "payment",
    "checkout.session.async_payment_failed": "payment",
    "checkout.session.expired": "payment",
    "payment_intent.succeeded": "payment",
    "payment_intent.payment_failed": "payment",
    "payment_intent.requires_action": "payment",
    "payment_intent.canceled": "payment",
    "payment_intent.processing": "payment",
    "charge.refunded": "payment",
    "charge.refund.updated": "payment",
    "refund.created": "payment",
    "refund.updated": "payment",
    "refund.failed": "payment",
    "charge.dispute.created": "payment",
    "charge.dispute.updated": "payment",
    "charge.dispute.closed": "payment",
    "charge.dispute.funds_withdrawn": "payment",
    "charge.dispute.funds_reinstated": "payment",
    "radar.early_fraud_warning.created": "payment",
    "payout.paid": "payout",
    "payout.failed": "payout",
    "payout.canceled": "payout",
}
"""The news that matters, and what it is about. Any other kind is kept and ignored."""

LINES: dict[str, str] = {
    "charge": "payment",
    "payment": "payment",
    "refund": "refund",
    "payment_refund": "refund",
    "refund_failure": "refund_failed",
    "payment_failure_refund": "refund_failed",
    "payout_failure": "payout_returned",
    "payout_cancel": "payout_returned",
    "stripe_fee": "fee",
    "stripe_fx_fee": "fee",
    "tax_fee": "fee",
    "network_cost": "fee",
    "application_fee": "fee",
}
"""What a line of a payout means, by the balance transaction's type; adjustments are read by their category."""

_LINE = Line("Stripe", at_once=AT_ONCE)
_PAGE = 100
_EXPAND = ["latest_charge.refunds", "latest_charge.balance_transaction"]


class StripeGateway:
    """One account at Stripe. Every method asserts that no database transaction is open."""

    name = "stripe"

    def __init__(
        self,
        *,
        api_key: str,
        webhook_secret: str,
        api_base: str | None,
        is_live: bool,
        timeout: tuple[float, float] = (CONNECT_TIMEOUT_S, READ_TIMEOUT_S),
        tries: int = 2,
    ) -> None:
        """`timeout`: seconds to connect, and between two signs of life of an answer."""
        self.is_live = is_live
        self.version = stripe.api_version
        """The API version in which we speak; the webhook endpoint should be set to the same."""
        self._secrets = [part.strip() for part in webhook_secret.split(",")]
        addresses: Any = {"base_addresses": {"api": api_base}} if api_base else {}
        client = stripe.RequestsClient(timeout=timeout)
        self._client = stripe.StripeClient(api_key, max_network_retries=tries - 1, http_client=client, **addresses)
        self._v1 = self._client.v1

    # Card payments ----------------------------------------------------------------------------------------------------

    def freeze_checkout(self, wish: CheckoutWish) -> Frozen:
        """The exact parameters of a Checkout session for one card payment.

        `expires_at` is an absolute moment on purpose: a repetition that comes too late is refused by Stripe ("at least
        30 minutes from creation") instead of opening a second page.
        """
        ours = {"payment_id": str(wish.payment_id)}
        frozen: Frozen = {
            "mode": "payment",
            "allowed_payment_method_types": ["card"],
            "client_reference_id": str(wish.payment_id),
            "metadata": ours,
            "payment_intent_data": {
                "metadata": ours,
                "description": wish.description,
                "statement_descriptor_suffix": wish.statement_suffix,
            },
            "line_items": [
                {
                    "quantity": 1,
                    "price_data": {
                        "currency": wish.currency.lower(),
                        "unit_amount": wish.amount_minor,
                        "product_data": {"name": wish.description},
                    },
                }
            ],
            "locale": wish.language,
            "success_url": wish.success_url,
            "cancel_url": wish.cancel_url,
            "expires_at": int(wish.expires_at.timestamp()),
        }
        if wish.email:
            frozen["customer_email"] = wish.email
        return frozen

    def open_checkout(self, frozen: Frozen, *, key: str) -> PaymentSeen:
        """Open a hosted page; the same key gives the same page. Raises Declined, TryLater, Unknown."""
        params: Any = frozen
        with _speaking():
            session = self._v1.checkout.sessions.create(params, {"idempotency_key": key}).to_dict()
        return self._seen_session(session)

    def look_checkout(self, reference: str) -> PaymentSeen:
        """A session and the payment made in it, as they stand now."""
        params: Any = {"expand": [f"payment_intent.{path}" for path in _EXPAND]}
        with _speaking():
            session = self._v1.checkout.sessions.retrieve(reference, params).to_dict()
            return self._seen_session(session)

    def find_checkout(self, payment_id: uuid.UUID, *, created_from: datetime, created_until: datetime) -> str | None:
        """The session that we opened for a payment, looked for among those created between two moments.

        The way to learn what became of a call that gave no answer when its key no longer helps.
        """
        params: Any = {
            "limit": _PAGE,
            "created": {"gte": int(created_from.timestamp()), "lte": int(created_until.timestamp())},
        }
        with _speaking():
            for session in self._v1.checkout.sessions.list(params).auto_paging_iter():
                if session.client_reference_id == str(payment_id):
                    return session.id
        return None

    def expire_checkout(self, reference: str) -> None:
        """Close an open page, so that nobody can pay on it any more. Raises Declined when it is not open."""
        with _speaking():
            self._v1.checkout.sessions.expire(reference)

    def look(self, reference: str) -> PaymentSeen:
        """A PaymentIntent by its id."""
        params: Any = {"expand": _EXPAND}
        with _speaking():
            intent = self._v1.payment_intents.retrieve(reference, params).to_dict()
            return self._seen_intent(intent)

    def owner_of(self, references: dict[str, str]) -> uuid.UUID | None:
        """Our payment behind a PaymentIntent or a session that we do not know by its reference."""
        if "payment" in references:
            return self.look(references["payment"]).our_id
        if "checkout" in references:
            return self.look_checkout(references["checkout"]).our_id
        return None

    def _seen_session(self, session: Json) -> PaymentSeen:
        self._assert_mode(session)
        intent = session["payment_intent"]
        seen = self._seen_intent(intent) if isinstance(intent, dict) else None
        status = seen.status if seen else PaymentStatus.SUBMITTED
        if session["status"] == "expired" and status is not PaymentStatus.CONFIRMED:
            status = PaymentStatus.EXPIRED
        is_open = session["status"] == "open"
        return PaymentSeen(
            status=status,
            currency=session["currency"].upper(),
            amount_minor=seen.amount_minor if seen else session["amount_total"],
            our_id=_uuid(session["client_reference_id"]),
            provider_reference=seen.provider_reference if seen else _reference(intent),
            checkout_reference=session["id"],
            checkout_url=session["url"] if is_open else None,
            checkout_expires_at=datetime.fromtimestamp(session["expires_at"], UTC),
            fee_minor=seen.fee_minor if seen else None,
            failure_code=seen.failure_code if seen else None,
            failure_reason=seen.failure_reason if seen else None,
            chargeback=seen.chargeback if seen else None,
            inquiry_reference=seen.inquiry_reference if seen else None,
            refunds=seen.refunds if seen else (),
        )

    def _seen_intent(self, intent: Json) -> PaymentSeen:
        self._assert_mode(intent)
        status = INTENT_STATUS.get(intent["status"])
        if status is None:
            raise Unknown("stripe.status", f"Stripe speaks of a status {intent['status']!r} that we do not know")
        charge = intent["latest_charge"]
        charge = charge if isinstance(charge, dict) and charge["status"] == "succeeded" else None
        disputes = self._disputes(charge) if charge and charge["disputed"] else []
        chargeback = self._chargeback(disputes)
        asked = next((one["id"] for one in disputes if one["status"] == "warning_needs_response"), None)
        if chargeback is not None and not chargeback.is_won:
            status = PaymentStatus.CHARGED_BACK
        error = intent["last_payment_error"] or {}
        balance = charge["balance_transaction"] if charge else None
        return PaymentSeen(
            status=status,
            currency=intent["currency"].upper(),
            amount_minor=intent["amount_received"] if charge else intent["amount"],
            our_id=_uuid(intent["metadata"].get("payment_id")),
            provider_reference=intent["id"],
            fee_minor=balance["fee"] if isinstance(balance, dict) else None,
            failure_code=error.get("decline_code") or error.get("code"),
            failure_reason=error.get("message"),
            chargeback=chargeback,
            inquiry_reference=asked,
            refunds=self._refunds(intent, charge),
        )

    def _refunds(self, intent: Json, charge: Json | None) -> tuple[RefundSeen, ...]:
        if charge is None:
            return ()
        known = charge["refunds"]
        found = known["data"] if isinstance(known, dict) else []
        if not isinstance(known, dict) or known["has_more"]:
            params: Any = {"payment_intent": intent["id"], "limit": _PAGE}
            found = [refund.to_dict() for refund in self._v1.refunds.list(params).auto_paging_iter()]
        return tuple(_seen_refund(refund) for refund in reversed(found))

    def _disputes(self, charge: Json) -> list[Json]:
        params: Any = {"charge": charge["id"], "limit": _PAGE}
        return [dispute.to_dict() for dispute in self._v1.disputes.list(params).auto_paging_iter()]

    @staticmethod
    def _chargeback(disputes: list[Json]) -> ChargebackSeen | None:
        """The chargeback that decides: an open or lost one before a won one."""
        real = [one for one in disputes if one["status"] not in (*INQUIRIES, "prevented")]
        real.sort(key=lambda one: one["status"] == "won")
        if not real:
            return None
        first = real[0]
        due_by = (first["evidence_details"] or {}).get("due_by")
        return ChargebackSeen(
            reference=first["id"],
            amount_minor=first["amount"],
            is_won=first["status"] == "won",
            code=first["reason"],
            is_lost=first["status"] == "lost",
            is_answered=first["status"] == "under_review",
            answer_by=datetime.fromtimestamp(due_by, UTC) if due_by else None,
        )

    def _assert_mode(self, subject: Json) -> None:
        if subject["livemode"] is not self.is_live:
            raise Declined("stripe.mode", "an object of the other mode (live or test) is not ours")

    # Refunds ----------------------------------------------------------------------------------------------------------

    def freeze_refund(self, wish: RefundWish) -> Frozen:
        """The exact parameters of a refund."""
        return {
            "payment_intent": wish.payment_reference,
            "amount": wish.amount_minor,
            "metadata": {"refund_id": str(wish.refund_id)},
        }

    def refund(self, frozen: Frozen, *, key: str) -> RefundSeen:
        """Give money back; the same key gives the same refund. Raises Declined, TryLater, Unknown."""
        params: Any = frozen
        with _speaking():
            return _seen_refund(self._v1.refunds.create(params, {"idempotency_key": key}).to_dict())

    # News, payouts, parity ----------------------------------------------------------------------------------------------

    def read_webhook(self, body: bytes, signature: str | None) -> list[EventSeen]:
        """The event in a webhook; raises Forged for anything that Stripe did not sign.

        The SDK has more ways than one to complain of a bad body or header (measured: TypeError and UnicodeDecodeError
        among them); all of them mean the same. What is signed and no event is set aside.
        """
        if not all(self._secrets):
            raise Forged("stripe.closed", "the webhook secret is empty")
        refusal: Exception | None = None
        for secret in self._secrets:
            try:
                stripe.WebhookSignature.verify_header(body, signature, secret, stripe.Webhook.DEFAULT_TOLERANCE)
            except (stripe.SignatureVerificationError, TypeError, ValueError) as error:
                refusal = error
            else:
                return [odd.read(body, lambda said: self.read_event(json.loads(said)))]
        raise Forged("stripe.signature", "the signature does not fit") from refusal

    def read_event(self, event: Json) -> EventSeen:
        """An event in our words: only what it is about."""
        kind, subject = event["type"], event["data"]["object"]
        return EventSeen(
            id=event["id"],
            kind=kind,
            created_at=datetime.fromtimestamp(event["created"], UTC),
            subject=SUBJECTS.get(kind),
            references=_references(subject),
            is_live=bool(event["livemode"]),
            version=event["api_version"],
            raw=json.dumps(event, separators=(",", ":")),
        )

    def events_since(self, moment: datetime) -> Iterator[EventSeen]:
        """News since a moment, oldest last; Stripe keeps 30 days."""
        params: Any = {"limit": _PAGE, "created": {"gte": int(moment.timestamp())}}
        with _speaking():
            for event in self._v1.events.list(params).auto_paging_iter():
                yield odd.read(event.to_dict(), self.read_event)

    def payouts_since(self, moment: datetime) -> Iterator[PayoutSeen]:
        """Payouts made since a moment."""
        params: Any = {"limit": _PAGE, "created": {"gte": int(moment.timestamp())}}
        with _speaking():
            for payout in self._v1.payouts.list(params).auto_paging_iter():
                yield PayoutSeen(
                    reference=payout.id,
                    amount_minor=payout.amount,
                    currency=payout.currency.upper(),
                    paid_on=datetime.fromtimestamp(payout.arrival_date, UTC).date(),
                    is_returned=payout.status in ("failed", "canceled"),
                )

    def payout_lines(self, reference: str) -> tuple[PayoutLine, ...]:
        """What a payout is made of: one line for each balance transaction."""
        params: Any = {"payout": reference, "limit": _PAGE, "expand": ["data.source"]}
        with _speaking():
            found = [line.to_dict() for line in self._v1.balance_transactions.list(params).auto_paging_iter()]
        return tuple(_line(body) for body in found if body["type"] != "payout")

    def money_since(self, moment: datetime) -> Iterator[MoneyObject]:
        """Every charge, refund and dispute since a moment, and what of each should stand in the ledger."""
        params: Any = {"limit": _PAGE, "created": {"gte": int(moment.timestamp())}}
        with _speaking():
            for charge in self._v1.charges.list(params).auto_paging_iter():
                if charge.status == "succeeded":
                    owner = _reference(charge.to_dict()["payment_intent"]) or charge.id
                    yield _money("payment", owner, charge.amount_captured, charge)
            for refund in self._v1.refunds.list(params).auto_paging_iter():
                failed = REFUND_STATUS.get(refund.status or "") is RefundStatus.FAILED
                yield _money("refund", refund.id, 0 if failed else refund.amount, refund)
            for dispute in self._v1.disputes.list(params).auto_paging_iter():
                if dispute.status not in (*INQUIRIES, "prevented"):
                    yield _money("chargeback", dispute.id, 0 if dispute.status == "won" else dispute.amount, dispute)


def _line(body: Json) -> PayoutLine:
    source = body["source"] if isinstance(body["source"], dict) else {}
    kind = LINES.get(body["type"], "other")
    if body["reporting_category"] in ("dispute", "dispute_reversal"):
        kind = "chargeback" if body["amount"] < 0 else "chargeback_won"
    amount, fee = Decimal(body["amount"]), Decimal(body["fee"])
    if kind == "fee":
        amount, fee = Decimal(0), fee - amount
    returned = _reference(body["source"]) if kind == "payout_returned" else None
    return PayoutLine(kind, _reference(source.get("payment_intent")), amount, fee, returned)


def _money(kind: str, reference: str, minor: int, body: Any) -> MoneyObject:
    return MoneyObject(kind, reference, minor, body.currency.upper(), datetime.fromtimestamp(body.created, UTC))


def _seen_refund(refund: Json) -> RefundSeen:
    status = REFUND_STATUS.get(refund["status"])
    if status is None:
        raise Unknown("stripe.status", f"Stripe speaks of a refund status {refund['status']!r} that we do not know")
    return RefundSeen(
        reference=refund["id"],
        amount_minor=refund["amount"],
        status=status,
        our_id=_uuid((refund["metadata"] or {}).get("refund_id")),
        reason=refund.get("failure_reason") or "",
    )


def _references(subject: Json) -> dict[str, str]:
    """The names by which an event's object may be known to us."""
    kind = subject.get("object")
    found = {
        "checkout": subject["id"] if kind == "checkout.session" else None,
        "payout": subject["id"] if kind == "payout" else None,
        "payment": subject["id"] if kind == "payment_intent" else _reference(subject.get("payment_intent")),
        "ours": subject.get("client_reference_id") or (subject.get("metadata") or {}).get("payment_id"),
    }
    return {name: str(value) for name, value in found.items() if value}


def _reference(value: Any) -> str | None:
    if isinstance(value, dict):
        return str(value["id"])
    return value if isinstance(value, str) else None


def _uuid(text: Any) -> uuid.UUID | None:
    try:
        return uuid.UUID(str(text))
    except ValueError:
        return None


@contextmanager
def _speaking() -> Iterator[None]:
    """Turn everything the SDK may raise into one of our three errors.

    A 400 or 404 is a definite no. 429 and 401 stand before the work, so nothing was done. Everything else, 5xx,
    "this key is in use" and the SDK's own surprises included, leaves us not knowing.
    """
    assert_outside_transaction()
    try:
        with _LINE.call():
            yield
    except (Declined, TryLater, Unknown):
        raise
    except Engaged as engaged:
        raise TryLater(
            "stripe.engaged", _("The payment service is slow to answer. Try again in a minute.")
        ) from engaged
    except stripe.IdempotencyError as error:
        raise Unknown("stripe.key", f"the key is in use: {error.user_message}") from error
    except (stripe.CardError, stripe.InvalidRequestError) as error:
        code = error.code or ("missing" if error.http_status == 404 else "invalid_request")
        raise Declined(code, error.user_message or "Stripe refuses") from error
    except stripe.RateLimitError as error:
        raise TryLater("stripe.busy", "Stripe asks us to slow down") from error
    except (stripe.AuthenticationError, stripe.PermissionError) as error:
        log.exception("Stripe does not accept our key")
        raise TryLater("stripe.credentials", "Stripe does not accept our key") from error
    except stripe.StripeError as error:
        raise Unknown("stripe.silent", f"Stripe gave no usable answer ({type(error).__name__})") from error
    except Exception as error:
        log.exception("Stripe's library failed")
        raise Unknown("stripe.odd", f"an odd answer from Stripe ({type(error).__name__})") from error


EVENTS_KEPT = timedelta(days=29)
"""Stripe lists 30 days of events."""
