"""GoCardless is spoken here only: SEPA mandates by billing request, debits, refunds, payouts, events."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any

from gocardless_pro import errors, webhooks
from gocardless_pro.client import Client

from payments.gateways import odd
from payments.gateways.base import (
    AT_ONCE,
    CONNECT_TIMEOUT_S,
    READ_TIMEOUT_S,
    ChargebackSeen,
    DebitWish,
    Declined,
    EventSeen,
    Frozen,
    MandateSeen,
    MandateWish,
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
from payments.status import IN_FLIGHT, MandateStatus, PaymentStatus, RefundStatus
from shared.kit import clock
from shared.kit.aside import Engaged, Line
from shared.kit.db import assert_outside_transaction
from shared.kit.words import gettext as _

log = logging.getLogger(__name__)

Json = dict[str, Any]

PAYMENT_STATUS: dict[str, PaymentStatus] = {
    "pending_customer_approval": PaymentStatus.SUBMITTED,
    "pending_submission": PaymentStatus.SUBMITTED,
    "submitted": PaymentStatus.SUBMITTED,
    "confirmed": PaymentStatus.CONFIRMED,
    "paid_out": PaymentStatus.SETTLED,
    "cancelled": PaymentStatus.CANCELLED,
    "customer_approval_denied": PaymentStatus.CANCELLED,
    "failed": PaymentStatus.FAILED,
    "charged_back": PaymentStatus.CHARGED_BACK,
}
"""What a payment's status means to us. `failed` may come after `confirmed` and `paid_out`."""

MANDATE_STATUS: dict[str, MandateStatus] = {
    "pending_customer_approval": MandateStatus.PENDING,
    "pending_submission": MandateStatus.PENDING,
    "submitted": MandateStatus.PENDING,
    "active": MandateStatus.ACTIVE,
    "suspended_by_payer": MandateStatus.SUSPENDED,
    "failed": MandateStatus.FAILED,
    "cancelled": MandateStatus.CANCELLED,
    "expired": MandateStatus.EXPIRED,
    "consumed": MandateStatus.EXPIRED,
    "blocked": MandateStatus.BLOCKED,
}

REFUND_STATUS: dict[str, RefundStatus] = {
    "created": RefundStatus.SUBMITTED,
    "pending_submission": RefundStatus.SUBMITTED,
    "submitted": RefundStatus.SUBMITTED,
    "paid": RefundStatus.DONE,
    "cancelled": RefundStatus.FAILED,
    "bounced": RefundStatus.FAILED,
    "funds_returned": RefundStatus.FAILED,
    "failed": RefundStatus.FAILED,
}

SUBJECTS: dict[str, str] = {
    "payments": "payment",
    "refunds": "payment",
    "mandates": "mandate",
    "billing_requests": "mandate",
    "payouts": "payout",
}
"""What kinds of resources matter. `late_failure_settled` and `chargeback_settled` are about payments too, but the
payment's own status does not change with them: they are the payout's side of a reversal that came before."""

LINES: dict[str, str] = {
    "payment_paid_out": "payment",
    "payment_failed": "late_failure",
    "payment_charged_back": "chargeback",
    "payment_refunded": "refund",
    "refund": "refund",
    "refund_funds_returned": "refund_failed",
}
FEES = ("gocardless_fee", "app_fee", "surcharge_fee")

_LINE = Line("GoCardless", at_once=AT_ONCE)
SPARE_REQUESTS = 20
"""So many of a minute's requests a row of many leaves to those who wait for an answer."""

LONGEST_WAIT_S = 60.0

_PAGE = 200


