"""What each difference of `guichet verify` most likely comes from, and what puts it right. Pure."""

from __future__ import annotations

import enum

from shared.kit.seals import SEALED


class Remedy(enum.Enum):
    """How a difference is put right."""

    RESTATE = "restate"
    """A copy is written anew from what it is a copy of: the ledger, or the parts of a whole."""
    PARTS = "parts"
    """The parts of a payment are written anew from what it held."""
    PAYOUT = "payout"
    """The payout is booked, or corrected beside what was booked, as the provider shows it."""
    REPOST = "repost"
    """What a payment held and never got posted is posted."""
    REVERSE = "reverse"
    """What a movement moved too much or too little is moved back beside it."""
    STEP = "step"
    """A missing step is written from its neighbours, or the state from its last step."""
    TRAIL = "trail"
    """Missing lines of the audit trail are written from the steps."""
    SEAL = "seal"
    """Two people have looked at the row: it is sealed as it stands, or as gone."""


RESTATED: dict[str, tuple[str, str]] = {
    "invoice open": ("invoice", "open_minor"),
    "invoice held": ("invoice", "held_minor"),
    "invoice frozen": ("invoice", "frozen_minor"),
    "invoice paused": ("invoice", "paused_minor"),
    "invoice issued": ("invoice", "total_minor"),
    "invoice settled day": ("invoice", "settled_on"),
    "debtor open": ("debtor", "open_minor"),
    "debtor held": ("debtor", "held_minor"),
    "debtor credit": ("debtor", "credit_minor"),
    "payment amount": ("payment", "amount_minor"),
    "payment fee": ("payment", "fee_minor"),
    "refunds of a payment": ("payment", "refunded_minor"),
    "day of a receipt": ("payment", "received_on"),
    "dispute parts": ("dispute", "claimed_minor"),
    "dispute credited": ("dispute", "credited_minor"),
    "promise parts": ("promise", "amount_minor"),
    "promise kept": ("promise", "kept_minor"),
    "plan total": ("plan", "total_minor"),
}
"""Difference → the table and column that are a copy; the expected value of the difference is what they should say."""

_PROVIDERS = ("stripe", "gocardless")
_OF_A_PAYOUT = ("payout not booked", "payout", "payout amount", "payout fee", "payout of a company")

REMEDIES: dict[str, Remedy] = {
    **dict.fromkeys(RESTATED, Remedy.RESTATE),
    **{f"{provider} {what}": Remedy.PAYOUT for provider in _PROVIDERS for what in _OF_A_PAYOUT},
    "payout in the ledger": Remedy.PAYOUT,
    "payout fee in the ledger": Remedy.PAYOUT,
    "part of a payment": Remedy.PARTS,
    "payment held": Remedy.REPOST,
    "resolution equals its hold": Remedy.REVERSE,
    "audit trail of a payment": Remedy.TRAIL,
    **{
        f"steps of a {table}": Remedy.STEP
        for table in ("payment", "mandate", "dispute", "plan", "promise", "declaration", "chargeback")
    },
    **{f"{table} row {what}": Remedy.SEAL for table in SEALED for what in ("gone", "changed", "not sealed")},
}
"""Difference → its remedy; without one a person has to find out first what is true."""

_BEHIND_US = "somebody or something wrote into the database behind Guichet, or a disk failed"
_MISSED = "news of the provider that was missed; `guichet webhooks catch-up` asks again"
_COPY = "a copy that was not written with what it is a copy of: a bug, or a hand in the database"
_CAUSES = {
    "row gone": f"a row was deleted: {_BEHIND_US}",
    "row changed": f"a row was changed: {_BEHIND_US}",
    "row not sealed": f"a row was slipped in while triggers were off: {_BEHIND_US}",
    "payout not booked": "a payout that was not looked for yet, or whose lines do not make its amount",
    "has no such": "booked here and unknown there: another account of the provider, or an invented row",
    "payout": "booked before tenths of a cent were summed exactly, or changed since",
    "stripe": _MISSED,
    "gocardless": _MISSED,
    "steps of": f"a step was deleted or a state written past it: {_BEHIND_US}",
    "audit trail": f"a line was deleted: {_BEHIND_US}",
    "invoice net": "the invoice's own sums were changed after it was entered",
    "invoice line": "the invoice's own lines were changed after it was entered",
    "invoice VAT": "the invoice's own VAT was changed after it was entered",
    "invoice taken back": f"a movement beside one of an import that was taken back is missing or invented: {_BEHIND_US}",
    "movement": f"a movement was changed or invented: {_BEHIND_US}",
    "legs of": f"a leg of a movement was deleted: {_BEHIND_US}",
    "currency": f"a currency was changed: {_BEHIND_US}",
}


def cause_of(check: str) -> str:
    """The likely cause of a difference, in a sentence for the operator."""
    return next((cause for word, cause in _CAUSES.items() if word in check), _COPY)
