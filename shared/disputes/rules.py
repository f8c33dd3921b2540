"""What a dispute may become, what is contested, and when money is owed again. Pure."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal


class Status(enum.Enum):
    """Where a dispute stands."""

    OPEN = "open"
    """Received; nobody has looked at it yet."""
    UNDER_REVIEW = "under_review"
    WAITING = "waiting"
    """The debtor was asked for something; the deadline stands still."""
    ACCEPTED = "accepted"
    """The debtor is right, wholly or in part."""
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    """The debtor takes it back."""
    SETTLED = "settled"
    """The disputed money was paid or credited otherwise."""


S = Status

LIVE = frozenset({S.OPEN, S.UNDER_REVIEW, S.WAITING})
"""States in which the money is frozen and an answer is owed."""

ENDED = frozenset(S) - LIVE


@dataclass(frozen=True, slots=True)
class Edge:
    """A named step; `topic` is what it publishes, "" for nothing."""

    name: str
    topic: str = ""


EDGES: dict[tuple[Status, Status], Edge] = {
    (S.OPEN, S.UNDER_REVIEW): Edge("taken_up"),
    (S.OPEN, S.WAITING): Edge("asked"),
    (S.UNDER_REVIEW, S.WAITING): Edge("asked"),
    (S.WAITING, S.UNDER_REVIEW): Edge("answered"),
    **{(start, S.ACCEPTED): Edge("accepted", "dispute.resolved") for start in (S.OPEN, S.UNDER_REVIEW, S.WAITING)},
    **{(start, S.REJECTED): Edge("rejected", "dispute.resolved") for start in (S.OPEN, S.UNDER_REVIEW, S.WAITING)},
    **{(start, S.SETTLED): Edge("settled", "dispute.resolved") for start in (S.OPEN, S.UNDER_REVIEW, S.WAITING)},
    **{(start, S.WITHDRAWN): Edge("withdrawn", "dispute.withdrawn") for start in (S.OPEN, S.UNDER_REVIEW, S.WAITING)},
    **{(end, S.OPEN): Edge("reopened", "dispute.reopened") for end in (S.ACCEPTED, S.REJECTED, S.WITHDRAWN, S.SETTLED)},
}
"""A key is (from, to). What is not here does not happen."""


@dataclass(frozen=True, slots=True)
class ReasonDefault:
    """A reason that every company starts with."""

    code: str
    label_en: str
    label_fr: str
    deadline_days: int


DEFAULT_REASONS: tuple[ReasonDefault, ...] = (
    ReasonDefault(
        "not_conform", "The goods or services are not as ordered", "Marchandise ou prestation non conforme", 15
    ),
    ReasonDefault("not_delivered", "Not delivered, or only in part", "Non livré, ou livré en partie", 10),
    ReasonDefault("price", "The price or the quantity is wrong", "Prix ou quantité erronés", 10),
    ReasonDefault("already_paid", "I have already paid", "J’ai déjà payé", 5),
    ReasonDefault("wrong_customer", "This invoice is not for me", "Cette facture ne m’est pas destinée", 5),
    ReasonDefault("duplicate", "Invoiced twice", "Facturé deux fois", 5),
    ReasonDefault("order_number", "Our order number is missing", "Notre numéro de commande manque", 5),
    ReasonDefault("vat", "The VAT is wrong", "La TVA est erronée", 10),
    ReasonDefault("other", "Something else", "Autre chose", 15),
)
"""In the order in which they are shown; a company changes them as it likes."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What a company allows and grants."""

    owed_again_days: int = 8
    """So many days after a decision is what stays owed neither collected nor reminded."""
    reopen_days: int = 30
    """So long after its end may the debtor open a dispute again."""
    most_reopens: int = 2


def may_reopen(status: Status, *, ended_on: date | None, reopened: int, today: date, policy: Policy) -> bool:
    """Whether the debtor himself may open a dispute again; staff always may."""
    if status in LIVE or ended_on is None:
        return False
    return reopened < policy.most_reopens and today <= ended_on + timedelta(days=policy.reopen_days)


def is_overdue(status: Status, *, due_on: date, today: date) -> bool:
    """Whether an answer is late: never while it is the debtor who is waited for."""
    return status in (S.OPEN, S.UNDER_REVIEW) and today > due_on


