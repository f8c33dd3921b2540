"""What waits for a person, and what ran last: each room says its part, Today shows them together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from backoffice.access.member import Member
from shared.kit.money import Money

URGENCY = {"late": 0, "wait": 1, "info": 2}


@dataclass(frozen=True, slots=True)
class Task:
    """Something for a person: how many, how much, and where."""

    title: str
    href: str
    count: int
    permission: str
    tone: str = "wait"
    """late: money or trust is being lost; wait: somebody has to decide; info: it would be good to look."""
    icon: str = ""
    note: str = ""
    amount: Money | None = None

    @property
    def rank(self) -> tuple[int, int]:
        """The most urgent first, then the most money."""
        return URGENCY[self.tone], -(self.amount.minor if self.amount else 0)


@dataclass(frozen=True, slots=True)
class LastRun:
    """What a machine did last."""

    title: str
    href: str
    at: datetime
    permission: str
    note: str = ""
    tone: str = "good"


@dataclass(frozen=True, slots=True)
class Part:
    """What one room contributes."""

    tasks: tuple[Task, ...] = ()
    runs: tuple[LastRun, ...] = ()


Contribution = Callable[[Session, Member], Part]
"""Reads little: partial indexes and latest rows, since Today asks every room each time."""
