"""Decisions, tones and runs in staff words."""

from __future__ import annotations

from typing import Any

from backoffice.reminders.models import ReminderStatus, Tone
from backoffice.reminders.rules import Outcome
from shared.kit.words import lazy_gettext as _l

OUTCOMES: dict[str, tuple[Any, str]] = {
    Outcome.REMIND.value: (_l("Reminded"), "good"),
    Outcome.NOT_YET.value: (_l("Nothing has come to a step"), "neutral"),
    Outcome.ALREADY.value: (_l("Reminded at this step before"), "neutral"),
    Outcome.TOO_SOON.value: (_l("The last reminder is too young"), "wait"),
    Outcome.PAUSED.value: (_l("Paused by staff"), "info"),
    Outcome.NO_ADDRESS.value: (_l("Nobody to write to"), "late"),
    Outcome.IN_FLIGHT.value: (_l("A payment is on its way"), "wait"),
    Outcome.FROZEN.value: (_l("Disputed, promised, planned or on hold"), "info"),
    Outcome.CREDIT.value: (_l("Credit covers it"), "neutral"),
    Outcome.SMALL.value: (_l("Below the minimum"), "neutral"),
    Outcome.AUTOPAY.value: (_l("A direct debit will take it"), "wait"),
    Outcome.LATE.value: (_l("The time of the notice has passed"), "neutral"),
}
"""What was decided: a word and a tone."""

TONES: dict[Tone, Any] = {
    Tone.NOTICE: _l("Notice before the due day"),
    Tone.KIND: _l("Kind tone"),
    Tone.CLEAR: _l("Clear tone"),
    Tone.FIRM: _l("Firm tone"),
}

STATES: dict[ReminderStatus, tuple[Any, str]] = {
    ReminderStatus.DECIDED: (_l("Will be written"), "wait"),
    ReminderStatus.WRITTEN: (_l("Written"), "good"),
    ReminderStatus.DROPPED: (_l("Dropped"), "neutral"),
}


def outcome_word(outcome: str) -> str:
    """A decision in words."""
    return str(OUTCOMES[outcome][0]) if outcome in OUTCOMES else outcome


def outcome_tone(outcome: str) -> str:
    return OUTCOMES[outcome][1] if outcome in OUTCOMES else "neutral"
