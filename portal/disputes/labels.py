"""A dispute in the debtor's words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import url_for

from payments.collections.contested import Fate, Touching
from shared.disputes.models import PartOutcome
from shared.disputes.queries import DisputeRow
from shared.disputes.rules import LIVE, Status
from shared.disputes.sheets import PartRow, Said, Sheet
from shared.kit.templating import day, moment, money
from shared.kit.words import gettext as _


@dataclass(frozen=True, slots=True)
class Words:
    """A state in one word, its tone and icon, and a sentence that says what it means."""

    word: str
    tone: str
    icon: str
    text: str = ""


def in_list(row: DisputeRow) -> Words:
    """Where a dispute stands, for a list."""
    return _words(row.status, is_whole=True)


def in_words(sheet: Sheet) -> Words:
    """Where a dispute stands, and what that means for him."""
    words = _words(sheet.status, is_whole=sheet.credited_minor >= sheet.claimed_minor)
    return Words(words.word, words.tone, words.icon, _meaning(sheet))


def _words(status: Status, *, is_whole: bool) -> Words:
    if status is Status.ACCEPTED:
        return Words(_("Accepted") if is_whole else _("Accepted in part"), "good", "")
    return {
        Status.OPEN: Words(_("Received"), "wait", "mail"),
        Status.UNDER_REVIEW: Words(_("Being looked into"), "wait", "search"),
        Status.WAITING: Words(_("Your turn"), "late", "pen"),
        Status.REJECTED: Words(_("Not accepted"), "late", "stop"),
        Status.WITHDRAWN: Words(_("Withdrawn"), "neutral", "undo"),
        Status.SETTLED: Words(_("Settled"), "good", ""),
    }[status]


def _meaning(sheet: Sheet) -> str:
    if sheet.status is Status.WAITING:
        return _("We have a question. As soon as you answer, we go on.")
    if sheet.status in LIVE:
        return _(
            "You will have an answer by %(day)s. Until then we neither remind nor debit this amount.",
            day=day(sheet.due_on),
        )
    if sheet.status is Status.WITHDRAWN:
        return _("You took it back. What it was about is due as before.")
    if sheet.status is Status.SETTLED:
        return _("What you contested is settled.")
    rest = sheet.money(sheet.claimed_minor - sheet.credited_minor)
    if rest.is_zero:
        return _("The whole amount is credited to you. You have nothing more to do.")
    if sheet.owed_again_on is None:
        return _("%(amount)s stays due.", amount=money(rest))
    return _(
        "%(amount)s stays due. We ask for it again from %(day)s on; you can pay it at any time.",
        amount=money(rest),
        day=day(sheet.owed_again_on),
    )


def part_words(part: PartRow) -> str:
    """What became of one contested part."""
    return {
        PartOutcome.LIVE: _("Frozen while we look into it"),
        PartOutcome.CREDITED: _("Credited"),
        PartOutcome.PARTLY_CREDITED: _("Credited in part: %(amount)s", amount=money(part.credited)),
        PartOutcome.OWED_AGAIN: _("Stays due"),
        PartOutcome.WITHDRAWN: _("Due as before"),
        PartOutcome.SETTLED: _("Settled"),
    }[part.outcome]


def talked(sheet: Sheet, company: str, zone: str) -> list[dict[str, Any]]:
    """The conversation in the form that `components/talk.html` draws: his own words at the right."""
    return [told for said in sheet.said for told in _told(said, sheet, company, zone)]


def _told(said: Said, sheet: Sheet, company: str, zone: str) -> list[dict[str, Any]]:
    when = moment(said.at, zone)
    is_mine = said.author_kind == "contact"
    if said.what == "step":
        step = {
            "kind": "step",
            "who": "",
            "when": when,
            "text": _step(said.text),
            "icon": _ICONS.get(said.text, "neutral"),
        }
        # What was decided last stands in a card of its own; earlier decisions stay where they were said.
        is_shown = not said.detail or (said.detail == sheet.resolution and shows_decision(sheet))
        return [step] if is_shown else [step, _word(said, said.detail, company, when, is_mine=is_mine)]
    return [_word(said, said.text, company, when, is_mine=is_mine) | {"files": _files(said, sheet)}]


def shows_decision(sheet: Sheet) -> bool:
    """Whether what was decided still stands."""
    return sheet.status in (Status.ACCEPTED, Status.REJECTED) and bool(sheet.resolution)


def _word(said: Said, text: str, company: str, when: str, *, is_mine: bool) -> dict[str, Any]:
    return {
        "kind": "ours" if is_mine else "theirs",
        "who": said.author_name if is_mine else f"{said.author_name} · {company}",
        "when": when,
        "text": text,
    }


def _files(said: Said, sheet: Sheet) -> list[dict[str, str]]:
    return [
        {
            "name": file.name,
            "href": url_for("portal.disputes.file", dispute_id=sheet.id, attachment_id=file.id)
            if file.may_open
            else "",
            "note": "" if file.may_open else _("is being checked"),
        }
        for file in said.files
    ]


_ICONS = {
    "accepted": "good",
    "settled": "good",
    "rejected": "stop",
    "withdrawn": "undo",
    "reopened": "undo",
    "asked": "pen",
}


def _step(edge: str) -> str:
    return {
        "raised": _("Received"),
        "taken_up": _("We have begun to look into it"),
        "asked": _("We wait for your answer"),
        "answered": _("We go on looking into it"),
        "accepted": _("Accepted"),
        "rejected": _("Not accepted"),
        "withdrawn": _("Withdrawn"),
        "settled": _("Settled"),
        "reopened": _("Opened again"),
    }[edge]


def flight_words(flights: Sequence[Touching]) -> list[dict[str, Any]]:
    """What of payments under way could still be stopped, truthfully."""
    return [_flight(flight) for flight in flights]


def _flight(flight: Touching) -> dict[str, Any]:
    facts = {"amount": money(flight.money), "numbers": ", ".join(flight.numbers)}
    href = url_for("portal.payments.show", payment_id=flight.payment_id)
    if flight.fate is Fate.STOPPED:
        text = _("The debit of %(amount)s for %(numbers)s is stopped: your bank was not asked for it.", **facts)
        return {"tone": "good", "text": text, "href": href, "stop": ""}
    if flight.fate is Fate.STOPPING:
        text = _("We are stopping the debit of %(amount)s for %(numbers)s.", **facts)
        return {"tone": "wait", "text": text, "href": href, "stop": ""}
    if flight.fate is Fate.LEFT:
        text = _(
            "The debit of %(amount)s for %(numbers)s had already left for your bank and can no longer be stopped. If you are "
            "right, the amount is credited to you.",
            **facts,
        )
        return {"tone": "late", "text": text, "href": href, "stop": ""}
    text = _("Your own payment of %(amount)s for %(numbers)s is under way. It goes on unless you stop it.", **facts)
    return {"tone": "info", "text": text, "href": href, "stop": str(flight.payment_id)}
