"""Where a message stands, and why a reminder left something out: in the debtor's words."""

from __future__ import annotations

from typing import Any

from shared.kit.words import lazy_gettext as _l
from shared.messages.decision import Omission
from shared.messages.models import MessageStatus

STATES: dict[MessageStatus, tuple[Any, str]] = {
    MessageStatus.WAITING: (_l("Not sent yet"), "wait"),
    MessageStatus.SENDING: (_l("On its way to you"), "wait"),
    MessageStatus.GATHERED: (_l("Kept for your weekly message"), "wait"),
    MessageStatus.TOLD: (_l("In your weekly message"), "good"),
    MessageStatus.SENT: (_l("Sent"), "good"),
    MessageStatus.UNCERTAIN: (_l("Perhaps not sent"), "neutral"),
    MessageStatus.REFUSED: (_l("Could not be sent to you"), "late"),
}
"""A word and a tone; messages that were dropped are not shown."""

OMISSIONS: dict[Omission, Any] = {
    Omission.NOT_DUE: _l("not due yet"),
    Omission.IN_FLIGHT: _l("a payment is on its way"),
    Omission.DISPUTE: _l("you dispute it"),
    Omission.PLAN: _l("in your payment plan"),
    Omission.PROMISE: _l("you said when you will pay"),
    Omission.DECLARATION: _l("you told us that you have paid"),
    Omission.RESPITE: _l("you disputed it: we ask for it again later"),
    Omission.LEGAL_HOLD: _l("set aside by us"),
    Omission.CHARGEBACK: _l("a payment of it was contested with your bank"),
    Omission.BY_DEBIT: _l("will be debited by itself"),
}
