"""Kinds of messages in staff words."""

from __future__ import annotations

from typing import Any

from shared.kit.words import lazy_gettext as _l

KINDS: dict[str, Any] = {
    "reminder": _l("Reminder"),
    "link": _l("Link"),
    "invitation": _l("Invitation"),
    "code": _l("One-time code"),
    "receipt": _l("Receipt"),
    "prenotification": _l("Debit announced"),
    "debit_withdrawn": _l("Announced debit called off"),
    "debit_stopped": _l("Announced debit not made"),
    "debit_left": _l("Debit that had left for the bank"),
    "debit_confirmed": _l("Debit confirmed"),
    "payment_failed": _l("Payment failed"),
    "payment_returned": _l("Payment returned"),
    "chargeback_won": _l("Contested payment counts again"),
    "chargeback_owed": _l("Contested payment owed again"),
    "chargeback_given_up": _l("Contested payment given up"),
    "mandate_given": _l("Mandate given"),
    "mandate_ended": _l("Mandate ended"),
    "refund_done": _l("Refund done"),
    "refund_failed": _l("Refund not made"),
    "plan_offered": _l("Plan offered"),
    "plan_declined": _l("Plan declined"),
    "plan_accepted": _l("Plan agreed"),
    "plan_paused": _l("Plan paused"),
    "plan_resumed": _l("Plan resumed"),
    "plan_cancelled": _l("Plan ended"),
    "plan_completed": _l("Plan paid"),
    "plan_defaulted": _l("Plan in default"),
    "instalment_coming": _l("Instalment coming"),
    "instalment_late": _l("Instalment late"),
    "promise_made": _l("Promise taken"),
    "promise_broken": _l("Promise broken"),
    "promise_cancelled": _l("Promise cancelled"),
    "declaration_matched": _l("Declared transfer found"),
    "declaration_refused": _l("Declared transfer not found"),
    "declaration_expired": _l("Search for a transfer ended"),
    "dispute_received": _l("Dispute received"),
    "dispute_answer": _l("Answer to a dispute"),
    "dispute_decided": _l("Dispute decided"),
    "dispute_closed": _l("Dispute closed"),
    "debit_left_out": _l("Debit left out"),
    "digest": _l("Weekly digest"),
    "staff_notice": _l("Notice to staff"),
    "staff_digest": _l("Daily digest to staff"),
    "staff_alert": _l("Alert to administrators"),
    "erasure_asked": _l("Wish to be erased confirmed"),
    "erasure_declined": _l("Erasure declined"),
    "erasure_done": _l("Erasure done"),
    "autopay_merged": _l("Automatic payment after two accounts became one"),
    "people_changed": _l("Access to an account changed"),
}


_REASONS: dict[str, Any] = {
    "the person was erased": _l("the person was erased"),
    "its time has passed": _l("what it says is over"),
    "no longer a person of this account": _l("no longer a person of this account"),
    "the session that asked for it has ended": _l("whoever asked for it has left"),
    "another code was asked for": _l("another code was asked for"),
    "the process ended while the message was being sent": _l(
        "the program was stopped while the message was being sent"
    ),
    "mail servers do not take this address": _l("mail servers do not take this address"),
    "somebody left it as it is": _l("somebody decided not to send it again"),
    "settled": _l("nothing was left to ask for"),
    "paused": _l("reminders were paused"),
    "credit": _l("the credit of the account covers it"),
    "changed": _l("the amount changed meanwhile"),
}
"""Why a message was dropped or could not leave; what mail servers say stays in their own words."""


def why_word(error: str | None) -> str:
    """The reason in words, or the mail server's own; "" for none."""
    return str(_REASONS.get(error, error)) if error else ""


def kind_word(kind: str) -> str:
    """The kind in words; one that nobody has put in words is shown by its own name."""
    return str(KINDS.get(kind, kind))
