"""Saved replies: beside which acts they stand, what may be filled in, and how it is. Pure."""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from dataclasses import dataclass


class Room(enum.Enum):
    """Where a reply is used."""

    DISPUTE = "dispute"
    PLAN = "plan"
    PROMISE = "promise"
    DECLARATION = "declaration"


ACTS: Mapping[Room, tuple[str, ...]] = {
    Room.DISPUTE: ("answer", "accept", "reject"),
    Room.PLAN: ("offer", "change", "decline", "pause", "cancel", "default"),
    Room.PROMISE: ("cancel",),
    Room.DECLARATION: ("refuse",),
}
"""What staff do with a thing of each room while they write to its debtor."""
PLACES: Mapping[Room, tuple[str, ...]] = {
    Room.DISPUTE: ("debtor", "reference", "invoices", "amount", "deadline", "company", "me"),
    Room.PLAN: ("debtor", "reference", "invoices", "amount", "left", "company", "me"),
    Room.PROMISE: ("debtor", "reference", "invoices", "amount", "day", "company", "me"),
    Room.DECLARATION: ("debtor", "reference", "invoices", "amount", "day", "company", "me"),
}
"""What may stand between double braces in a reply of a room: {{debtor}}. `deadline` is the day of our answer, `left` what is
left of a plan, `day` that of the promise or of the transfer."""
LONGEST_REPLY = 4_000

_PLACE = re.compile(r"\{\{\s*([\w.-]*)\s*\}\}")


def places(text: str) -> list[str]:
    """The placeholders of a text, in their order."""
    return _PLACE.findall(text)


def unknown_places(text: str, known: tuple[str, ...]) -> list[str]:
    """The placeholders of a text that nobody would fill in, in their order; odd braces as they stand."""
    found = [name for name in places(text) if name not in known]
    rest = _PLACE.sub("", text)
    return found + [brace for brace in ("{{", "}}") if brace in rest]


def fill(text: str, values: Mapping[str, str]) -> str:
    """A reply with its placeholders filled in; what was filled in is never read again."""
    return _PLACE.sub(lambda found: values.get(found[1], found[0]), text)


@dataclass(frozen=True, slots=True)
class ReplyDefault:
    """A reply that every company starts with."""

    room: Room
    act: str
    code: str
    title_fr: str
    title_en: str
    text_fr: str
    text_en: str
    asks: bool = False

    def title(self, language: str) -> str:
        """What colleagues call it, in the language of the one who asks."""
        return self.title_fr if language == "fr" else self.title_en
