"""What a bank's reason calls for: one table by code, for every return, refusal and chargeback. Pure.

Sources: ISO 20022 external return reason codes as the EPC recommends them for SEPA R-transactions; Stripe's decline codes and
dispute reasons (docs.stripe.com/declines/codes, docs.stripe.com/disputes/categories); GoCardless's causes. What is asked
again, and how often, is our policy.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Advice(enum.Enum):
    """What a person should do about it."""

    NOTHING = "nothing"
    """It is tried again, or the debtor pays otherwise."""
    CONTACT = "contact"
    """Speak with the debtor."""
    NEW_DETAILS = "new_details"
    """Another account is needed, and a mandate for it."""
    PROOF = "proof"
    """Look for the mandate's proof of consent; a new mandate is needed."""
    UNBLOCK = "unblock"
    """The debtor must tell his bank to let our debits through."""
    MENDING = "mending"
    """Something is wrong with what we or the provider sent."""
    TWICE = "twice"
    """The bank says that the money was taken twice: our alarm."""
    DECEASED = "deceased"
    """People only."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What follows from one reason."""

    presentations: int = 1
    """How often a bank is asked for the same money in all; a further time needs five bank days and a new notice."""
    ends_mandate: bool = False
    """No further debit under this mandate can succeed."""
    is_contested: bool = False
    """The payer does not agree: his money is frozen until a person has spoken with him."""
    stops_everything: bool = False
    """No automation touches this account any more, and nothing is written to it about this payment."""
    advice: Advice = Advice.NOTHING

    @property
    def needs_staff(self) -> bool:
        """Whether staff are told of it beside the debtor."""
        return self.advice is not Advice.NOTHING


_DETAILS = Policy(ends_mandate=True, advice=Advice.NEW_DETAILS)
_CONTESTED = Policy(is_contested=True, advice=Advice.CONTACT)
_TECHNICAL = Policy(advice=Advice.MENDING)

POLICIES: dict[str, Policy] = {
    "AM04": Policy(presentations=3),
    "MS03": Policy(presentations=2),  # no reason given: often hides AM04
    "AC01": _DETAILS,
    "RC01": _DETAILS,
    "AC04": _DETAILS,
    "AC06": _DETAILS,
    "AG01": _DETAILS,
    "MD01": Policy(ends_mandate=True, advice=Advice.PROOF),
    "MD06": _CONTESTED,
    "MS02": _CONTESTED,
    "MD07": Policy(ends_mandate=True, stops_everything=True, advice=Advice.DECEASED),
    "SL01": Policy(advice=Advice.UNBLOCK),
    "AM05": Policy(advice=Advice.TWICE),
    "AG02": _TECHNICAL,
    "FF01": _TECHNICAL,
    "BE05": _TECHNICAL,
    "RR01": _TECHNICAL,
    "RR02": _TECHNICAL,
    "RR03": _TECHNICAL,
    "RR04": _TECHNICAL,
}
"""By ISO code. Any other reason is presented once."""

NOT_THE_PAYERS = frozenset(code for code, each in POLICIES.items() if each.advice in (Advice.MENDING, Advice.TWICE))
"""Reasons of the banks, the provider or ourselves: they say nothing of how somebody pays."""

CAUSES: dict[str, str] = {
    "insufficient_funds": "AM04",
    "refer_to_payer": "MS03",
    "invalid_bank_details": "AC01",
    "bank_account_closed": "AC04",
    "bank_account_transferred": "AC04",
    "direct_debit_not_enabled": "AG01",
    "mandate_cancelled": "MD01",
    "mandate_expired": "MD01",
    "authorisation_disputed": "MD01",
    "refund_requested": "MD06",
    "payment_stopped": "MS02",
}
"""A provider's cause where the bank's own code is missing → the code that means the same."""

TRIES_AGAIN_AFTER_BANK_DAYS = 5
"""No sooner than so many bank days after a refusal is the same money asked for again, with a new notice."""


def sepa_code(code: str | None) -> str:
    """The ISO code of a reason, whichever way the provider said it; "" for none."""
    return CAUSES.get(code or "", code or "")


def policy_of(code: str | None) -> Policy:
    """What follows from a debit's reason. Card payments are never presented again by themselves."""
    return POLICIES.get(sepa_code(code), Policy())


def may_present_again(code: str | None, *, presented: int) -> bool:
    """Whether money that was presented so often, the last time with this reason, is asked for once more."""
    return presented < policy_of(code).presentations