class GoCardlessGateway:
    """One account at GoCardless. Every method asserts that no database transaction is open."""

    name = "gocardless"

    def __init__(
        self,
        *,
        access_token: str,
        webhook_secret: str,
        base_url: str | None,
        is_live: bool,
        timeout: tuple[float, float] = (CONNECT_TIMEOUT_S, READ_TIMEOUT_S),
        tries: int = 2,
    ) -> None:
        """`timeout`: seconds to connect, and between two signs of life of an answer."""
        self._tries = tries
        self.is_live = is_live
        self._secrets = [part.strip() for part in webhook_secret.split(",")]
        where = {"base_url": base_url} if base_url else {"environment": "live" if is_live else "sandbox"}
        self._client = Client(
            access_token=access_token,
            timeout=timeout,
            raise_on_idempotency_conflict=True,
            **where,
        )

    def _service(self, name: str) -> Any:
        """A service of the SDK that tries as often as we say: its three tries of 18 s are too long for a person."""
        service = getattr(self._client, name)
        service.max_network_retries = self._tries
        return service

    def wait_s(self) -> float:
        """So many seconds to wait before the next request of many: 0 while the provider's minute holds more than a few.

        GoCardless says with each answer how many requests its minute still takes, and when the next one begins.
        """
        limit = self._client.rate_limit
        left, reset = limit["ratelimit-remaining"], limit["ratelimit-reset"]
        if left is None or left > SPARE_REQUESTS or not reset:
            return 0.0
        try:
            until = parsedate_to_datetime(reset)
        except (TypeError, ValueError):
            return 0.0
        return min(max((until - clock.now()).total_seconds(), 0.0), LONGEST_WAIT_S)

    # Mandates -----------------------------------------------------------------------------------------------------------

    def freeze_mandate(self, wish: MandateWish) -> Frozen:
        """The exact parameters of a billing request and of the flow that leads through the hosted page."""
        ours = {"mandate_id": str(wish.mandate_id)}
        customer = {
            "company_name": wish.company_name,
            "given_name": wish.given_name,
            "family_name": wish.family_name,
            "email": wish.email,
            "address_line1": wish.street,
            "postal_code": wish.postcode,
            "city": wish.city,
            "country_code": wish.country,
        }
        return {
            "request": {
                "mandate_request": {
                    "scheme": "sepa_core",
                    "currency": "EUR",
                    "description": wish.description[:100],
                    "metadata": ours,
                },
                "metadata": ours,
            },
            "flow": {
                "redirect_uri": wish.return_url,
                "exit_uri": wish.exit_url,
                "language": wish.language,
                "prefilled_customer": {name: value for name, value in customer.items() if value},
            },
        }

    def ask_mandate(self, frozen: Frozen, *, key: str) -> str:
        """Create the billing request; the same key gives the same one. Gives its reference."""
        with _speaking():
            try:
                made = self._service("billing_requests").create(params=frozen["request"], headers=_key(key))
            except errors.IdempotentCreationConflictError as conflict:
                made = self._service("billing_requests").get(conflict.conflicting_resource_id)
            body = made.attributes
        if (body["metadata"] or {}).get("mandate_id") != frozen["request"]["metadata"]["mandate_id"]:
            raise Declined("gocardless.key_taken", "the key belongs to another billing request")
        return str(body["id"])

    def open_flow(self, frozen: Frozen, *, request_reference: str) -> tuple[str, datetime]:
        """A link to the hosted page and until when it lives. A second link to the same request is harmless."""
        params = frozen["flow"] | {"links": {"billing_request": request_reference}}
        with _speaking():
            flow = self._service("billing_request_flows").create(params=params).attributes
            return flow["authorisation_url"], _moment(flow["expires_at"])

    def look_mandate_request(self, reference: str) -> MandateSeen:
        """A billing request, and the mandate that it has become."""
        with _speaking():
            request = self._service("billing_requests").get(reference).attributes
        ours = _uuid((request["metadata"] or {}).get("mandate_id"))
        mandate = (request["links"] or {}).get("mandate_request_mandate")
        if mandate:
            return self.look_mandate(mandate, request_reference=reference, our_id=ours)
        ended = request["status"] == "cancelled"
        status = MandateStatus.CANCELLED if ended else MandateStatus.CREATED
        return MandateSeen(status=status, our_id=ours, request_reference=reference)

    def look_mandate(
        self, reference: str, *, request_reference: str | None = None, our_id: uuid.UUID | None = None
    ) -> MandateSeen:
        """A mandate with the account behind it. Of the account only what a person recognises is read."""
        with _speaking():
            mandate = self._service("mandates").get(reference).attributes
            account = self._service("customer_bank_accounts").get(mandate["links"]["customer_bank_account"]).attributes
        status = MANDATE_STATUS.get(mandate["status"])
        if status is None:
            raise Unknown("gocardless.status", f"a mandate status {mandate['status']!r} that we do not know")
        possible = mandate.get("next_possible_charge_date")
        return MandateSeen(
            status=status,
            our_id=our_id or _uuid((mandate["metadata"] or {}).get("mandate_id")),
            request_reference=request_reference,
            provider_reference=mandate["id"],
            scheme_reference=mandate["reference"],
            holder_name=account["account_holder_name"] or "",
            bank_name=account["bank_name"] or "",
            iban_ending=(account["account_number_ending"] or "")[-4:],
            iban_country=account["country_code"] or "",
            next_charge_on=date.fromisoformat(possible) if possible else None,
        )

    def cancel_mandate(self, reference: str) -> None:
        """End a mandate; debits that have not left end with it. Raises Declined when it has ended already."""
        with _speaking():
            self._service("mandates").cancel(reference)

    def cancel_mandate_request(self, reference: str) -> None:
        """Nobody shall complete it any more. Raises Declined when it is fulfilled or cancelled already."""
        with _speaking():
            self._service("billing_requests").cancel(reference)

    # Debits -------------------------------------------------------------------------------------------------------------

    def freeze_debit(self, wish: DebitWish) -> Frozen:
        """The exact parameters of a debit."""
        frozen: Frozen = {
            "amount": wish.amount_minor,
            "currency": wish.currency,
            "description": wish.description[:100],
            "metadata": {"payment_id": str(wish.payment_id)},
            "retry_if_possible": False,
            "links": {"mandate": wish.mandate_reference},
        }
        if wish.charge_on is not None:
            frozen["charge_date"] = wish.charge_on.isoformat()
        return frozen

    def create_debit(self, frozen: Frozen, *, key: str) -> PaymentSeen:
        """Create a debit; the same key gives the same debit.

        When the key is taken, the debit behind it is read and must be ours to the cent: one with our id over another
        amount, which we never asked for, is cancelled. Raises Declined, TryLater, Unknown.
        """
        with _speaking():
            try:
                made = self._service("payments").create(params=frozen, headers=_key(key)).attributes
            except errors.IdempotentCreationConflictError as conflict:
                made = self._service("payments").get(conflict.conflicting_resource_id).attributes
                self._assert_same(made, frozen)
            return self._seen_payment(made)

    def _assert_same(self, made: Json, frozen: Frozen) -> None:
        if (made["metadata"] or {}).get("payment_id") != frozen["metadata"]["payment_id"]:
            raise Declined("key_taken", "the key belongs to another payment")
        same = (
            made["amount"] == frozen["amount"]
            and made["currency"] == frozen["currency"]
            and made["links"]["mandate"] == frozen["links"]["mandate"]
        )
        if not same:
            log.error("GoCardless holds %s under our key with other facts: cancelling it", made["id"])
            self._stop(made)
            raise Declined("wrong_amount", "the provider held a debit over another amount; it was cancelled")

    def _stop(self, made: Json) -> None:
        if PAYMENT_STATUS.get(made["status"]) is PaymentStatus.CANCELLED:
            return
        try:
            self._service("payments").cancel(made["id"])
        except errors.InvalidStateError as error:
            raise Unknown("wrong_amount", "the provider holds a debit over another amount that has left") from error

    def find_debit(self, payment_id: uuid.UUID, *, mandate_reference: str, created_from: datetime) -> str | None:
        """The debit that we created for a payment, looked for among those of its mandate."""
        params = {"mandate": mandate_reference, "created_at[gte]": _iso(created_from), "limit": _PAGE}
        with _speaking():
            for payment in self._service("payments").all(params=params):
                body = payment.attributes
                if (body["metadata"] or {}).get("payment_id") == str(payment_id):
                    return str(body["id"])
        return None

    def cancel_debit(self, reference: str) -> None:
        """Stop a debit that has not left for the bank. Raises Declined(CANNOT_BE_CANCELLED) when it has."""
        with _speaking():
            self._service("payments").cancel(reference)

    def look(self, reference: str) -> PaymentSeen:
        """A debit as it stands now, with the reason of its failure and its refunds."""
        with _speaking():
            return self._seen_payment(self._service("payments").get(reference).attributes)

    def owner_of(self, references: dict[str, str]) -> uuid.UUID | None:
        """Our payment behind a debit that we do not know by its reference."""
        return self.look(references["payment"]).our_id if "payment" in references else None

    def owner_of_mandate(self, references: dict[str, str]) -> uuid.UUID | None:
        """Our mandate behind a mandate or a billing request that we do not know by its reference."""
        if "mandate_request" in references:
            return self.look_mandate_request(references["mandate_request"]).our_id
        return self.look_mandate(references["mandate"]).our_id if "mandate" in references else None

    def _seen_payment(self, body: Json) -> PaymentSeen:
        status = PAYMENT_STATUS.get(body["status"])
        if status is None:
            raise Unknown("gocardless.status", f"a payment status {body['status']!r} that we do not know")
        reason: Json = {}
        if status in (PaymentStatus.FAILED, PaymentStatus.CHARGED_BACK, PaymentStatus.CANCELLED):
            reason = self._why(body["id"], body["status"])
        code = reason.get("reason_code") or reason.get("cause")
        chargeback = None
        if status is PaymentStatus.CHARGED_BACK:
            chargeback = ChargebackSeen(reference=None, amount_minor=body["amount"], is_won=False, code=code or "")
        has_money = status not in IN_FLIGHT | {PaymentStatus.CANCELLED}
        return PaymentSeen(
            status=status,
            currency=body["currency"],
            amount_minor=body["amount"],
            our_id=_uuid((body["metadata"] or {}).get("payment_id")),
            provider_reference=body["id"],
            charge_on=date.fromisoformat(body["charge_date"]) if body["charge_date"] else None,
            failure_code=code,
            failure_reason=reason.get("description"),
            chargeback=chargeback,
            refunds=self._refunds(body["id"]) if has_money else (),
            mandate_reference=body["links"]["mandate"],
        )

    def _why(self, reference: str, action: str) -> Json:
        """The details of the latest event that brought a payment where it is."""
        latest: Json = {}
        for event in self._service("events").all(params={"payment": reference, "limit": _PAGE}):
            body = event.attributes
            if body["action"] == action and (not latest or body["created_at"] >= latest["created_at"]):
                latest = body
        return dict(latest.get("details") or {})

    def _refunds(self, reference: str) -> tuple[RefundSeen, ...]:
        found = self._service("refunds").all(params={"payment": reference, "limit": _PAGE})
        return tuple(reversed([_seen_refund(refund.attributes) for refund in found]))

    # Refunds ------------------------------------------------------------------------------------------------------------

    def freeze_refund(self, wish: RefundWish) -> Frozen:
        """The exact parameters of a refund; the running total makes GoCardless refuse a second one unaware of it."""
        return {
            "amount": wish.amount_minor,
            "total_amount_confirmation": wish.total_minor,
            "metadata": {"refund_id": str(wish.refund_id)},
            "links": {"payment": wish.payment_reference},
        }

    def refund(self, frozen: Frozen, *, key: str) -> RefundSeen:
        """Give money back; the same key gives the same refund. Raises Declined, TryLater, Unknown."""
        with _speaking():
            try:
                made = self._service("refunds").create(params=frozen, headers=_key(key)).attributes
            except errors.IdempotentCreationConflictError as conflict:
                made = self._service("refunds").get(conflict.conflicting_resource_id).attributes
                ours = (made["metadata"] or {}).get("refund_id") == frozen["metadata"]["refund_id"]
                if not ours or made["amount"] != frozen["amount"]:
                    raise Declined("key_taken", "the key belongs to another refund") from conflict
            return _seen_refund(made)

    # News, payouts, parity ------------------------------------------------------------------------------------------------

    def read_webhook(self, body: bytes, signature: str | None) -> list[EventSeen]:
        """The events in a webhook; raises Forged for anything that GoCardless did not sign.

        The SDK accepts an empty secret and so forged events (measured): refused here. A missing or odd header makes it
        raise TypeError. What is signed and no batch is set aside; of a batch, each event that cannot be read.
        """
        if not all(self._secrets):
            raise Forged("gocardless.closed", "the webhook secret is empty")
        refusal: Exception | None = None
        for secret in self._secrets:
            try:
                found = webhooks.parse(body, secret, signature or "")
                events = [event.attributes for event in found]
            except errors.InvalidSignatureError as error:
                refusal = error
            except Exception as error:
                if not _is_signed(body, secret, signature):
                    raise Forged("gocardless.webhook", f"not a webhook: {type(error).__name__}") from error
                return [odd.set_aside(body, f"not a batch of events: {type(error).__name__}")]
            else:
                return [odd.read(event, self.read_event) for event in events]
        raise Forged("gocardless.signature", "the signature does not fit") from refusal

    def read_event(self, event: Json) -> EventSeen:
        """An event in our words: only what it is about."""
        resource, links = event["resource_type"], event.get("links") or {}
        owner = event.get("resource_metadata") or {}
        found = {
            "payment": links.get("payment"),
            "mandate": links.get("mandate") or links.get("mandate_request_mandate"),
            "mandate_request": links.get("billing_request"),
            "payout": links.get("payout"),
            "ours": owner.get("payment_id") or owner.get("mandate_id"),
        }
        return EventSeen(
            id=event["id"],
            kind=f"{resource}.{event['action']}",
            created_at=_moment(event["created_at"]),
            subject=SUBJECTS.get(resource),
            references={name: str(value) for name, value in found.items() if value},
            raw=json.dumps(event, separators=(",", ":")),
        )

    def events_since(self, moment: datetime) -> Iterator[EventSeen]:
        """News since a moment. The list lags behind the webhooks a little, so ask with an overlap."""
        params = {"created_at[gte]": _iso(moment), "limit": _PAGE}
        with _speaking():
            for event in self._service("events").all(params=params):
                yield odd.read(event.attributes, self.read_event)

    def payouts_since(self, moment: datetime) -> Iterator[PayoutSeen]:
        """Payouts made since a moment."""
        with _speaking():
            for payout in self._service("payouts").all(params={"created_at[gte]": _iso(moment), "limit": _PAGE}):
                body = payout.attributes
                yield PayoutSeen(
                    reference=body["id"],
                    amount_minor=body["amount"],
                    currency=body["currency"],
                    paid_on=date.fromisoformat(body["arrival_date"]) if body["arrival_date"] else None,
                    is_returned=body["status"] == "bounced",
                )

    def payout_lines(self, reference: str) -> tuple[PayoutLine, ...]:
        """What a payout is made of, to a tenth of a cent. Fees are lines of their own here."""
        with _speaking():
            found = [
                item.attributes
                for item in self._service("payout_items").all(params={"payout": reference, "limit": _PAGE})
            ]
        lines = []
        for body in found:
            minor = Decimal(str(body["amount"]))
            payment = (body["links"] or {}).get("payment")
            if body["type"] in FEES:
                lines.append(PayoutLine("fee", payment, Decimal(0), -minor))
            else:
                lines.append(PayoutLine(LINES.get(body["type"], "other"), payment, minor, Decimal(0)))
        return tuple(lines)

    def money_since(self, moment: datetime) -> Iterator[MoneyObject]:
        """Every debit and refund since a moment, and what of each should stand in the ledger."""
        since = {"created_at[gte]": _iso(moment), "limit": _PAGE}
        collected = (PaymentStatus.CONFIRMED, PaymentStatus.SETTLED)
        with _speaking():
            for payment in self._service("payments").all(params=since):
                body = payment.attributes
                net = body["amount"] if PAYMENT_STATUS.get(body["status"]) in collected else 0
                yield MoneyObject("payment", body["id"], net, body["currency"], _moment(body["created_at"]))
            for refund in self._service("refunds").all(params=since):
                body = refund.attributes
                failed = REFUND_STATUS.get(body["status"]) is RefundStatus.FAILED
                net = 0 if failed else body["amount"]
                yield MoneyObject("refund", body["id"], net, body["currency"], _moment(body["created_at"]))


