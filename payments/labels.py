"""What the states of money in motion are called: in the debtor's words, and in staff words. Pure.

The words are lazy: they speak the language of the moment in which they are shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from payments.models import Means
from payments.reasons import sepa_code
from payments.status import MandateStatus, PaymentStatus, RefundStatus
from shared.kit.words import lazy_gettext as _l

S, M, R = PaymentStatus, MandateStatus, RefundStatus


@dataclass(frozen=True, slots=True)
class Words:
    """A word, a tone (good, wait, late, info, neutral), and a sentence on what happens next."""

    word: Any
    tone: str
    note: Any = ""


FOR_DEBTOR: dict[PaymentStatus, Words] = {
    S.CREATED: Words(_l("Being prepared"), "wait", _l("We are waiting for an answer of the payment service.")),
    S.SUBMITTED: Words(_l("In progress"), "wait", _l("Your payment is not complete yet.")),
    S.ACTION_NEEDED: Words(_l("Waiting for you"), "wait", _l("Your bank asks you to confirm this payment.")),
    S.CONFIRMED: Words(_l("Paid"), "good", _l("Thank you: your payment has been received.")),
    S.SETTLED: Words(_l("Paid"), "good", _l("Thank you: your payment has been received.")),
    S.FAILED: Words(_l("Not paid"), "late", _l("This payment did not go through. Nothing was settled.")),
    S.CANCELLED: Words(_l("Cancelled"), "neutral", _l("This payment was given up. Nothing was taken.")),
    S.EXPIRED: Words(_l("Expired"), "neutral", _l("This payment was not completed in time. Nothing was taken.")),
    S.CHARGED_BACK: Words(_l("Returned"), "late", _l("Your bank has taken this payment back. The invoices are open.")),
}

DEBIT_FOR_DEBTOR: dict[PaymentStatus, Words] = {
    S.CREATED: Words(_l("Being prepared"), "wait", _l("This direct debit is being prepared.")),
    S.SUBMITTED: Words(_l("On its way"), "wait", _l("This direct debit is on its way. It takes a few bank days.")),
    S.CONFIRMED: Words(
        _l("Paid"), "good", _l("Your direct debit has gone through, subject to final collection by the banks.")
    ),
    S.FAILED: Words(
        _l("Refused by the bank"), "late", _l("Your bank refused this direct debit. The invoices are open.")
    ),
    S.CANCELLED: Words(_l("Cancelled"), "neutral", _l("This direct debit was cancelled. Nothing was taken.")),
}
"""What differs for a debit."""

FOR_STAFF: dict[PaymentStatus, Words] = {
    S.CREATED: Words(_l("Being prepared"), "wait", _l("Written down; the provider has not answered yet.")),
    S.SUBMITTED: Words(_l("With the provider"), "wait"),
    S.ACTION_NEEDED: Words(_l("The payer must act"), "wait"),
    S.CONFIRMED: Words(_l("Confirmed"), "good"),
    S.SETTLED: Words(_l("Paid out"), "good"),
    S.FAILED: Words(_l("Failed"), "late"),
    S.CANCELLED: Words(_l("Cancelled"), "neutral"),
    S.EXPIRED: Words(_l("Expired"), "neutral"),
    S.CHARGED_BACK: Words(_l("Charged back"), "late"),
}

MANDATE_FOR_DEBTOR: dict[MandateStatus, Words] = {
    M.CREATED: Words(_l("To be signed"), "wait", _l("You have not signed this mandate yet.")),
    M.PENDING: Words(_l("Being set up"), "wait", _l("Your bank is being told. Debits can already be planned.")),
    M.ACTIVE: Words(_l("Active"), "good"),
    M.SUSPENDED: Words(_l("Suspended"), "wait", _l("Your bank has suspended this mandate.")),
    M.FAILED: Words(_l("Refused by the bank"), "late", _l("Your bank refused this mandate.")),
    M.CANCELLED: Words(_l("Cancelled"), "neutral"),
    M.EXPIRED: Words(_l("Expired"), "neutral"),
    M.BLOCKED: Words(_l("Blocked"), "late", _l("No debit can be made under this mandate any more.")),
}

MANDATE_FOR_STAFF: dict[MandateStatus, Words] = {
    M.CREATED: Words(_l("Being given"), "wait"),
    M.PENDING: Words(_l("On its way to the bank"), "wait"),
    M.ACTIVE: Words(_l("Active"), "good"),
    M.SUSPENDED: Words(_l("Suspended"), "wait"),
    M.FAILED: Words(_l("Refused by the bank"), "late"),
    M.CANCELLED: Words(_l("Cancelled"), "neutral"),
    M.EXPIRED: Words(_l("Expired"), "neutral"),
    M.BLOCKED: Words(_l("Blocked"), "late"),
}

REFUND_FOR_DEBTOR: dict[RefundStatus, Words] = {
    R.ASKED: Words(_l("Being prepared"), "wait"),
    R.APPROVED: Words(_l("Being prepared"), "wait"),
    R.SUBMITTED: Words(_l("On its way"), "wait"),
    R.DONE: Words(_l("Refunded"), "good"),
    R.FAILED: Words(_l("Not refunded"), "late"),
    R.DECLINED: Words(_l("Not refunded"), "neutral"),
}

REFUND_FOR_STAFF: dict[RefundStatus, Words] = {
    R.ASKED: Words(_l("Waiting for a second person"), "wait"),
    R.APPROVED: Words(_l("Approved"), "wait"),
    R.SUBMITTED: Words(_l("With the provider"), "wait"),
    R.DONE: Words(_l("Done"), "good"),
    R.FAILED: Words(_l("Failed"), "late"),
    R.DECLINED: Words(_l("Declined"), "neutral"),
}

MEANS: dict[Means, Any] = {
    Means.CARD: _l("Card"),
    Means.DEBIT: _l("Direct debit"),
    Means.TRANSFER: _l("Transfer"),
    Means.CHEQUE: _l("Cheque"),
    Means.CASH: _l("Cash"),
}

REASONS: dict[str, Any] = {
    # ISO 20022 external return reason codes, as banks use them in France.
    "AM04": _l("not enough money in the account"),
    "MS03": _l("the bank gives no reason"),
    "AM05": _l("debited twice"),
    "AC01": _l("the account number is wrong"),
    "RC01": _l("the account number is wrong"),
    "AC04": _l("the account is closed"),
    "AC06": _l("the account is blocked"),
    "AG01": _l("this account takes no direct debits"),
    "MD01": _l("the bank knows no valid mandate"),
    "MD06": _l("you asked your bank for the money back"),
    "MD07": _l("the account holder has died"),
    "MS02": _l("the debit was refused by the account holder"),
    "SL01": _l("the bank blocks our debits at the account holder’s request"),
    # Cards (docs.stripe.com/declines/codes).
    "generic_decline": _l("the card was declined by its bank"),
    "card_declined": _l("the card was declined by its bank"),
    "insufficient_funds": _l("not enough money in the account"),
    "expired_card": _l("the card has expired"),
    "incorrect_cvc": _l("the security code is wrong"),
    "incorrect_number": _l("the card number is wrong"),
    "lost_card": _l("the card was declined by its bank"),
    "stolen_card": _l("the card was declined by its bank"),
    "processing_error": _l("the card could not be processed"),
    "payment_intent_authentication_failure": _l("the payment was not confirmed with the bank"),
    # Card holders at their banks (docs.stripe.com/disputes/categories).
    "fraudulent": _l("the card holder contests the payment"),
    "unrecognized": _l("the card holder does not recognise the payment"),
    "duplicate": _l("the card holder says that it was taken twice"),
    "product_not_received": _l("the card holder says that nothing was delivered"),
    "product_unacceptable": _l("the card holder says that what was delivered was not right"),
    "credit_not_processed": _l("the card holder waits for a credit"),
    "subscription_canceled": _l("the card holder says that it was cancelled"),
    "customer_initiated": _l("the card holder contests the payment"),
    "general": _l("the card holder contests the payment"),
    "noncompliant": _l("the card holder contests the payment"),
    # What is technical: nothing that the payer can mend.
    "AG02": _l("the banks could not process it"),
    "FF01": _l("the banks could not process it"),
    "BE05": _l("the banks could not process it"),
    "RR01": _l("the banks could not process it"),
    "RR02": _l("the banks could not process it"),
    "RR03": _l("the banks could not process it"),
    "RR04": _l("the banks could not process it"),
}
"""Why money did not come, as a debtor may read it."""


TAKEN_BACK = Words(
    _l("Taken back by your bank"), "late", _l("Your bank has taken this payment back. The invoices are open.")
)


def payment_words(status: PaymentStatus, means: Means, *, had_come: bool = False) -> Words:
    """A payment's state in the debtor's words; `had_come`: it had been confirmed before."""
    if means is Means.DEBIT and status is PaymentStatus.FAILED and had_come:
        return TAKEN_BACK
    if means is Means.DEBIT and status in DEBIT_FOR_DEBTOR:
        return DEBIT_FOR_DEBTOR[status]
    return FOR_DEBTOR[status]


_FOR_STAFF: dict[str, Any] = {"MD06": _l("the payer asked his bank for the money back")}


def why_for_staff(code: str | None) -> Any:
    """The same for staff, where a debtor is spoken to by "you"."""
    return _FOR_STAFF.get(sepa_code(code)) or why_failed(code)


def why_failed(code: str | None) -> Any:
    """The reason of a failure in plain words; a code that we do not know is not shown to a debtor."""
    known = REASONS.get(code or "")
    return known or REASONS.get(sepa_code(code), _l("the bank gives no reason"))
