"""What the desk decides about credits. Pure."""

from __future__ import annotations


def needs_second_person(total_minor: int, *, limit_minor: int) -> bool:
    """Whether a credit needs somebody else's word: the rule and the limit that refunds follow."""
    return total_minor > limit_minor
