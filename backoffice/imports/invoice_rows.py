"""Rows of a table into invoices: detection over the whole file first, then one lean pass.

The pass keeps no row: each invoice goes to the sink at once; what stays in memory is one small entry per debtor and
one per invoice number (to find numbers used twice).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from backoffice.imports.columns import AMOUNTS, DAYS, ColumnMap, Role, by_hand, missing, recognise
from backoffice.imports.debtor_rows import TEXT_LENGTH, Debtors
from backoffice.imports.doubles import Doubles
from backoffice.imports.faults import BadValue, Findings, Unreadable
from backoffice.imports.plan import CertificateLine, ImportPlan, Item, ItemKind, Sink
from backoffice.imports.questions import Questions
from backoffice.imports.source import Source
from backoffice.imports.tables import ALL_SHEETS, Row, Shape, parts, rows, shape_of
from backoffice.imports.terms import Terms, due_on, parse_terms
from backoffice.imports.values import (
    Cell,
    Mark,
    MarkEvidence,
    Order,
    OrderEvidence,
    amount_reader,
    day_reader,
    flag,
    folded,
    plain,
    text_of,
)
from shared.kit.money import minor_digits

NUMBER_LENGTH = 60
SAMPLE_ROWS = 5_000

_SIGNS = {"€": "EUR", "$": "USD", "£": "GBP", "EURO": "EUR", "EUROS": "EUR"}
_CREDIT_WORDS = re.compile(r"(avoirs?|av|ac|credit ?notes?|credit ?memos?|cn|nc|note de credit|credit|c)")
_TOTAL_WORDS = ("total", "sous-total", "sous total", "subtotal", "grand total", "somme")


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


@dataclass(frozen=True, slots=True)
class _Conventions:
    """How this table writes days and amounts; an order of None means that no day needs one."""

    order: Order | None
    mark: Mark


def read_table(source: Source, choices: Choices | None = None, *, sink: Sink | None = None) -> ImportPlan:
    """Read a CSV or XLSX of invoices into a plan; never raises: what is wrong stands in `plan.faults`."""
    choices = choices or Choices()
    faults, warnings = Findings(), Findings()
    facts: dict[str, Any] = {}
    form = "table"
    try:
        first = shape_of(source)
        shape = _chosen(first, choices.questions, warnings)
        form = shape.kind
        columns = by_hand(shape.headings, choices.wishes, faults) if choices.wishes else recognise(shape.headings)
        missing(columns, faults)
        facts |= _facts(shape, columns) | {"shape": list(first.headings)}
        conventions = None if faults else _conventions(rows_of=(source, shape), columns=columns, choices=choices)
        if conventions is not None:
            written = _settled(*conventions, faults, facts)
            if not faults:
                kept: list[Item] = []
                reading = _Reading(columns, choices, written, (faults, warnings), sink or kept.append)
                for part, lines in parts(source, shape):
                    faults.sheet = warnings.sheet = (part.sheet or "") if shape.more else ""
                    for line, row in lines:
                        reading.take(line, row)
                return reading.plan(form, kept, facts)
    except Unreadable as verdict:
        faults.take(verdict.fault)
    return ImportPlan(
        form,
        faults=faults.kept(),
        fault_counts=faults.counts,
        warnings=warnings.kept(),
        warning_counts=warnings.counts,
        facts=facts,
        questions=choices.questions.all(),
    )


def _chosen(shape: Shape, questions: Questions, warnings: Findings) -> Shape:
    """The sheet or sheets to read: where several hold invoices, a person says which."""
    if shape.is_hidden:
        warnings.add("sheet.hidden", value=shape.sheet)
    if not shape.rivals:
        return shape
    names = [each.sheet or "" for each in (shape, *shape.rivals)]
    options = {name: name for name in names} | ({ALL_SHEETS: ""} if shape.may_be_joined else {})
    return shape.on(questions.ask("file-sheet", options, example=", ".join(names)) or "")


def _facts(shape: Shape, columns: ColumnMap) -> dict[str, Any]:
    return {
        "encoding": shape.encoding,
        "delimiter": shape.delimiter,
        "sheet": ", ".join(part.sheet or "" for part in shape.parts()) or None,
        "heading_line": shape.heading_line,
        "headings": list(shape.headings),
        "mapping": columns.by_name(),
        "confidence": {role.value: sure for role, sure in columns.confidence.items()},
        "unmapped": list(columns.unmapped),
    }


def _conventions(
    *, rows_of: tuple[Source, Shape], columns: ColumnMap, choices: Choices
) -> tuple[OrderEvidence, MarkEvidence]:
    """Look for the order of days and the decimal mark, in every cell if need be."""
    order, mark = OrderEvidence(), MarkEvidence()
    order.decided, mark.decided = choices.order, choices.mark
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
        if mark.decided and (order.decided or (count >= SAMPLE_ROWS and order.ambiguous is None)):
            break
    return order, mark


def _settled(order: OrderEvidence, mark: MarkEvidence, faults: Findings, facts: dict[str, Any]) -> _Conventions:
    """The conventions found; a question that stays open becomes a fault."""
    for found, code in ((order, "day.ambiguous"), (mark, "amount.ambiguous")):
        if found.decided is None and found.ambiguous:
            faults.add(code, line=found.ambiguous[0], value=found.ambiguous[1])
    facts["dates"] = order.decided or ("ambiguous" if order.ambiguous else "plain")
    facts["decimal"] = mark.decided or ("ambiguous" if mark.ambiguous else "plain")
    return _Conventions(order.decided, mark.decided or ",")


class _Reading:
    """One pass over the rows of one table."""

    def __init__(
        self,
        columns: ColumnMap,
        choices: Choices,
        written: _Conventions,
        findings: tuple[Findings, Findings],
        sink: Sink,
    ) -> None:
        self._columns, self._choices, self._sink = columns, choices, sink
        self._faults, self._warnings = findings
        self._debtors = Debtors(columns, *findings, choices.questions)
        self._day = day_reader(written.order)
        self._amount = amount_reader(written.mark, minor_digits(choices.currency))
        self._doubles = Doubles(choices.questions)
        self._counts = {kind.value: 0 for kind in ItemKind} | {"open": 0, "settled": 0}
        self._terms: dict[str, Terms | None] = {}
        self._rows = 0
        # Bound once: these are asked for every line of a file that may have a million.
        place = columns.places.get
        self._at_number, self._at_issued = columns.places[Role.NUMBER], columns.places[Role.ISSUED_ON]
        self._at_due, self._at_settled, self._at_kind = place(Role.DUE_ON), place(Role.SETTLED_ON), place(Role.KIND)
        self._at_total, self._at_open, self._at_paid = place(Role.TOTAL), place(Role.OPEN), place(Role.PAID)
        self._at_currency, self._at_terms = place(Role.CURRENCY), place(Role.TERMS)
        self._has_extras = bool({Role.NET, Role.VAT, Role.PO_NUMBER, Role.LABEL, Role.DISPUTED} & columns.places.keys())
        self._width = max(columns.places.values()) + 1

    def take(self, line: int, row: Row) -> None:
        """Read one row: hand its item to the sink, or note what is wrong with it."""
        self._rows += 1
        if len(row) < self._width:
            row = [*row, *[""] * (self._width - len(row))]
        number = plain(text_of(row[self._at_number]))
        if not number and self._is_footer(row):
            return
        before = self._faults.total
        self._check_number(line, row, number)
        account = self._debtors.find(line, row)
        issued_on = self._day_in(line, row, Role.ISSUED_ON, self._at_issued, needed=True)
        if self._at_currency is not None:
            self._check_currency(line, row, row[self._at_currency])
        due, derived = self._day_in(line, row, Role.DUE_ON, self._at_due), False
        money = self._money(line, row)
        extras = self._extras(line, row) if self._has_extras else ()
        if account is None or issued_on is None or money is None or self._faults.total != before:
            return
        if due is None:
            due, derived = due_on(issued_on, self._terms_of(line, row, account.row.key)), True
        elif due < issued_on:
            self._note(self._warnings, "due.before_issue", line, Role.DUE_ON, row)
            due = issued_on
        kind, total, open_, settled_on = money
        currency = self._choices.currency
        key = account.row.key
        item = self._doubles.take(
            Item(line, key, kind, number, issued_on, due, derived, currency, total, open_, settled_on, *extras)
        )
        if item is not None:
            self._hand_over(item)

    def _hand_over(self, item: Item) -> None:
        account, counts = self._debtors.accounts[item.debtor], self._counts
        counts[item.kind] += 1
        counts["open" if item.open else "settled"] += 1
        account.count += 1
        if item.kind == "invoice":
            account.owed += item.open
        else:
            account.credit += item.open
        self._sink(item)

    def _check_number(self, line: int, row: Row, number: str) -> None:
        if not number:
            self._note(self._faults, "number.empty", line, Role.NUMBER, row)
        elif len(number) > NUMBER_LENGTH:
            self._note(self._faults, "number.too_long", line, Role.NUMBER, row, limit=NUMBER_LENGTH)

    def _is_footer(self, row: Row) -> bool:
        """A line of totals below the table: it has no number, and no debtor or the word "total"."""
        if self._debtors.is_silent(row):
            return True
        return any(folded(text_of(cell)).strip().startswith(_TOTAL_WORDS) for cell in row)

    def _note(self, findings: Findings, code: str, line: int, role: Role, row: Row, **facts: Any) -> None:
        place = self._columns.places.get(role)
        value = text_of(row[place]) if place is not None else None
        findings.add(code, line=line, column=self._columns.name_of(role), value=value, **facts)

    # Cells

    def _day_in(self, line: int, row: Row, role: Role, place: int | None, *, needed: bool = False) -> date | None:
        """The day in a column; empty is None (a fault when needed), unreadable is a fault and None."""
        cell = row[place] if place is not None else None
        if cell:
            try:
                return self._day(cell)
            except BadValue as bad:
                if text_of(cell).strip():
                    self._note(self._faults, bad.code, line, role, row, **bad.facts)
                    return None
        if needed:
            self._note(self._faults, "day.empty", line, role, row)
        return None

    def _amount_in(self, line: int, row: Row, role: Role, place: int | None) -> int | None:
        """The amount in a column; empty is None, unreadable is a fault and None."""
        if place is None:
            return None
        cell = row[place]
        try:
            return self._amount(cell)
        except BadValue as bad:
            if text_of(cell).strip():
                self._note(self._faults, bad.code, line, role, row, **bad.facts)
            return None

    def _check_currency(self, line: int, row: Row, cell: Cell) -> None:
        expected = self._choices.currency
        if cell == expected:
            return
        text = text_of(cell).strip().upper()
        code = _SIGNS.get(text, text) or expected
        if not (len(code) == 3 and code.isalpha() and code.isascii()):
            self._note(self._faults, "currency.unreadable", line, Role.CURRENCY, row)
        elif code != expected:
            self._note(self._faults, "currency.other", line, Role.CURRENCY, row, expected=expected)

    def _money(self, line: int, row: Row) -> tuple[str, int, int, date | None] | None:
        """(kind, total, open, settled on) of a line, or None: with a fault, or with a warning when it is nothing."""
        before = self._faults.total
        total = self._amount_in(line, row, Role.TOTAL, self._at_total)
        open_ = self._amount_in(line, row, Role.OPEN, self._at_open)
        paid = self._amount_in(line, row, Role.PAID, self._at_paid)
        settled_on = self._day_in(line, row, Role.SETTLED_ON, self._at_settled)
        if self._faults.total != before:
            return None
        if total is None:
            total = open_
        if total is None:
            self._note(self._faults, "amount.empty", line, Role.OPEN if self._at_total is None else Role.TOTAL, row)
            return None
        credit = total < 0 or (self._at_kind is not None and _says_credit(row[self._at_kind]))
        total = abs(total)
        if open_ is not None:
            open_ = abs(open_) if credit else open_
        elif paid is not None:
            open_ = total - (abs(paid) if credit else paid)
        else:
            open_ = 0 if settled_on else total
        if total and 0 <= open_ <= total:
            return ("credit_note" if credit else "invoice"), total, open_, (settled_on if open_ < total else None)
        self._odd(line, row, total, open_)
        return None

    def _odd(self, line: int, row: Row, total: int, open_: int) -> None:
        if total == 0:
            self._note(
                self._warnings, "amount.zero", line, Role.TOTAL if self._at_total is not None else Role.OPEN, row
            )
            return
        role = Role.OPEN if self._at_open is not None else Role.PAID
        self._note(self._faults, "open.beyond_total" if open_ > total else "open.below_zero", line, role, row)

    def _extras(self, line: int, row: Row) -> tuple[int | None, int | None, str, str, bool]:
        """(net, VAT, order number, label, disputed): columns that most files do not have."""
        places = self._columns.places
        net = self._amount_in(line, row, Role.NET, places.get(Role.NET))
        vat = self._amount_in(line, row, Role.VAT, places.get(Role.VAT))
        texts = [
            plain(text_of(row[places[role]]))[:TEXT_LENGTH] if role in places else ""
            for role in (Role.PO_NUMBER, Role.LABEL)
        ]
        disputed = False
        if Role.DISPUTED in places:
            try:
                disputed = flag(row[places[Role.DISPUTED]])
            except BadValue as bad:
                self._note(self._faults, bad.code, line, Role.DISPUTED, row)
        return None if net is None else abs(net), None if vat is None else abs(vat), texts[0], texts[1], disputed

    def _terms_of(self, line: int, row: Row, debtor: str) -> Terms:
        own = self._choices.own_terms.get(debtor, self._choices.terms)
        if self._at_terms is None:
            return own
        text = plain(text_of(row[self._at_terms]))
        if text and text not in self._terms:
            self._terms[text] = parse_terms(text)
            if self._terms[text] is None:
                self._note(self._warnings, "terms.unreadable", line, Role.TERMS, row)
        return self._terms.get(text) or own

    def plan(self, form: str, items: list[Item], facts: dict[str, Any]) -> ImportPlan:
        """What was read, with its certificate."""
        if not self._rows:
            self._faults.add("file.no_rows")
        for item in self._doubles.rest():
            self._hand_over(item)
        self._counts["repeated"] = self._doubles.repeated
        accounts, currency = self._debtors.accounts, self._choices.currency
        return ImportPlan(
            form,
            tuple(account.row for account in accounts.values()),
            tuple(items),
            self._counts,
            tuple(
                CertificateLine(key, a.row.name, currency, a.count, a.owed - a.credit, a.owed, a.credit)
                for key, a in sorted(accounts.items())
            ),
            self._faults.kept(),
            self._faults.counts,
            self._warnings.kept(),
            self._warnings.counts,
            facts | {"rows": self._rows},
            self._choices.questions.all(),
        )


def _says_credit(cell: Cell) -> bool:
    return bool(_CREDIT_WORDS.fullmatch(re.sub(r"[\W_]+", " ", folded(text_of(cell))).strip()))
