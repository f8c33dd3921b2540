"""Why so much of an invoice cannot be reserved: each refusal says its own reason, in the language of the moment."""

from __future__ import annotations

from shared.kit.errors import Conflict
from shared.kit.words import gettext as _


def why_not(*, wanted_minor: int, open_minor: int, held_minor: int) -> str:
    """The reason for which so much is not free: "paid", "less" (is open), "payment_under_way", or else "frozen". Pure."""
    if open_minor <= 0:
        return "paid"
    if wanted_minor > open_minor:
        return "less"
    return "payment_under_way" if wanted_minor > open_minor - held_minor else "frozen"


def not_available(number: str, reason: str) -> Conflict:
    """The Conflict("ledger.not_available") for an invoice and a reason, which it carries as a fact."""
    said = {
        "paid": _("Nothing of invoice %(number)s is open any more.", number=number),
        "less": _("Less of invoice %(number)s is open than before.", number=number),
        "payment_under_way": _("A payment of invoice %(number)s is already under way.", number=number),
        "frozen": _("Invoice %(number)s is contested, on hold, or part of a payment plan.", number=number),
    }
    return Conflict(
        "ledger.not_available",
        said.get(reason) or _("Invoice %(number)s has changed meanwhile.", number=number),
        reason=reason,
    )


def not_payable() -> Conflict:
    """The same for what is no invoice of this debtor's (any more)."""
    return Conflict(
        "ledger.not_available", _("One of these invoices can no longer be paid."), reason="not_in_the_books"
    )
