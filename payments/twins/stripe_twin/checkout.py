"""Checkout sessions, and what a card does to them."""

from __future__ import annotations

from dataclasses import dataclass

from payments.twins.clock import start_of_day_after
from payments.twins.store import Due, Json, Row, Transaction
from payments.twins.stripe_twin import balance, cards, shapes
from payments.twins.stripe_twin.cards import Card
from payments.twins.stripe_twin.errors import StripeRefusal
from payments.twins.stripe_twin.events import announce
from payments.twins.stripe_twin.ids import new_stripe_id

SHORTEST, LONGEST = 30 * 60, 24 * 3600
SMALLEST, LARGEST = 50, 99_999_999
"""Minor units; Stripe's limits for one payment in euros."""


@dataclass(frozen=True)
class Payer:
    """What somebody types on the card page."""

    number: str
    exp_month: int = 12
    exp_year: int = 2034
    cvc: str = "123"
    name: str = "Camille Martin"
    email: str | None = None
    country: str = "FR"


@dataclass(frozen=True)
class Outcome:
    """What an attempt came to: `paid`, `declined`, `challenge`, or `closed` (complete or expired before)."""

    kind: str
    code: str = ""
    """Stripe's decline code or error code, when declined."""


def create(transaction: Transaction, params: Json, public_url: str) -> Json:
    """Open a session for one payment by card on the hosted page."""
    _check(transaction, params)
    items = [shapes.line_item(item, at=transaction.at) for item in params["line_items"]]
    id_ = new_stripe_id("cs_test_a1", 56).replace("a1_", "a1")
    session = shapes.checkout_session(
        params,
        id_=id_,
        at=transaction.at,
        amount=sum(item["amount_total"] for item in items),
        currency=items[0]["currency"],
        url=f"{public_url}/c/pay/{id_}",
    )
    if not session["amount_total"] >= SMALLEST:
        raise StripeRefusal(
            "The Checkout Session's total amount due must add up to at least €0.50 eur", code="amount_too_small"
        )
    if session["amount_total"] > LARGEST:
        raise StripeRefusal("The Checkout Session's total amount due is too large.", code="amount_too_large")
    hidden = {"line_items": items, "payment_intent_data": params.get("payment_intent_data") or {}}
    transaction.add("stripe", "checkout.session", session, hidden)
    transaction.schedule(session["expires_at"], "stripe.session_expires", id_)
    return session


def _check(transaction: Transaction, params: Json) -> None:
    if params.get("mode") != "payment":
        raise StripeRefusal.invalid("The twin knows mode `payment` only.", param="mode")
    if params.get("ui_mode", "hosted_page") != "hosted_page":
        raise StripeRefusal.invalid("The twin knows ui_mode `hosted_page` only.", param="ui_mode")
    for needed in ("success_url", "line_items"):
        if not params.get(needed):
            raise StripeRefusal.missing_parameter(needed)
    if any(kind != "card" for kind in params.get("allowed_payment_method_types", ["card"])):
        raise StripeRefusal.invalid(
            "The payment method type provided is invalid: only card is activated.", param="allowed_payment_method_types"
        )
    customer = params.get("customer")
    if customer and transaction.row("stripe", customer, "customer") is None:
        raise StripeRefusal.no_such("customer", customer, param="customer", status=400)
    if customer and params.get("customer_email"):
        raise StripeRefusal.invalid("You may only specify one of these parameters: customer, customer_email.")
    _check_expiry(transaction, params.get("expires_at"))
    _check_items(params["line_items"])


def _check_items(items: list[Json]) -> None:
    for index, item in enumerate(items):
        at = f"line_items[{index}]"
        if "price_data" not in item:
            raise StripeRefusal.invalid("The twin keeps no prices: use price_data.", param=f"{at}[price]")
        if "unit_amount" not in item["price_data"]:
            raise StripeRefusal.missing_parameter(f"{at}[price_data][unit_amount]")
        if item["price_data"]["unit_amount"] < 0:
            raise StripeRefusal.invalid("Invalid non-negative integer", param=f"{at}[price_data][unit_amount]")
        if not (item["price_data"].get("product") or item["price_data"].get("product_data")):
            raise StripeRefusal.missing_parameter(f"{at}[price_data][product_data]")
    if len({item["price_data"]["currency"] for item in items}) > 1:
        raise StripeRefusal.invalid("All line items must have the same currency.", param="line_items")


