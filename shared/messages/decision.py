"""What a reminder was decided by, kept with the message as it stood: so that its reader can be told why."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from shared.kit.money import Money


class Omission(enum.Enum):
    """Why something open was left out of a reminder."""

    NOT_DUE = "not_due"
    IN_FLIGHT = "in_flight"
    """A payment is on its way for it."""
    DISPUTE = "dispute"
    PLAN = "plan"
    PROMISE = "promise"
    DECLARATION = "declaration"
    RESPITE = "respite"
    """It was contested, and is asked for again from a day to come."""
    LEGAL_HOLD = "legal_hold"
    CHARGEBACK = "chargeback"
    """A payment of it was contested with the bank."""
    BY_DEBIT = "by_debit"
    """A direct debit will take it."""


@dataclass(frozen=True, slots=True)
class Listed:
    """An invoice that the reminder asks for, with the amount asked."""

    number: str
    due_on: date
    money: Money


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A part of an invoice that it does not ask for, and why."""

    number: str
    money: Money
    why: Omission


@dataclass(frozen=True, slots=True)
class Decision:
    """The step (days from the due day of the invoice that came to it; negative: before), and what was counted."""

    decided_on: date
    offset_days: int
    listed: Sequence[Listed]
    left_out: Sequence[LeftOut]

    def as_json(self) -> dict[str, Any]:
        """For `message.decision`."""
        return {
            "decided_on": self.decided_on.isoformat(),
            "offset_days": self.offset_days,
            "listed": [
                {"number": each.number, "due_on": each.due_on.isoformat(), **_money(each.money)} for each in self.listed
            ],
            "left_out": [
                {"number": each.number, "why": each.why.value, **_money(each.money)} for each in self.left_out
            ],
        }


def read(kept: dict[str, Any] | None) -> Decision | None:
    """A kept decision; None for a message that nothing was decided for."""
    if kept is None:
        return None
    return Decision(
        decided_on=date.fromisoformat(kept["decided_on"]),
        offset_days=int(kept["offset_days"]),
        listed=tuple(
            Listed(each["number"], date.fromisoformat(each["due_on"]), Money(each["minor"], each["currency"]))
            for each in kept["listed"]
        ),
        left_out=tuple(
            LeftOut(each["number"], Money(each["minor"], each["currency"]), Omission(each["why"]))
            for each in kept["left_out"]
        ),
    )


def _money(money: Money) -> dict[str, Any]:
    return {"minor": money.minor, "currency": money.currency}
