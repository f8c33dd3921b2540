"""A declared transfer in the debtor's words."""

from __future__ import annotations

from dataclasses import dataclass

from payments.declarations.queries import DeclarationLine
from payments.declarations.rules import DeclarationState
from shared.kit.templating import day
from shared.kit.words import gettext as _


@dataclass(frozen=True, slots=True)
class Words:
    """A state in one word, its tone and icon, and a sentence that says what it means."""

    word: str
    tone: str
    icon: str
    text: str


def words(line: DeclarationLine) -> Words:
    """Where a declared transfer stands."""
    if line.state is DeclarationState.DECLARED:
        text = _("We look for it until %(day)s. Meanwhile we send no reminder for it.", day=day(line.until_on))
        return Words(_("Being looked for"), "wait", "search", text)
    if line.state is DeclarationState.MATCHED:
        return Words(_("Found"), "good", "", _("Your transfer has arrived and is in our books. Thank you."))
    if line.state is DeclarationState.REFUSED:
        return Words(
            _("Not found"), "late", "", _("We looked for it and did not find it. The invoices are open as before.")
        )
    if line.state is DeclarationState.EXPIRED:
        text = _(
            "It has not arrived so far. The invoices are open as before; if it arrives later, we book it all the same."
        )
        return Words(_("Not arrived"), "late", "clock", text)
    return Words(_("Taken back"), "neutral", "stop", _("You took this declaration back."))
