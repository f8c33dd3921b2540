"""Why an import cannot be taken back any more, in words."""

from __future__ import annotations

from typing import Any

from backoffice.imports.standing import Obstacle
from backoffice.labels import act as act_words
from shared.kit.words import gettext as _
from shared.kit.words import lazy_gettext as _l

_REASONS: dict[str, Any] = {
    "unknown": _l(
        "What it changed is not known any more: it was done by an earlier version, or its file was let go of."
    ),
    "holds_shrunk": _l(
        "A dispute, plan, promise or declared transfer covers less since, because the import lowered its invoice"
    ),
    "later_import": _l("A later import: take that one back first"),
    "payment": _l("Money moved: a payment, a receipt or a credit"),
    "freeze_dispute": _l("A dispute"),
    "freeze_plan": _l("A payment plan"),
    "freeze_promise": _l("A promise to pay"),
    "freeze_declaration": _l("A declared transfer"),
    "freeze_respite": _l("A pause after a dispute"),
    "freeze_legal_hold": _l("A hold"),
    "freeze_chargeback": _l("A contested payment"),
    "reminder": _l("A reminder"),
    "credit_used": _l("Credit that the import brought has been used"),
    "changed": _l("Changed since"),
    "cancelled": _l("Cancelled since"),
    "edited": _l("Done since at the desk or by the customer"),
    "payment_allocation": _l("A payment"),
    "collection": _l("An automatic debit"),
    "promise": _l("A promise to pay"),
    "promise_part": _l("A promise to pay"),
    "plan": _l("A payment plan"),
    "plan_item": _l("A payment plan"),
    "dispute": _l("A dispute"),
    "dispute_part": _l("A dispute"),
    "declaration": _l("A declared transfer"),
    "declaration_part": _l("A declared transfer"),
    "chargeback": _l("A contested payment"),
    "chargeback_part": _l("A contested payment"),
    "gift": _l("Something given away"),
    "gift_part": _l("Something given away"),
    "mandate": _l("A mandate"),
    "message": _l("A message that was sent"),
    "magic_link": _l("A link that opens the account"),
    "portal_session": _l("Somebody has opened the account"),
    "attachment": _l("A file that somebody sent"),
    "debtor_note": _l("A note"),
}


def reason(obstacle: Obstacle) -> str:
    """What was built on the import."""
    return str(_REASONS.get(obstacle.what) or _("Something in “%(table)s”", table=obstacle.what))


def subjects(obstacle: Obstacle) -> str:
    """Of which invoices, accounts or files, with how many more."""
    named = [_said(subject) for subject in obstacle.subjects]
    more = obstacle.count - len(named)
    return " · ".join(named) + (" · " + _("… and %(n)s more", n=more) if more > 0 and named else "")


def codes() -> frozenset[str]:
    """Everything that has words."""
    return frozenset(_REASONS)


def _said(subject: str) -> str:
    """An act and what it was done to stand apart by a bar; anything else is a name."""
    act, mark, of = subject.partition("|")
    if not mark:
        return subject
    return f"{act_words(act)} ({of})" if of else act_words(act)
