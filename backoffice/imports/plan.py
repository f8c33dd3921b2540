"""What a file asks for, as frozen values: nothing is written yet, everything can be shown and checked.

All amounts are integers in minor units of the item's currency.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any, NamedTuple

from backoffice.imports.faults import Fault
from backoffice.imports.questions import Question


class ItemKind(StrEnum):
    """What a document is for the debtor's account."""

    INVOICE = "invoice"
    OPENING = "opening"
    """A balance carried forward whose single invoices the file does not hold."""
    CREDIT_NOTE = "credit_note"
    CREDIT = "credit"
    """Money received that settles no invoice of the file."""

    @property
    def owed(self) -> bool:
        """True when the debtor owes it; False when it is in the debtor's favour."""
        return self in (ItemKind.INVOICE, ItemKind.OPENING)


class Item(NamedTuple):
    """One document of one debtor. `total` ≥ `open` ≥ 0; what is not open is settled, lastly on `settled_on`.

    `debtor` is the key of a DebtorRow. `number` is unique within the file and the same each time the file is read.
    `due_derived`: the file did not say when it is due, the terms did.
    """

    line: int
    debtor: str
    kind: str
    number: str
    issued_on: date
    due_on: date
    due_derived: bool
    currency: str
    total: int
    open: int
    settled_on: date | None
    net: int | None = None
    vat: int | None = None
    po_number: str = ""
    label: str = ""
    disputed: bool = False
    lettering: str = ""


class DebtorRow(NamedTuple):
    """One debtor as the file names it; empty strings where it is silent."""

    key: str
    code: str
    name: str
    siren: str = ""
    vat_number: str = ""
    contact_name: str = ""
    email: str = ""
    phone: str = ""
    language: str = ""
    street: str = ""
    postcode: str = ""
    city: str = ""
    country: str = ""
    more_emails: tuple[str, ...] = ()
    """Further addresses of the same line: each may act for the debtor."""
    named: bool = False
    """The file has no code for it: it is known by its name, and what else it says of it decides whether it is the same."""
    kind: str = ""
    """"business" or "consumer"."""


class CertificateLine(NamedTuple):
    """What must be open for one debtor when the import is done, in minor units.

    `balance` is what the file says (for a FEC the balance of the 411 account, debit less credit, added up line by
    line); `owed` and `credit` are what the items make of it. Always balance = owed − credit.
    """

    debtor: str
    name: str
    currency: str
    items: int
    balance: int
    owed: int
    credit: int

    @property
    def holds(self) -> bool:
        return self.balance == self.owed - self.credit


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """All that a file says, or why it cannot be imported.

    `faults` stop the import, `warnings` do not; both hold the first thousand, the counts hold all. `items` is empty
    when they were handed to a sink as they were read. `facts` are what else the preview shows (encoding, dialect …).
    """

    form: str
    debtors: tuple[DebtorRow, ...] = ()
    items: tuple[Item, ...] = ()
    counts: dict[str, int] = field(default_factory=dict)
    certificate: tuple[CertificateLine, ...] = ()
    faults: tuple[Fault, ...] = ()
    fault_counts: dict[str, int] = field(default_factory=dict)
    warnings: tuple[Fault, ...] = ()
    warning_counts: dict[str, int] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    questions: tuple[Question, ...] = ()

    @property
    def sound(self) -> bool:
        """True when nothing stands against importing it."""
        return not self.fault_counts and not self.open_questions and all(line.holds for line in self.certificate)

    @property
    def open_questions(self) -> tuple[Question, ...]:
        return tuple(question for question in self.questions if question.is_open)

    def of_kind(self, *kinds: ItemKind) -> tuple[Item, ...]:
        return tuple(item for item in self.items if item.kind in kinds)

    @property
    def invoices(self) -> tuple[Item, ...]:
        return self.of_kind(ItemKind.INVOICE, ItemKind.OPENING)

    @property
    def credit_notes(self) -> tuple[Item, ...]:
        return self.of_kind(ItemKind.CREDIT_NOTE)

    @property
    def credits(self) -> tuple[Item, ...]:
        return self.of_kind(ItemKind.CREDIT)

    @property
    def settlements(self) -> tuple[Item, ...]:
        """The owed items of which something is settled already: history."""
        return tuple(item for item in self.invoices if item.open < item.total)

    @property
    def balance(self) -> dict[str, int]:
        """The open total by currency."""
        totals: dict[str, int] = {}
        for line in self.certificate:
            totals[line.currency] = totals.get(line.currency, 0) + line.balance
        return totals


Sink = Callable[[Item], Any]
"""Takes each item as it is read (staging for COPY); without one the plan keeps them."""


def count_of(items: Iterable[Item]) -> dict[str, int]:
    """How many of each kind, how many still open, how many settled."""
    counts: dict[str, int] = {kind.value: 0 for kind in ItemKind} | {"open": 0, "settled": 0}
    for item in items:
        counts[item.kind] += 1
        counts["open" if item.open else "settled"] += 1
    return counts


def add_up(
    debtors: Sequence[DebtorRow], items: Iterable[Item], balances: dict[tuple[str, str], int]
) -> tuple[CertificateLine, ...]:
    """Certificate lines by debtor and currency: the file's own balances beside what the items make."""
    sums: dict[tuple[str, str], list[int]] = {at: [0, 0, 0] for at in balances}
    for item in items:
        entry = sums.setdefault((item.debtor, item.currency), [0, 0, 0])
        entry[0] += 1
        entry[1 if item.kind in ("invoice", "opening") else 2] += item.open
    names = {debtor.key: debtor.name for debtor in debtors}
    return tuple(
        CertificateLine(key, names.get(key, key), currency, count, balances.get((key, currency), 0), owed, credit)
        for (key, currency), (count, owed, credit) in sorted(sums.items())
    )
