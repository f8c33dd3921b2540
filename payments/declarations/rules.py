"""Declared transfers: their states, what is allowed, and which receipts may be meant. Pure."""

from __future__ import annotations

import enum
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta


class DeclarationState(enum.Enum):
    """Where a declared transfer stands."""

    DECLARED = "declared"
    MATCHED = "matched"
    """Staff found it: it is a receipt in the books."""
    REFUSED = "refused"
    """Staff looked and did not find it."""
    EXPIRED = "expired"
    """Nobody found it in time."""
    WITHDRAWN = "withdrawn"
    """The debtor took it back."""


D = DeclarationState

EDGES: dict[tuple[DeclarationState, DeclarationState], str] = {
    (D.DECLARED, D.MATCHED): "declaration.matched",
    (D.DECLARED, D.REFUSED): "declaration.refused",
    (D.DECLARED, D.EXPIRED): "declaration.expired",
    (D.DECLARED, D.WITHDRAWN): "declaration.withdrawn",
    # Money that turns up later is matched all the same.
    (D.REFUSED, D.MATCHED): "declaration.matched",
    (D.EXPIRED, D.MATCHED): "declaration.matched",
    # The receipt was a mistake and has been undone: the search goes on.
    (D.MATCHED, D.DECLARED): "declaration.reopened",
}
"""(from, to) → the topic of the step."""

OPEN_TO_MATCH = frozenset(before for before, after in EDGES if after is D.MATCHED)


@dataclass(frozen=True, slots=True)
class Terms:
    """What a company does with declared transfers."""

    is_offered: bool = True
    pause_days: int = 7
    """How long nothing is reminded or collected while the transfer is looked for."""
    back_days: int = 30
    """How long ago a declared transfer may have been made."""
    match_days: int = 10
    """A receipt is suggested when it came at most so many days before or after."""


def until(terms: Terms, declared_on: date) -> date:
    """The last day of the search."""
    return declared_on + timedelta(days=terms.pause_days)


class Objection(enum.Enum):
    """Why a declaration is not taken."""

    NOT_OFFERED = "not_offered"
    FUTURE = "future"
    TOO_OLD = "too_old"


def object_to(terms: Terms, *, paid_on: date, today: date, by_staff: bool) -> Objection | None:
    """Why a declaration cannot be taken, or None."""
    if not by_staff and not terms.is_offered:
        return Objection.NOT_OFFERED
    if paid_on > today:
        return Objection.FUTURE
    if paid_on < today - timedelta(days=terms.back_days):
        return Objection.TOO_OLD
    return None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A receipt that may be the declared transfer."""

    payment_id: uuid.UUID
    minor: int
    received_on: date


def suggest(candidates: Sequence[Candidate], *, minor: int, paid_on: date, days: int, most: int = 5) -> list[Candidate]:
    """Receipts near the declared day, the best first: the same amount before another, then the nearest day."""
    near = [each for each in candidates if abs((each.received_on - paid_on).days) <= days]
    return sorted(
        near, key=lambda each: (each.minor != minor, abs((each.received_on - paid_on).days), str(each.payment_id))
    )[:most]
