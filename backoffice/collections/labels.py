"""Why something was or was not collected, in staff words."""

from __future__ import annotations

from typing import Any

from payments.collections.words import REASONS


def reason_word(reason: str) -> str:
    """A reason in words; one that nobody has put in words is shown by its own name."""
    return str(REASONS.get(reason, reason))


def count_of(counts: dict[str, Any], outcome: str) -> int:
    """How often an outcome was decided in a run, whose counts are kept by "outcome reason"."""
    return sum(int(count) for name, count in counts.items() if name.split(" ", 1)[0] == outcome)
