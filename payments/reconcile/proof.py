"""What a proof is: what was compared, and what differs."""

from __future__ import annotations

import uuid
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from payments.reconcile.remedies import cause_of

WINDOW = timedelta(days=430)
"""Fourteen months: so long a debit can be contested as unauthorised."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as it should be; amounts in minor units."""

    check: str
    subject: str
    expected: int
    found: int
    currency: str = ""
    key: uuid.UUID | None = None
    """The row that it is about."""

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "check": self.check,
            "subject": self.subject,
            "expected": self.expected,
            "found": self.found,
            "currency": self.currency,
        }

    def __str__(self) -> str:
        return f"{self.check}: {self.subject} should be {self.expected}, is {self.found} {self.currency}".rstrip()


@dataclass(slots=True)
class Proof:
    """What was compared, and what differs."""

    compared: Counter[str] = field(default_factory=Counter)
    totals: dict[str, dict[str, int]] = field(default_factory=dict)
    """Provider and currency → what it has, what the ledger has."""
    differences: list[Difference] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        return not self.differences

    def add(self, difference: Difference) -> None:
        """Keep one more difference."""
        self.differences.append(difference)

    def as_json(self) -> dict[str, Any]:
        return {
            "clean": self.is_clean,
            "compared": dict(self.compared),
            "totals": self.totals,
            "differences": [one.as_json() | {"cause": cause_of(one.check)} for one in self.differences],
        }
