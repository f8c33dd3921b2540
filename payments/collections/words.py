"""Why something is or is not debited, in words: for staff, and for the debtor whose debit does not take place."""

from __future__ import annotations

from typing import Any

from shared.kit.words import lazy_gettext as _l

REASONS: dict[str, Any] = {
    "notice_given": _l("the debtor has its notice"),
    "nobody_to_tell": _l("nobody to give notice to"),
    "notice_not_sent": _l("its notice had not left: announced anew"),
    "notice_lost": _l("its notice could not be delivered: nothing was debited"),
    "notice_late": _l("its notice left too late for that day: announced anew"),
    "on_the_day_announced": _l("on the day announced"),
    "first_possible_day": _l("on the first day the provider takes"),
    "too_late_for_the_day_announced": _l("too late for the day announced"),
    "due_day_moved": _l("the due day moved after the notice"),
    "other_mandate": _l("under another mandate than the notice named"),
    "shifted": _l("moved to a later day"),
    "tried_before": _l("tried before; the failure decides about another try"),
    "no_mandate": _l("no usable mandate"),
    "mandate_suspended": _l("the bank has suspended the mandate"),
    "provider_silent": _l("the provider did not answer about it"),
    "provider_odd": _l("what the provider says of its mandate cannot be: please look"),
    "autopay_off": _l("autopay is off"),
    "company_stopped": _l("the company has switched its debits off"),
    "paid": _l("paid meanwhile"),
    "credit": _l("covered by the account's credit"),
    "contested_by_bank": _l("a bank contests a payment of it"),
    "refunded": _l("refunded: only a person asks for it again"),
    "frozen": _l("disputed, promised, planned or on legal hold"),
    "paused": _l("promised, or said to be paid"),
    "declared": _l("said to be paid already"),
    "frozen_too_late": _l("contested after it had left for the bank"),
    "left_before": _l("to be stopped after it had left for the bank"),
    "payment_under_way": _l("a payment is on its way"),
    "less": _l("less is owed than was announced"),
    "left_out": _l("left out at the debtor's wish"),
    "not_in_the_books": _l("no longer in the books"),
    "above_maximum": _l("above the debtor's maximum"),
    "deceased": _l("the account holder has died"),
    "cancelled": _l("cancelled at the provider"),
    "never_reached_a_bank": _l("refused by the provider again and again, before a bank was asked: please look"),
    "never_created": _l("the provider never had it"),
    "plan": _l("under a payment plan"),
    "plan_paused": _l("the payment plan rests"),
    "plan_not_running": _l("the payment plan does not run"),
    "plan_rescheduled": _l("the payment plan has new days"),
    "plan_in_default": _l("the payment plan is in default"),
    "plan_cancelled": _l("the payment plan has ended"),
    "joined": _l("a small rest, debited with its neighbour"),
    "too_small": _l("too small to be debited"),
    "wrong_amount": _l("the provider had another amount"),
}
"""For staff."""

WHY_FOR_DEBTOR: dict[str, Any] = {
    "paid": _l("Nothing is left to pay of it."),
    "less": _l("Less is left to pay of it than we announced."),
    "credit": _l("Your credit covers it."),
    "contested_by_bank": _l("Your bank is looking into a payment of it."),
    "refunded": _l("We have refunded a payment of it."),
    "not_in_the_books": _l("It is no longer in our books."),
    "autopay_off": _l("Automatic payment has been switched off."),
    "company_stopped": _l("We no longer debit by ourselves."),
    "above_maximum": _l("It is above the maximum that you chose."),
    "no_mandate": _l("The mandate for it has ended."),
    "mandate_suspended": _l("The mandate for it is suspended at your bank."),
    "other_mandate": _l("The mandate that we named can no longer be used; you have another one."),
    "due_day_moved": _l("It is due on a later day now."),
    "notice_lost": _l("Our notice could not be delivered to everybody."),
    "payment_under_way": _l("Another payment of it is on its way."),
    "frozen": _l("It is on hold."),
    "declared": _l("You have told us that it is paid."),
    "plan": _l("It is part of your payment plan now."),
    "plan_paused": _l("Your payment plan rests."),
    "plan_not_running": _l("Your payment plan does not ask for it now."),
    "plan_in_default": _l("Your payment plan has ended, because an instalment was missed."),
    "plan_cancelled": _l("Your payment plan has ended."),
    "cancelled": _l("The payment service has cancelled it."),
    "never_reached_a_bank": _l("The payment service does not take it, and we do not try again by ourselves."),
    "joined": _l("It was a small rest, and goes with the neighbouring instalment."),
    "too_small": _l("What is left of it is too small to be debited."),
}
"""Why an announced debit does not take place; a reason without words here is not explained."""

_ANNOUNCED = _l("Should something be debited for it after all, we announce it first, with its amount and its day.")
_YOURS = _l("Please pay it otherwise in time.")

NEXT_FOR_DEBTOR: dict[str, Any] = {
    "above_maximum": _YOURS,
    "too_small": _YOURS,
    "no_mandate": _YOURS,
    "mandate_suspended": _YOURS,
    "autopay_off": _YOURS,
    "company_stopped": _YOURS,
    "never_reached_a_bank": _YOURS,
    **dict.fromkeys(
        (
            "less",
            "credit",
            "contested_by_bank",
            "other_mandate",
            "due_day_moved",
            "payment_under_way",
            "frozen",
            "declared",
            "joined",
        ),
        _ANNOUNCED,
    ),
}
"""What follows; nothing when nothing does."""
