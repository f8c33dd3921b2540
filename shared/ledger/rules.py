"""Spreading money over invoices: pure."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class OpenItem:
    """An invoice as the spreader sees it; `available_minor` is open less held, in minor units."""

    invoice_id: uuid.UUID
    due_on: date
    available_minor: int


@dataclass(frozen=True, slots=True)
class Part:
    """So much of one invoice, in minor units (> 0)."""

    invoice_id: uuid.UUID
    minor: int


def oldest_first(items: Iterable[OpenItem]) -> list[OpenItem]:
    """By due day, then by identity: the order in which money settles unless the payer says otherwise."""
    return sorted(items, key=lambda item: (item.due_on, item.invoice_id))


def allocate(items: Iterable[OpenItem], minor: int) -> tuple[list[Part], int]:
    """Spread an amount on items, oldest due day first; gives the parts and what is left over.

    French law lets the debtor choose (C. civ. 1342-10): pass only the items he chose.
    """
    parts = []
    left = minor
    for item in oldest_first(items):
        taken = min(left, item.available_minor)
        if taken > 0:
            parts.append(Part(item.invoice_id, taken))
            left -= taken
    return parts, left


def total(parts: Sequence[Part]) -> int:
    """Sum of parts in minor units."""
    return sum(part.minor for part in parts)


def is_too_much(*, open_minor: int, held_minor: int, contested_minor: int) -> bool:
    """Whether payments in flight reserve contested money: what is reserved and what is contested exceed what is open."""
    return held_minor > 0 and held_minor + contested_minor > open_minor
