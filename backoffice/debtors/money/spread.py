"""Money spread over open invoices: what a person typed beside each, or the oldest first."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from backoffice.debtors.queries import ItemRow, as_open_items
from shared.kit.money import Money, MoneyParseError, format_money
from shared.kit.words import current_language
from shared.kit.words import gettext as _
from shared.ledger.rules import Part, allocate, total


@dataclass(frozen=True, slots=True)
class Spread:
    """How an amount is spread: parts, the surplus, what stands in each box, and what is wrong with it."""

    parts: Sequence[Part]
    surplus_minor: int
    typed: Mapping[uuid.UUID, str] = field(default_factory=dict)
    errors: Mapping[uuid.UUID, str] = field(default_factory=dict)
    complaint: str = ""

    @property
    def is_wrong(self) -> bool:
        return bool(self.errors or self.complaint)


SHOWN = 200
"""So many invoices stand on a page; others are found by their number."""


@dataclass(frozen=True, slots=True)
class Rows:
    """What of the open invoices stands on the page: those with a fault, then those that the words find, the oldest first."""

    items: Sequence[ItemRow]
    found_count: int
    all_count: int
    words: str
    kept: Mapping[uuid.UUID, str]
    """What was typed beside others: it counts too."""

    @property
    def is_some(self) -> bool:
        return len(self.items) < self.all_count


def rows_of(items: Sequence[ItemRow], spread: Spread, given: Mapping[str, str]) -> Rows:
    """The rows of a page for what was asked (`find`) and typed."""
    words = given.get("find", "").strip()[:80]
    found = [item for item in items if words.casefold() in item.number.casefold()]
    faulty = [item for item in items if item.id in spread.errors]
    shown = list(dict.fromkeys([*faulty, *found[:SHOWN]]))
    here = {item.id for item in shown}
    kept = {one: text for one, text in spread.typed.items() if one not in here and f"part-{one}" in given}
    return Rows(shown, len(found), len(items), words, kept)


def oldest_first(items: Sequence[ItemRow], amount: Money) -> Spread:
    """The suggestion."""
    parts, left = allocate(as_open_items(list(items)), amount.minor)
    boxes = {part.invoice_id: format_money(Money(part.minor, amount.currency), current_language()) for part in parts}
    return Spread(parts, left, typed=boxes)


def by_hand(items: Sequence[ItemRow], amount: Money, given: Mapping[str, str], *, may_leave: bool) -> Spread:
    """What was typed beside each invoice; `may_leave`: what is left over becomes unapplied credit."""
    parts, typed, errors = [], {}, {}
    for item in items:
        text = given.get(f"part-{item.id}", "").strip()
        if not text:
            continue
        typed[item.id] = text
        try:
            part = Money.parse(text, amount.currency)
        except MoneyParseError:
            errors[item.id] = _("This is not an amount.")
            continue
        if part.minor < 0 or part > item.available:
            errors[item.id] = _(
                "At most %(most)s can be settled.", most=format_money(item.available, current_language())
            )
        elif part.minor:
            parts.append(Part(item.id, part.minor))
    left = amount.minor - total(parts)
    complaint = ""
    if not errors and left < 0:
        complaint = _(
            "You spread %(more)s more than there is.",
            more=format_money(Money(-left, amount.currency), current_language()),
        )
    elif not errors and not parts and not may_leave:
        complaint = _("Write beside at least one invoice what it gets.")
    return Spread(parts, max(left, 0), typed, errors, complaint)
