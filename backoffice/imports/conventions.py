"""What a person has said about a table, and how the table itself writes its days and amounts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from itertools import islice
from typing import Any

from backoffice.imports.columns import AMOUNTS, DAYS, ColumnMap
from backoffice.imports.faults import Findings
from backoffice.imports.questions import Questions
from backoffice.imports.source import Source
from backoffice.imports.tables import Shape, rows
from backoffice.imports.terms import Terms
from backoffice.imports.values import (
    Mark,
    MarkEvidence,
    Order,
    OrderEvidence,
    TurnedEvidence,
    foreign_currency,
    in_thousands,
)

SAMPLE_ROWS = 5_000


@dataclass(frozen=True, slots=True)
class Choices:
    """What a person has said about a file; everything else is found out.

    `wishes` maps roles to headings; `order` and `mark` answer the two questions a file may leave open. `own_terms` are
    those of single debtors, by code; `terms` hold for all others. `questions` takes what else the file leaves open, and
    knows the answers given before.
    """

    wishes: Mapping[str, str] = field(default_factory=dict)
    order: Order | None = None
    mark: Mark | None = None
    terms: Terms = field(default_factory=Terms)
    own_terms: Mapping[str, Terms] = field(default_factory=dict)
    currency: str = "EUR"
    questions: Questions = field(default_factory=Questions)
    today: date | None = None
    """The company's day; days far beyond it are faults."""


@dataclass(frozen=True, slots=True)
class Conventions:
    """How this table writes days and amounts; an order of None means that no day needs one."""

    order: Order | None
    mark: Mark


def check_headings(amounts: Iterable[str], currency: str, faults: Findings) -> None:
    """An amount under "Amount USD" is none of the account's currency, and one under "Montant (K€)" is none to the cent."""
    for name in amounts:
        if foreign_currency(name, currency):
            faults.add("currency.heading", column=name, expected=currency)
        if in_thousands(name):
            faults.add("amount.in_thousands", column=name)


def look_for(
    *, rows_of: tuple[Source, Shape], columns: ColumnMap, choices: Choices
) -> tuple[OrderEvidence, MarkEvidence]:
    """Look for the order of days and the decimal mark, in every cell if need be."""
    order, mark = OrderEvidence(choices.order, choices.today), MarkEvidence()
    mark.decided = choices.mark
    day_places = [columns.places[role] for role in DAYS if role in columns.places]
    amount_places = [columns.places[role] for role in AMOUNTS if role in columns.places]
    for count, (line, row) in enumerate(rows(*rows_of)):
        width = len(row)
        for place in day_places:
            if place < width:
                order.look(row[place], line)
        for place in amount_places:
            if place < width:
                mark.look(row[place], line)
        # Where no day raised the question so far, the reader refuses the first one that does: no need to look at all.
        if mark.decided and (order.is_final or (count >= SAMPLE_ROWS and order.ambiguous is None)):
            break
    return order, mark


def check_turned(*, rows_of: tuple[Source, Shape], columns: ColumnMap, faults: Findings) -> None:
    """Days that a spreadsheet has turned round cannot be told from right ones one by one: the column is a fault."""
    turned = TurnedEvidence()
    places = [columns.places[role] for role in DAYS if role in columns.places]
    for _line, row in islice(rows(*rows_of), SAMPLE_ROWS) if rows_of[1].kind != "csv" else ():
        for place in places:
            if place < len(row):
                turned.look(place, row[place])
    for place, day in turned.found.items():
        faults.add("day.turned", column=columns.headings[place], value=day.isoformat())


def settled(order: OrderEvidence, mark: MarkEvidence, faults: Findings, facts: dict[str, Any]) -> Conventions:
    """The conventions found; a question that stays open becomes a fault."""
    for found, code in ((order, "day.ambiguous"), (mark, "amount.ambiguous")):
        if found.decided is None and found.ambiguous:
            faults.add(code, line=found.ambiguous[0], value=found.ambiguous[1])
    facts["dates"] = order.decided or ("ambiguous" if order.ambiguous else "plain")
    facts["decimal"] = mark.decided or ("ambiguous" if mark.ambiguous else "plain")
    return Conventions(order.decided, mark.decided or ",")
