"""Steps and acts of a dispute in staff words."""

from __future__ import annotations

from datetime import date
from typing import Any

from backoffice.labels import Label
from payments.collections.contested import Fate
from shared.disputes.sheets import Said
from shared.kit import templating
from shared.kit.words import gettext as _
from shared.kit.words import lazy_gettext as _l

STEPS: dict[str, Any] = {
    "raised": _l("Dispute opened"),
    "taken_up": _l("Taken up"),
    "asked": _l("Waiting for the debtor: the deadline stands still"),
    "answered": _l("The debtor has answered: the deadline runs again"),
    "accepted": _l("Accepted"),
    "rejected": _l("Rejected"),
    "settled": _l("Settled by payment"),
    "withdrawn": _l("Withdrawn"),
    "reopened": _l("Opened again"),
}
GROUNDS: dict[str, Any] = {
    "E": _l("Exempt from VAT (with its article)"),
    "AE": _l("Reverse charge: the customer owes the VAT"),
    "K": _l("Supply to another country of the Union"),
    "G": _l("Export outside the Union"),
    "O": _l("Outside the scope of VAT"),
    "Z": _l("Rate of zero (abroad; not in France)"),
}
"""Why a document bears no VAT, by category (`shared.disputes.rules.UNTAXED`)."""

FATES: dict[Fate, Label] = {
    Fate.STOPPED: Label(_l("Stopped"), "good"),
    Fate.STOPPING: Label(_l("Being stopped"), "wait"),
    Fate.LEFT: Label(_l("Had left for the bank"), "late"),
    Fate.UNDER_WAY: Label(_l("Started by the debtor; goes on"), "info"),
}
"""What became of payments that were under way when their money was contested."""

TONES = {"accepted": "good", "settled": "good", "rejected": "late", "asked": "wait", "escalated": "late"}
ICONS = {
    "raised": "flag",
    "taken_up": "eye",
    "asked": "pause",
    "answered": "message",
    "accepted": "good",
    "rejected": "stop",
    "settled": "bank",
    "withdrawn": "undo",
    "reopened": "refresh",
    "assigned": "user",
    "deadline": "calendar",
    "reason": "flag",
    "escalated": "late",
}


def step(edge: str) -> str:
    """A step of a dispute in words."""
    return str(STEPS.get(edge, edge))


def said(each: Said, reasons: dict[str, str]) -> str:
    """A step or an act of the conversation in words; `reasons` gives the names of reasons by their codes."""
    if each.what == "step":
        return step(each.text)
    if each.text == "assigned":
        return _("Assigned to %(name)s", name=each.detail) if each.detail else _("Assigned to nobody")
    if each.text == "deadline":
        return _("Answer due on %(day)s", day=_day(each.detail))
    if each.text == "reason":
        return _("Reason changed: %(reason)s", reason=reasons.get(each.detail, each.detail))
    if each.text == "escalated":
        return _("The answer is late: it was due on %(day)s", day=_day(each.detail))
    return each.text


def _day(text: str) -> str:
    try:
        return templating.day(date.fromisoformat(text))
    except ValueError:
        return text
