"""Access in words."""

from __future__ import annotations

import re

from shared.access.models import LinkPurpose
from shared.kit.words import gettext as _
from shared.kit.words import lazy_gettext as _l

PURPOSES = {
    LinkPurpose.REMINDER: _l("In a reminder"),
    LinkPurpose.REQUESTED: _l("Asked for on our page"),
    LinkPurpose.STAFF: _l("Sent by our staff"),
    LinkPurpose.NOTICE: _l("In a message about a payment"),
    LinkPurpose.INVITATION: _l("In an invitation"),
}

_BROWSERS = (("Edg", "Edge"), ("OPR", "Opera"), ("Firefox", "Firefox"), ("Chrome", "Chrome"), ("Safari", "Safari"))
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS", "Mac"),
    ("Linux", "Linux"),
)


def browser(user_agent: str) -> str:
    """A browser in words that its owner recognises: "Firefox, Windows"."""
    name = next((word for sign, word in _BROWSERS if sign in user_agent), "")
    system = next((word for sign, word in _SYSTEMS if sign in user_agent), "")
    return ", ".join(part for part in (name, system) if part) or _("Unknown browser")


def masked(email: str) -> str:
    """An address as its owner recognises it and nobody else: "d•••@client.example"."""
    return re.sub(r"^(.).*(@)", r"\1•••\2", email)
