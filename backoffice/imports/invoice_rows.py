"""Rows of a table into invoices: detection over the whole file first, then one lean pass.

The pass keeps no row: each invoice goes to the sink at once; what stays in memory is one small entry per debtor and
one per invoice number (to find numbers used twice).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from backoffice.imports.above import Above
from backoffice.imports.asides import filled, says_total
from backoffice.imports.columns import AMOUNTS, ColumnMap, by_hand, missing, recognise
from backoffice.imports.conventions import Choices, Conventions, check_headings, check_turned, look_for, settled
from backoffice.imports.debtor_rows import TEXT_LENGTH, Debtors
from backoffice.imports.documents import PLAIN, Documents, Judgement
from backoffice.imports.doubles import Doubles
from backoffice.imports.faults import BadValue, Findings, Unreadable
from backoffice.imports.fec import names_fec
from backoffice.imports.ledger import is_ledger, read_ledger
from backoffice.imports.plan import CertificateLine, ImportPlan, Item, ItemKind, Sink
from backoffice.imports.questions import Questions
from backoffice.imports.roles import Role
from backoffice.imports.source import Source
from backoffice.imports.survey import settle_columns, tell_lost_zeros
from backoffice.imports.tables import ALL_SHEETS, Row, Shape, parts, rows, shape_of
from backoffice.imports.terms import Terms, due_on, parse_terms
from backoffice.imports.values import (
    Cell,
    amount_reader,
    currency_named,
    day_reader,
    flag,
    plain,
    text_of,
)
from backoffice.imports.words_of_state import Sort, State, state_of
from shared.kit.money import minor_digits

NUMBER_LENGTH = 60
_NO_DAY = frozenset(["-", "–", "0000-00-00", "00/00/0000", "0", "N/A", "n/a"])
"""How programs write that there is no day."""

_SHORTENED = re.compile(r"\d([.,]\d+)?E\+\d{1,2}", re.IGNORECASE)
_DATUM = re.compile(r"\d{6,8}|\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}|[-+]?\d[\d ]*[.,]\d{2,4}|0|[DC]")
FAR = timedelta(days=366)


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
        columns = settle_columns(columns, rows(source, shape), choices.wishes, choices.questions, (faults, warnings))
        if form == "xls":
            tell_lost_zeros(columns, rows(source, shape), warnings)
        if is_ledger(columns) and not choices.wishes.get("total"):
            return read_ledger(source, shape, columns, choices, warnings, sink=sink)
        shown = " · ".join(name for name in shape.headings if name)
        if len(columns.places) < 2 and _is_data(shape.headings):
            faults.add("file.no_headings", line=shape.heading_line, value=shown)
        elif not columns.places:
            faults.add("mapping.nothing", line=shape.heading_line, value=shown)
        else:
            missing(columns, faults)
        check_headings(filter(None, map(columns.name_of, AMOUNTS)), choices.currency, faults)
        facts |= _facts(shape, columns) | {"shape": list(first.headings)}
        check_turned(rows_of=(source, shape), columns=columns, faults=faults)
        conventions = None if faults else look_for(rows_of=(source, shape), columns=columns, choices=choices)
        if conventions is not None:
            written = settled(*conventions, faults, facts)
            if not faults:
                kept: list[Item] = []
                above = Above(columns, choices.questions, rows(source, shape))
                reading = _Reading(columns, choices, written, (faults, warnings), sink or kept.append, above=above)
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
    """The sheet or sheets to read: where several hold invoices, a person says which. Raises Unreadable for a FEC in a workbook."""
    if shape.kind != "csv" and names_fec(shape.headings):
        raise Unreadable("fec.not_text")
    if shape.is_hidden:
        warnings.add("sheet.hidden", value=shape.sheet)
    if not shape.rivals:
        return shape
    names = [each.sheet or "" for each in (shape, *shape.rivals)]
    options = {name: name for name in names} | ({ALL_SHEETS: ""} if shape.may_be_joined else {})
    return shape.on(questions.ask("file-sheet", options, example=", ".join(names)) or "")


def _is_data(headings: Sequence[str]) -> bool:
    """True for a first line with days or amounts in it: a table that does not name its columns."""
    return sum(bool(_DATUM.fullmatch(name)) for name in headings) >= 2


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
        "preset": columns.preset.called if columns.preset else None,
    }


class _Reading:
    """One pass over the rows of one table."""

    def __init__(
        self,
        columns: ColumnMap,
        choices: Choices,
        written: Conventions,
        findings: tuple[Findings, Findings],
        sink: Sink,
        *,
        above: Above,
    ) -> None:
        self._columns, self._choices, self._sink = columns, choices, sink
        self._faults, self._warnings = findings
        self._debtors = Debtors(columns, *findings, choices.questions)
        self._day = day_reader(written.order)
        self._amount = amount_reader(written.mark, minor_digits(choices.currency), choices.currency)
        self._in_lines = bool(columns.preset and columns.preset.in_lines)
        self._clears_payments = bool(columns.preset and columns.preset.clears_payments)
        self._doubles = Doubles(choices.questions, in_lines=self._in_lines)
        self._documents = Documents(columns, choices.questions)
        self._payments = [0, 0]
        self._asides: list[str] = []
        self._to_come: tuple[int, date] = (0, date.min)
        self._above = above
        self._counts = {kind.value: 0 for kind in ItemKind} | {"open": 0, "settled": 0}
        self._terms: dict[str, Terms | None] = {}
        self._rows = 0
        # Bound once: these are asked for every line of a file that may have a million.
        place = columns.places.get
        self._at_number, self._at_issued = columns.places[Role.NUMBER], columns.places[Role.ISSUED_ON]
        self._at_due, self._at_settled = place(Role.DUE_ON), place(Role.SETTLED_ON)
        self._codes = [at for role in (Role.DEBTOR_CODE, Role.NUMBER, Role.SIREN) if (at := place(role)) is not None]
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
        if not (number and text_of(row[self._at_issued]).strip()) and self._is_aside(row, number):
            return
        row = self._above.filled(row, number)
        judged = PLAIN if self._documents.are_silent else self._documents.judge(row, number)
        if judged is None:
            return
        if judged.sort is Sort.PAYMENT:
            self._leave_payment(line, row)
            return
        before = self._faults.total
        self._check_number(line, row, number)
        self._check_codes(line, row)
        account = self._debtors.find(line, row)
        issued_on = self._day_in(line, row, Role.ISSUED_ON, self._at_issued, needed=True)
        if self._at_currency is not None:
            self._check_currency(line, row, row[self._at_currency])
        due, derived = self._day_in(line, row, Role.DUE_ON, self._at_due), False
        money = self._money(line, row, judged)
        extras = self._extras(line, row, money[1] if money else 0) if self._has_extras else ()
        if issued_on is not None:
            self._check_future(line, row, issued_on, due)
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
        if item.total <= 0:  # lines that were added up: a discount larger than the rest, or nothing at all
            if not item.total:
                self._warnings.add("amount.zero", line=item.line, value=item.number)
                return
            item = item._replace(kind="credit_note", total=-item.total, open=-item.open)
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

    def _is_aside(self, row: Row, number: str) -> bool:
        """A line that is no document: the customer's name above his lines, a sum, or a text that a printout repeats on every page."""
        if not number and self._above.is_heading(row):
            return True
        cells = filled(row)
        if any(place == self._at_issued for place, _ in cells):
            return False  # what has a day is a document, and lacks its number
        if any(says_total(text) for _, text in cells) and (not number or says_total(number)):
            return True
        if len(cells) == 1 and (not number or " " in number):
            self._asides.append(cells[0][1])
            return True
        return not number and self._debtors.is_silent(row)

    def _note(self, findings: Findings, code: str, line: int, role: Role, row: Row, **facts: Any) -> None:
        place = self._columns.places.get(role)
        value = text_of(row[place]) if place is not None else None
        findings.add(code, line=line, column=self._columns.name_of(role), value=value, **facts)

    # Cells

    def _day_in(self, line: int, row: Row, role: Role, place: int | None, *, needed: bool = False) -> date | None:
        """The day in a column; empty is None (a fault when needed), unreadable is a fault and None."""
        cell = row[place] if place is not None else None
        if cell and cell not in _NO_DAY:
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
        code = currency_named(cell)
        if code is None:
            self._note(self._faults, "currency.unreadable", line, Role.CURRENCY, row)
        elif code and code != expected:
            self._note(self._faults, "currency.other", line, Role.CURRENCY, row, expected=expected)

    def _leave_payment(self, line: int, row: Row) -> None:
        """A payment is no document: what of it is not set off is the customer's credit, where the table says so; else it is counted."""
        rest = self._amount_in(line, row, Role.OPEN, self._at_open)
        minor = self._amount_in(line, row, Role.TOTAL, self._at_total)
        if rest is None and self._clears_payments and not self._day_in(line, row, Role.SETTLED_ON, self._at_settled):
            rest = minor
        if rest and self._keep_credit(line, row, abs(rest)):
            return
        if not minor:
            minor = self._amount_in(line, row, Role.OPEN, self._at_open)
        self._payments[0] += 1
        self._payments[1] += abs(minor or 0)

    def _keep_credit(self, line: int, row: Row, minor: int) -> bool:
        account = self._debtors.find(line, row)
        on = self._day_in(line, row, Role.ISSUED_ON, self._at_issued, needed=True)
        if account is None or on is None:
            return False
        number = plain(text_of(row[self._at_number]))[:NUMBER_LENGTH] or f"{on:%Y%m%d}-{line}"
        currency = self._choices.currency
        self._hand_over(Item(line, account.row.key, "credit", number, on, on, False, currency, minor, minor, None))
        return True

    def _money(self, line: int, row: Row, judged: Judgement) -> tuple[str, int, int, date | None] | None:
        """(kind, total, open, settled on) of a line, or None: with a fault, or with a warning when it is nothing."""
        before = self._faults.total
        total = self._amount_in(line, row, Role.TOTAL, self._at_total)
        open_ = self._amount_in(line, row, Role.OPEN, self._at_open)
        paid = self._paid(line, row, total)
        settled_on = self._day_in(line, row, Role.SETTLED_ON, self._at_settled)
        if self._faults.total != before:
            return None
        if total is None:
            total = open_
        if total is None:
            self._note(self._faults, "amount.empty", line, Role.OPEN if self._at_total is None else Role.TOTAL, row)
            return None
        if self._in_lines:
            open_ = 0 if judged.state is State.PAID or settled_on else total
            return "credit_note" if judged.sort is Sort.CREDIT_NOTE else "invoice", total, open_, settled_on
        credit = total < 0 or judged.sort is Sort.CREDIT_NOTE
        total = abs(total)
        open_ = abs(open_) if credit and open_ is not None else open_
        paid = abs(paid) if credit and paid is not None else paid
        if open_ is not None and paid is not None and paid > 0 and paid + open_ > total >= open_:
            self._note(self._faults, "amounts.contradict", line, Role.OPEN, row, total=total, paid=paid, open=open_)
            return None
        open_ = self._open(line, row, (total, open_, paid), settled_on, judged.state)
        if total and 0 <= open_ <= total:
            return ("credit_note" if credit else "invoice"), total, open_, (settled_on if open_ < total else None)
        self._odd(line, row, total, open_)
        return None

    def _open(
        self,
        line: int,
        row: Row,
        amounts: tuple[int, int | None, int | None],
        settled_on: date | None,
        state: State | None,
    ) -> int:
        """What is open of a document, from its amounts and what the file says became of it."""
        total, open_, paid = amounts
        if open_ is None and paid is not None:
            open_ = total - paid
        if open_ is None:
            if state is State.PAID or settled_on:
                return 0
            if self._at_open is None or self._at_total is None:
                return total
            answer = self._choices.questions.ask(
                "file-blank-open",
                ("nothing", "all"),
                column=self._columns.name_of(Role.OPEN),
                example=self._told(line, row),
            )
            return 0 if answer == "nothing" else total
        if state is State.PAID and open_ > 0:
            answer = self._choices.questions.ask("file-paid-and-open", ("paid", "open"), example=self._told(line, row))
            return 0 if answer == "paid" else open_
        return open_

    def _told(self, line: int, row: Row) -> str:
        return plain(text_of(row[self._at_number])) or str(line)

    def _paid(self, line: int, row: Row, total: int | None) -> int | None:
        """What was paid: an amount, or a yes or no in its place."""
        if self._at_paid is None or total is None:
            return None
        state = state_of(text_of(row[self._at_paid]))
        if state in (State.PAID, State.OPEN):
            return total if state is State.PAID else 0
        return self._amount_in(line, row, Role.PAID, self._at_paid)

    def _check_codes(self, line: int, row: Row) -> None:
        """A spreadsheet that has shortened a long code has lost it: 4,11E+11."""
        for place in self._codes:
            cell = row[place]
            if isinstance(cell, date):
                self._faults.add("code.is_day", line=line, column=self._columns.headings[place], value=text_of(cell))
            if isinstance(cell, str) and "+" in cell and _SHORTENED.fullmatch(cell.strip()):
                self._faults.add("code.shortened", line=line, column=self._columns.headings[place], value=cell)

    def _check_future(self, line: int, row: Row, issued_on: date, due: date | None) -> None:
        today = self._choices.today
        if today is None:
            return
        if issued_on > today + FAR:
            self._note(self._faults, "day.far", line, Role.ISSUED_ON, row)
        elif issued_on > today:
            self._to_come = self._to_come[0] + 1, max(self._to_come[1], issued_on)
        if due is not None and due > today + 10 * FAR:
            self._note(self._faults, "day.far", line, Role.DUE_ON, row)

    def _odd(self, line: int, row: Row, total: int, open_: int) -> None:
        if total == 0 and open_ == 0:
            self._note(
                self._warnings, "amount.zero", line, Role.TOTAL if self._at_total is not None else Role.OPEN, row
            )
            return
        role = Role.OPEN if self._at_open is not None else Role.PAID
        self._note(self._faults, "open.beyond_total" if open_ > total else "open.below_zero", line, role, row)

    def _extras(self, line: int, row: Row, total: int) -> tuple[int | None, int | None, str, str, bool]:
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
        if net is not None and vat is not None and total and abs(net + vat) != abs(total):
            if abs(abs(net + vat) - abs(total)) > 1:
                self._note(self._warnings, "amounts.net_and_vat", line, Role.TOTAL, row, net=abs(net), vat=abs(vat))
            net = vat = None
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
        self._counts["left_out"] = self._documents.left_out.total() + self._payments[0]
        self._documents.tell(self._warnings)
        if self._to_come[0]:
            self._warnings.add(
                "day.to_come",
                column=self._columns.name_of(Role.ISSUED_ON),
                value=self._to_come[1].isoformat(),
                rows=self._to_come[0],
            )
        if self._asides:
            self._warnings.add("rows.asides", rows=len(self._asides), value=self._asides[0])
        if self._payments[0]:
            self._warnings.add("rows.payments", rows=self._payments[0], paid=self._payments[1])
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
