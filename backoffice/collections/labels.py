"""Why something was or was not collected, in staff words."""

from __future__ import annotations

from typing import Any

from shared.kit.words import lazy_gettext as _l

REASONS: dict[str, Any] = {
    "notice_given": _l("the debtor has its notice"),
    "nobody_to_tell": _l("nobody to give notice to"),
    "on_the_day_announced": _l("on the day announced"),
    "too_late_for_the_day_announced": _l("too late for the day announced"),
    "shifted": _l("moved to a later day"),
    "tried_before": _l("tried before; the failure decides about another try"),
    "no_mandate": _l("no usable mandate"),
    "autopay_off": _l("autopay is off"),
    "paid": _l("paid meanwhile"),
    "frozen": _l("disputed, promised, planned or on legal hold"),
    "paused": _l("promised, or said to be paid"),
    "frozen_too_late": _l("contested after it had left for the bank"),
    "payment_under_way": _l("a payment is on its way"),
    "left_out": _l("left out at the debtor's wish"),
    "above_maximum": _l("above the debtor's maximum"),
    "deceased": _l("the account holder has died"),
    "never_created": _l("the provider never had it"),
    "plan": _l("under a payment plan"),
    "plan_paused": _l("the payment plan rests"),
    "plan_not_running": _l("the payment plan does not run"),
    "plan_rescheduled": _l("the payment plan has new days"),
    "plan_in_default": _l("the payment plan is in default"),
    "plan_cancelled": _l("the payment plan has ended"),
    "wrong_amount": _l("the provider had another amount"),
}


def reason_word(reason: str) -> str:
    """A reason in words; one that nobody has put in words is shown by its own name."""
    return str(REASONS.get(reason, reason))


def count_of(counts: dict[str, Any], outcome: str) -> int:
    """How often an outcome was decided in a run, whose counts are kept by "outcome reason"."""
    return sum(int(count) for name, count in counts.items() if name.split(" ", 1)[0] == outcome)