def day_owed_again(today: date, *, due_on: date, policy: Policy) -> date:
    """From which day on what stays owed may be collected and reminded: the grace, or its due day when that is later."""
    return max(due_on, today + timedelta(days=policy.owed_again_days))


def gross_of_line(net_minor: int, vat_rate: Decimal) -> int:
    """A line with its VAT, rounded half up to the minor unit."""
    return int((net_minor * (1 + vat_rate / 100)).quantize(Decimal(1), ROUND_HALF_UP))


def share_lines(lines: Sequence[int], *, is_whole: bool, total_minor: int, left_minor: int) -> list[int]:
    """What is contested of each chosen line (amounts with VAT): never more in all than what is left of the invoice.

    When all lines are chosen it is the invoice's total that counts, so that no cent of rounding stays out.
    """
    wanted = list(lines)
    if is_whole and wanted:
        wanted[-1] += total_minor - sum(wanted)
    shares = []
    left = left_minor
    for amount in wanted:
        taken = max(0, min(amount, left))
        shares.append(taken)
        left -= taken
    return shares


@dataclass(frozen=True, slots=True)
class Vat:
    """The VAT of a document by rate: category (UNCL 5305), rate in percent, base and tax in minor units."""

    category: str
    rate: Decimal
    base_minor: int
    vat_minor: int
    exemption_reason: str = ""
    """The words that say why there is none; "" are the usual ones of its category."""

    @property
    def gross_minor(self) -> int:
        return self.base_minor + self.vat_minor


def split_gross(gross_minor: int, table: Sequence[Vat]) -> list[Vat]:
    """An amount with VAT, split over the rates of its invoice in proportion, without losing a cent.

    Largest remainders get the cents that rounding leaves; the base of each part follows from its rate, and its VAT is
    the rest: the sum is the amount to the cent, and the VAT differs from base x rate by less than one cent.
    """
    whole = sum(each.gross_minor for each in table)
    if not table or whole <= 0:
        raise ValueError("nothing to split over")
    exact = [Decimal(gross_minor) * each.gross_minor / whole for each in table]
    parts = [int(each) for each in exact]
    order = sorted(range(len(table)), key=lambda i: (parts[i] - exact[i], i))
    for i in order[: gross_minor - sum(parts)]:
        parts[i] += 1
    split = []
    for part, each in zip(parts, table, strict=True):
        if part > 0:
            base = int((Decimal(part) / (1 + each.rate / 100)).quantize(Decimal(1), ROUND_HALF_UP))
            split.append(Vat(each.category, each.rate, base, part - base, each.exemption_reason))
    return split


RATES_FR = (Decimal("20.00"), Decimal("10.00"), Decimal("5.50"), Decimal("2.10"), Decimal("8.50"), Decimal("0.00"))
"""The rates of French VAT (CGI art. 278 to 281 octies, 296 for the overseas departments)."""


UNTAXED = ("E", "AE", "K", "G", "O", "Z")
"""Why a document bears VAT of 0 % (UNCL 5305): exempt, reverse charge, supply within the Union, export, outside the scope
of VAT, zero rated."""

NEEDS_WORDS = frozenset({"E"})
"""Exempt on one of many grounds: only a person knows which (EN 16931, BR-E-10). The others have one usual mention each."""


def guess_rate(net_minor: int, vat_minor: int) -> Decimal | None:
    """The one rate by which an invoice without lines was taxed; None when no rate explains its totals to the cent.

    The nearest rate wins. VAT may be a cent off where lines were rounded one by one, but not when that cent is all of
    it: one cent of VAT is not 0 %, and no VAT is no rate above 0 %.
    """
    if not vat_minor:
        return Decimal("0.00")
    off = {
        rate: abs(int((net_minor * rate / 100).quantize(Decimal(1), ROUND_HALF_UP)) - vat_minor) for rate in RATES_FR
    }
    nearest = min(off, key=off.__getitem__)
    return nearest if off[nearest] <= min(1, abs(vat_minor) - 1) else None


def credited_fully(claimed: Mapping[object, int], credited: Mapping[object, int]) -> bool:
    """Whether every contested part is credited whole."""
    return all(credited.get(part, 0) == minor for part, minor in claimed.items())