def _check_expiry(transaction: Transaction, expires_at: int | None) -> None:
    if expires_at is None:
        return
    if expires_at < transaction.at + SHORTEST:
        raise StripeRefusal(
            "The `expires_at` timestamp must be at least 30 minutes from Checkout Session creation.", param="expires_at"
        )
    if expires_at > transaction.at + LONGEST:
        raise StripeRefusal(
            "The `expires_at` timestamp must be less than 24 hours from Checkout Session creation.", param="expires_at"
        )


def attempt(transaction: Transaction, session_id: str, payer: Payer) -> Outcome:
    """Somebody presses *Pay* with a test card."""
    row = _open_session(transaction, session_id)
    if row is None:
        return Outcome("closed")
    card = cards.find(payer.number)
    if card is None:
        return Outcome("declined", "test_mode_live_card")
    intent = _intent(transaction, row)
    method = shapes.payment_method(card, _facts(payer, row), at=transaction.at)
    transaction.add("stripe", "payment_method", method)
    if card.fate in {"challenge", "challenge_declined"}:
        return _ask_for_challenge(transaction, row, intent, method, card)
    if card.fate == "declined":
        return _decline(transaction, intent, method, card)
    return _succeed(transaction, row, intent, method, card, three_d_secure=None)


def _facts(payer: Payer, row: Row) -> Json:
    return {
        "name": payer.name,
        "email": payer.email or row.body["customer_email"],
        "country": payer.country,
        "exp_month": payer.exp_month,
        "exp_year": payer.exp_year,
    }


def _open_session(transaction: Transaction, session_id: str) -> Row | None:
    row = transaction.row("stripe", session_id, "checkout.session")
    if row is None or row.body["status"] != "open":
        return None
    if row.body["expires_at"] <= transaction.at:
        expire(transaction, session_id)
        return None
    return row


def _intent(transaction: Transaction, row: Row) -> Json:
    """The session's PaymentIntent; Stripe makes it only when somebody tries to pay."""
    if row.body["payment_intent"] is not None:
        return transaction.body("stripe", row.body["payment_intent"])
    data = row.hidden["payment_intent_data"]
    intent = shapes.payment_intent(session=row.body, data=data, at=transaction.at)
    transaction.add("stripe", "payment_intent", intent, {"session": row.id})
    transaction.change("stripe", row.id, payment_intent=intent["id"])
    announce(transaction, "payment_intent.created", intent)
    return intent


def _decline(transaction: Transaction, intent: Json, method: Json, card: Card) -> Outcome:
    code = card.decline_code or card.code
    message = cards.MESSAGES[code]
    charge = shapes.charge(
        intent=intent, method=method, card=card, at=transaction.at, outcome=shapes.refused(card), three_d_secure=None
    ) | {
        "amount_captured": 0,
        "captured": False,
        "failure_code": card.code,
        "failure_message": message,
        "paid": False,
        "status": "failed",
    }
    transaction.add("stripe", "charge", charge, {"fate": card.fate})
    error = {
        "charge": charge["id"],
        "code": card.code,
        "decline_code": code,
        "doc_url": f"https://stripe.com/docs/error-codes/{card.code.replace('_', '-')}",
        "message": message,
        "payment_method": method,
        "type": "card_error",
    }
    intent = transaction.change(
        "stripe",
        intent["id"],
        last_payment_error=error,
        latest_charge=charge["id"],
        next_action=None,
        status="requires_payment_method",
    )
    announce(transaction, "charge.failed", charge)
    announce(transaction, "payment_intent.payment_failed", intent)
    return Outcome("declined", code)


def _ask_for_challenge(transaction: Transaction, row: Row, intent: Json, method: Json, card: Card) -> Outcome:
    intent = transaction.change(
        "stripe",
        intent["id"],
        next_action={"type": "use_stripe_sdk", "use_stripe_sdk": {"type": "three_d_secure_redirect"}},
        payment_method=method["id"],
        status="requires_action",
        last_payment_error=None,
    )
    transaction.note("stripe", row.id, challenge={"card": card.number, "payment_method": method["id"]})
    announce(transaction, "payment_intent.requires_action", intent)
    return Outcome("challenge")


def answer_challenge(transaction: Transaction, session_id: str, *, passed: bool) -> Outcome:
    """The card holder completes or fails the bank's challenge."""
    row = _open_session(transaction, session_id)
    if row is None:
        return Outcome("closed")
    waiting = row.hidden.get("challenge")
    if not waiting:
        return Outcome("declined", "payment_intent_authentication_failure")
    transaction.note("stripe", session_id, challenge=None)
    intent = transaction.body("stripe", row.body["payment_intent"])
    method = transaction.body("stripe", waiting["payment_method"])
    card = cards.BY_NUMBER[waiting["card"]]
    if not passed:
        return _fail_challenge(transaction, intent, method)
    if card.fate == "challenge_declined":
        return _decline(transaction, intent, method, card)
    return _succeed(transaction, row, intent, method, card, three_d_secure=shapes.authenticated())


