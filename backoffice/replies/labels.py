"""Rooms and acts of saved replies in staff words."""

from __future__ import annotations

from typing import Any

from backoffice.replies.rules import Room
from shared.kit.words import lazy_gettext as _l

ROOMS: dict[Room, Any] = {
    Room.DISPUTE: _l("Disputes"),
    Room.PLAN: _l("Plans"),
    Room.PROMISE: _l("Promises"),
    Room.DECLARATION: _l("Declared transfers"),
}
ACTS: dict[tuple[Room, str], Any] = {
    (Room.DISPUTE, "answer"): _l("Answering"),
    (Room.DISPUTE, "accept"): _l("Accepting"),
    (Room.DISPUTE, "reject"): _l("Rejecting"),
    (Room.PLAN, "offer"): _l("Offering terms"),
    (Room.PLAN, "change"): _l("Changing the schedule"),
    (Room.PLAN, "decline"): _l("Declining"),
    (Room.PLAN, "pause"): _l("Pausing"),
    (Room.PLAN, "cancel"): _l("Ending it"),
    (Room.PLAN, "default"): _l("Declaring the default"),
    (Room.PROMISE, "cancel"): _l("Calling it off"),
    (Room.DECLARATION, "refuse"): _l("Not found"),
}
PLACES: dict[str, Any] = {
    "debtor": _l("name of the debtor"),
    "reference": _l("reference"),
    "invoices": _l("numbers of the invoices"),
    "amount": _l("amount"),
    "left": _l("what is left to pay"),
    "deadline": _l("day of our answer"),
    "day": _l("day of the payment"),
    "company": _l("our name"),
    "me": _l("name of whoever writes"),
}
