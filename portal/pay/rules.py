"""What somebody wants to pay: pure."""

from __future__ import annotations

import enum
import hashlib
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from shared.ledger.rules import Part


class What(enum.Enum):
    """How the amount was chosen."""

    ALL = "all"
    LATE = "late"
    THESE = "these"
    PLAN = "plan"
    """Of a payment plan: what is due of it, or all the rest."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What the address or the form asks for: everything, what is late, or these invoices, perhaps a part of each."""

    what: What
    invoice_ids: tuple[uuid.UUID, ...] = ()
    amounts: Mapping[uuid.UUID, int] = field(default_factory=dict)
    """Of some invoices: how much of it, in minor units, instead of all that is open."""
    plan_id: uuid.UUID | None = None
    is_rest: bool = False
    """Of a plan: all the rest instead of what is due."""
    selection_id: uuid.UUID | None = None
    """The kept choice that these invoices and amounts come from."""


@dataclass(frozen=True, slots=True)
class Payable:
    """An invoice as the chooser sees it; `minor` is what may be paid of it now."""

    invoice_id: uuid.UUID
    number: str
    due_on: date
    minor: int


@dataclass(frozen=True, slots=True)
class Chosen:
    """A part of an invoice that is to be paid."""

    invoice_id: uuid.UUID
    number: str
    due_on: date
    minor: int
    available_minor: int

    @property
    def is_part(self) -> bool:
        return self.minor < self.available_minor


def choose(items: Sequence[Payable], wish: Wish, today: date) -> list[Chosen]:
    """The parts that a wish means today, by due day; never more of an invoice than may be paid of it."""
    chosen, these = [], frozenset(wish.invoice_ids)
    for item in sorted(items, key=lambda one: (one.due_on, one.invoice_id)):
        is_late_enough = wish.what is not What.LATE or item.due_on < today
        is_meant = wish.what is not What.THESE or item.invoice_id in these
        minor = min(item.minor, wish.amounts.get(item.invoice_id, item.minor))
        if is_late_enough and is_meant and minor > 0:
            chosen.append(Chosen(item.invoice_id, item.number, item.due_on, minor, item.minor))
    return chosen


def written(parts: Sequence[Chosen]) -> list[str]:
    """The parts as a form carries them: "<invoice>:<minor units>" each."""
    return [f"{part.invoice_id}:{part.minor}" for part in parts]


def read(texts: Sequence[str]) -> list[Part]:
    """The parts that a form carried; raises ValueError for what no form of ours carries."""
    parts = []
    for text in texts:
        identity, _colon, minor = text.partition(":")
        if not minor.isascii() or not minor.isdigit() or not 0 < int(minor) < 10**15:
            raise ValueError(f"not a part: {text!r}")
        try:
            parts.append(Part(uuid.UUID(identity), int(minor)))
        except ValueError as error:
            raise ValueError(f"not a part: {text!r}") from error
    if len({part.invoice_id for part in parts}) != len(parts):
        raise ValueError("an invoice twice")
    return parts


def version(parts: Sequence[Chosen]) -> str:
    """What was shown, in sixteen characters: two equal ones mean the same invoices with the same amounts."""
    return hashlib.sha256("|".join(written(parts)).encode()).hexdigest()[:16]


def total(parts: Sequence[Chosen]) -> int:
    """Sum in minor units."""
    return sum(part.minor for part in parts)


@dataclass(frozen=True, slots=True)
class CreditUse:
    """So much of one source of credit for one invoice; `note_id` None means money that settled nothing yet."""

    note_id: uuid.UUID | None
    invoice_id: uuid.UUID
    minor: int


def use_credit(parts: Sequence[Chosen], sources: Sequence[tuple[uuid.UUID | None, int]]) -> list[CreditUse]:
    """Spread credit over the parts, source after source, the oldest due part first; never more than either holds."""
    uses = []
    left = {part.invoice_id: part.minor for part in parts}
    for note_id, minor in sources:
        rest = minor
        for part in parts:
            taken = min(rest, left[part.invoice_id])
            if taken > 0:
                uses.append(CreditUse(note_id, part.invoice_id, taken))
                left[part.invoice_id] -= taken
                rest -= taken
    return uses
