"""A promise in the debtor's words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from shared.kit.money import Money
from shared.kit.templating import day, money
from shared.kit.words import gettext as _
from shared.promises.queries import PromiseLine
from shared.promises.rules import PromiseState


@dataclass(frozen=True, slots=True)
class Words:
    """A state in one word, its tone and icon, and a sentence that says what it means."""

    word: str
    tone: str
    icon: str
    text: str


def words(line: PromiseLine, today: date) -> Words:
    """Where a promise stands."""
    some = _came(line.kept, line.amount)
    if line.state is PromiseState.KEPT:
        return Words(_("Kept"), "good", "", _("Everything has arrived. Thank you."))
    if line.state is PromiseState.CANCELLED:
        return Words(
            _("Ended"), "neutral", "stop", _("This promise no longer holds; the invoices follow their due dates.")
        )
    if line.state is PromiseState.BROKEN:
        text = _("The money did not arrive in time, so reminders go on.")
        return Words(_("Not kept"), "late", "", f"{some} {text}".strip())
    if line.is_late(today):
        text = _("The day is past. The money may arrive until %(day)s.", day=day(line.until_on))
        return Words(_("Awaited"), "wait", "", f"{some} {text}".strip())
    text = _("Until %(day)s we send no reminder for it and debit nothing by ourselves.", day=day(line.until_on))
    return Words(_("Noted"), "info", "calendar", f"{some} {text}".strip())


def _came(kept: Money, amount: Money) -> str:
    if not kept.minor or kept == amount:
        return ""
    return _("%(came)s of %(total)s has arrived.", came=money(kept), total=money(amount))