def _key(key: str) -> dict[str, str]:
    return {"Idempotency-Key": key}


def _seen_refund(body: Json) -> RefundSeen:
    status = REFUND_STATUS.get(body["status"])
    if status is None:
        raise Unknown("gocardless.status", f"a refund status {body['status']!r} that we do not know")
    return RefundSeen(
        reference=body["id"],
        amount_minor=body["amount"],
        status=status,
        our_id=_uuid((body["metadata"] or {}).get("refund_id")),
        reason=body["status"] if status is RefundStatus.FAILED else "",
    )


def _uuid(text: Any) -> uuid.UUID | None:
    try:
        return uuid.UUID(str(text))
    except ValueError:
        return None


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


@contextmanager
def _speaking() -> Iterator[None]:
    """Turn everything the SDK may raise into one of our three errors.

    A refusal is one that names its reason. 429 and 401/403 stand before the work, so nothing was done. Everything else,
    the SDK's own TypeErrors on odd error bodies included, leaves us not knowing.
    """
    assert_outside_transaction()
    try:
        with _LINE.call():
            yield
    except (Declined, TryLater, Unknown):
        raise
    except Engaged as engaged:
        why = _("The payment service is slow to answer. Try again in a minute.")
        raise TryLater("gocardless.engaged", why) from engaged
    except errors.RateLimitError as error:
        raise TryLater("gocardless.busy", "GoCardless asks us to slow down") from error
    except (errors.AuthenticationError, errors.PermissionsError) as error:
        log.exception("GoCardless does not accept our token")
        raise TryLater("gocardless.credentials", "GoCardless does not accept our token") from error
    except errors.IdempotentCreationConflictError as error:
        raise Unknown("gocardless.key", "the key is taken") from error
    except (errors.ValidationFailedError, errors.InvalidStateError, errors.InvalidApiUsageError) as error:
        raise Declined(_reason(error), str(error.message)) from error
    except errors.GoCardlessProError as error:
        raise Unknown("gocardless.silent", f"GoCardless gave no usable answer ({type(error).__name__})") from error
    except Exception as error:
        raise Unknown("gocardless.odd", f"no answer from GoCardless ({type(error).__name__})") from error


def _is_signed(body: bytes, secret: str, signature: str | None) -> bool:
    """The SDK checks the signature first, but not every header that it chokes on was a signature."""
    digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return hmac.compare_digest((signature or "").encode("utf-8", "replace"), digest.encode())


def _reason(error: errors.ApiError) -> str:
    """The provider's reason; `field.charge_date` for a value that it does not take."""
    for one in error.errors or []:
        if one.get("reason"):
            return str(one["reason"])
        if one.get("field"):
            return f"field.{one['field']}"
    return "missing" if error.code == 404 else str(error.type or "refused")


EVENTS_KEPT = timedelta(days=29)
"""How far back a catch-up asks."""
