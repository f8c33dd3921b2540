"""When a second person must agree. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

WINDOW = timedelta(days=30)
"""What one debtor was given within so many days is added up; what was given of one payment or invoice, always."""


@dataclass(frozen=True, slots=True)
class Given:
    """What one person alone gave, asked for or was declined already, in minor units."""

    of_payment: int = 0
    of_invoices: int = 0
    """The most that any of the invoices concerned was given."""
    to_debtor: int = 0

    @property
    def most(self) -> int:
        return max(self.of_payment, self.of_invoices, self.to_debtor)


def needs_second_person(minor: int, given: Given, *, limit_minor: int) -> bool:
    """Whether an amount, with what was given before it, is above what one person may give alone.

    Cutting one amount into many, or asking for less after a refusal, gains nothing: each part is looked at with the
    others. What a second person has agreed to is not counted: two pairs of eyes saw it.
    """
    return minor + given.most > limit_minor