def _fail_challenge(transaction: Transaction, intent: Json, method: Json) -> Outcome:
    code = "payment_intent_authentication_failure"
    error = {
        "code": code,
        "doc_url": f"https://stripe.com/docs/error-codes/{code.replace('_', '-')}",
        "message": cards.MESSAGES[code],
        "payment_method": method,
        "type": "invalid_request_error",
    }
    intent = transaction.change(
        "stripe",
        intent["id"],
        last_payment_error=error,
        next_action=None,
        payment_method=None,
        status="requires_payment_method",
    )
    announce(transaction, "payment_intent.payment_failed", intent)
    return Outcome("declined", code)


def _succeed(
    transaction: Transaction, row: Row, intent: Json, method: Json, card: Card, *, three_d_secure: Json | None
) -> Outcome:
    charge = shapes.charge(
        intent=intent,
        method=method,
        card=card,
        at=transaction.at,
        outcome=shapes.approved(),
        three_d_secure=three_d_secure,
    )
    line = balance.book(
        transaction,
        kind="charge",
        amount=charge["amount"],
        fee=balance.card_fee(charge["amount"]),
        currency=charge["currency"],
        source=charge["id"],
        what=charge["description"] or "Payment",
    )
    charge["balance_transaction"] = line["id"]
    transaction.add("stripe", "charge", charge, {"fate": card.fate})
    intent = transaction.change(
        "stripe",
        intent["id"],
        amount_received=intent["amount"],
        last_payment_error=None,
        latest_charge=charge["id"],
        next_action=None,
        payment_method=method["id"],
        status="succeeded",
    )
    payer = method["billing_details"]
    session = transaction.change(
        "stripe",
        row.id,
        customer_details=shapes.customer_details(
            email=payer["email"], name=payer["name"], country=payer["address"]["country"]
        ),
        payment_intent=intent["id"],
        payment_status="paid",
        status="complete",
        url=None,
    )
    transaction.unschedule(row.id)
    if card.fate in {"chargeback", "inquiry"}:
        transaction.schedule(
            start_of_day_after(transaction.at) + 1,
            "stripe.dispute_begins",
            charge["id"],
            inquiry=card.fate == "inquiry",
        )
    announce(transaction, "charge.succeeded", charge)
    announce(transaction, "payment_intent.succeeded", intent)
    announce(transaction, "checkout.session.completed", session)
    return Outcome("paid")


def expire(transaction: Transaction, session_id: str) -> Json:
    """Close an open session; a PaymentIntent begun in it is cancelled."""
    row = transaction.row("stripe", session_id, "checkout.session")
    if row is None:
        raise StripeRefusal.no_such("checkout.session", session_id, param="session")
    if row.body["status"] != "open":
        raise StripeRefusal(
            'Only Checkout Sessions with a status in ["open"] can be expired.'
            f" This Session has a status of `{row.body['status']}`.",
        )
    transaction.unschedule(session_id)
    session = transaction.change("stripe", session_id, status="expired", url=None)
    if session["payment_intent"]:
        intent = transaction.change(
            "stripe",
            session["payment_intent"],
            canceled_at=transaction.at,
            cancellation_reason="expired",
            next_action=None,
            status="canceled",
        )
        announce(transaction, "payment_intent.canceled", intent)
    announce(transaction, "checkout.session.expired", session)
    return session


def expire_by_itself(transaction: Transaction, due: Due) -> None:
    """Its time has come."""
    if transaction.body("stripe", due.subject)["status"] == "open":
        expire(transaction, due.subject)


def cancel_intent(transaction: Transaction, intent_id: str) -> Json:
    """Refuse, as Stripe does: an intent made by Checkout ends with its session."""
    row = transaction.row("stripe", intent_id, "payment_intent")
    if row is None:
        raise StripeRefusal.no_such("payment_intent", intent_id, param="intent")
    if row.body["status"] in {"succeeded", "canceled"}:
        raise StripeRefusal(
            f"You cannot cancel this PaymentIntent because it has a status of {row.body['status']}. Only a PaymentIntent"
            " with one of the following statuses may be canceled: requires_payment_method, requires_capture,"
            " requires_confirmation, requires_action, processing.",
            code="payment_intent_unexpected_state",
            payment_intent=row.body,
        )
    raise StripeRefusal(
        "You cannot cancel PaymentIntents created by Checkout. To cancel this PaymentIntent, expire the Checkout Session.",
        code="payment_intent_unexpected_state",
    )
