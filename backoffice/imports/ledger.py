"""A customers' ledger as a table: lines with debit and credit, read by the engine of the FEC.

Both columns at once mean that payments stand among the invoices; read as a list of invoices their credits would vanish.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from backoffice.imports.asides import filled, says_closing, says_total
from backoffice.imports.columns import ColumnMap, heading
from backoffice.imports.conventions import Choices, check_headings, check_turned, look_for, settled
from backoffice.imports.faults import BadValue, Findings
from backoffice.imports.open_items import AccountLine, OpenItems, is_opening_journal
from backoffice.imports.plan import ImportPlan, Sink, add_up, count_of
from backoffice.imports.roles import Role
from backoffice.imports.source import Source
from backoffice.imports.tables import Row, Shape, rows
from backoffice.imports.values import amount_reader, currency_named, day_reader, plain, text_of
from shared.kit.money import minor_digits

_DEBIT = frozenset(["debit", "montant debit", "soll", "debe", "dare", "debit amount", "mouvement debit", "debits"])
_CREDIT = frozenset(
    ["credit", "montant credit", "haben", "haber", "avere", "credit amount", "mouvement credit", "credits"]
)
_JOURNAL = frozenset(["journal", "code journal", "journal code", "jnl", "jal", "cj", "journalcode"])
_LETTERING = frozenset(
    ["lettrage", "lettre", "let", "lettering", "ecriture let", "code lettrage", "ecriturelet", "letter"]
)
_PIECE = frozenset(
    [
        "piece",
        "n piece",
        "no piece",
        "piece ref",
        "reference piece",
        "ref piece",
        "numero piece",
        "n facture",
        "reference",
        "ref",
    ]
)
_ACCOUNTS = ("411", "416")


def is_ledger(columns: ColumnMap) -> bool:
    """True when a table has a column of debits and one of credits, and no total beside them."""
    names = [heading(name) for name in columns.headings]
    total = columns.name_of(Role.TOTAL)
    beside = total is not None and heading(total) not in _DEBIT | _CREDIT
    return bool(_DEBIT & set(names) and _CREDIT & set(names)) and not beside


def read_ledger(
    source: Source, shape: Shape, columns: ColumnMap, choices: Choices, warnings: Findings, *, sink: Sink | None
) -> ImportPlan:
    """Read a ledger into a plan; what is wrong stands in `plan.faults`. Raises Unreadable where the text breaks off."""
    names = [heading(name) for name in columns.headings]
    faults = Findings()
    debit, credit = _place(names, _DEBIT) or 0, _place(names, _CREDIT) or 0
    places = {role: at for role, at in columns.places.items() if at not in (debit, credit)}
    facts: dict[str, Any] = {
        "headings": list(columns.headings), "shape": list(columns.headings), "unmapped": [], "sheet": shape.sheet, "encoding": shape.encoding,
        "delimiter": shape.delimiter, "mapping": {role.value: columns.headings[at] for role, at in places.items()},
    }  # fmt: skip
    if not {Role.DEBTOR_CODE, Role.DEBTOR_NAME} & places.keys():
        faults.add("mapping.no_debtor")
    if Role.ISSUED_ON not in places:
        faults.add("mapping.no_issued_on")
    check_turned(rows_of=(source, shape), columns=columns, faults=faults)
    check_headings((columns.headings[debit], columns.headings[credit]), choices.currency, faults)
    if faults:
        return _plan(faults, warnings, facts)
    plain_map = ColumnMap(columns.headings, places | {Role.TOTAL: debit, Role.OPEN: credit}, columns.confidence)
    written = settled(*look_for(rows_of=(source, shape), columns=plain_map, choices=choices), faults, facts)
    if faults:
        return _plan(faults, warnings, facts)
    items = OpenItems(choices.terms, choices.currency, choices.own_terms)
    reading = _Lines(columns, places, (debit, credit), names, faults)
    reading.day, reading.amount, reading.currency = (
        day_reader(written.order),
        amount_reader(written.mark, minor_digits(choices.currency), choices.currency),
        choices.currency,
    )
    for line, row in rows(source, shape):
        made = reading.take(line, row)
        if made:
            items.add(made)
    facts |= {
        "rows": reading.rows,
        "first_day": _iso(reading.first),
        "last_day": _iso(reading.last),
        "carries_forward": reading.opening,
    }
    if not reading.rows:
        faults.add("file.no_rows")
    if faults:
        return _plan(faults, warnings, facts)
    result = items.settle(warnings)
    if not reading.opening and reading.first:
        facts["earlier"] = [item.number for item in result.items if item.issued_on < reading.first]
    warnings.add("ledger.read")
    debtors = tuple(result.debtors)
    currency = choices.currency
    certificate = add_up(debtors, result.items, {(key, currency): total for key, total in result.balances.items()})
    for item in result.items if sink else ():
        sink(item)  # type: ignore[misc]  # it is one here
    return ImportPlan(
        "ledger", debtors, () if sink else tuple(result.items), count_of(result.items), certificate, (), {},
        warnings.kept(), warnings.counts, facts, choices.questions.all(),
    )  # fmt: skip


def _plan(faults: Findings, warnings: Findings, facts: dict[str, Any]) -> ImportPlan:
    return ImportPlan(
        "ledger", faults=faults.kept(), fault_counts=faults.counts, warnings=warnings.kept(), warning_counts=warnings.counts,
        facts=facts,
    )  # fmt: skip


def _place(names: list[str], known: frozenset[str]) -> int | None:
    return next((at for at, name in enumerate(names) if name in known), None)


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _is_opening(row: Row) -> bool:
    """True for a balance carried forward: it is owed, and needs its day."""
    return any(is_opening_journal("", text) for _, text in filled(row))


def _is_sum(row: Row) -> bool:
    return any(says_total(text) or says_closing(text) for _, text in filled(row))


class _Lines:
    """Rows of a ledger into lines of customers' accounts."""

    def __init__(
        self,
        columns: ColumnMap,
        places: dict[Role, int],
        amounts: tuple[int, int],
        names: list[str],
        faults: Findings,
    ) -> None:
        self._columns, self._faults = columns, faults
        self._debit, self._credit = amounts
        self._places = places
        self._journal, self._lettering = _place(names, _JOURNAL), _place(names, _LETTERING)
        self._piece = _place(names, _PIECE) if _place(names, _PIECE) is not None else places.get(Role.NUMBER)
        self.day, self.amount, self.currency = day_reader("dmy"), amount_reader(","), ""
        self.first: date | None = None
        self.last: date | None = None
        self.opening = False
        self.rows = 0

    def take(self, line: int, row: Row) -> AccountLine | None:
        """One row, or None when it is no line of a customer or something is wrong with it."""
        account = self._text(row, self._places.get(Role.DEBTOR_CODE)) or self._text(
            row, self._places.get(Role.DEBTOR_NAME)
        )
        issued = self._text(row, self._places[Role.ISSUED_ON])
        if not issued and not _is_opening(row) and (not account or _is_sum(row)):
            return None  # totals, and what an account closes with
        self.rows += 1
        before = self._faults.total
        day = self._day(line, row, Role.ISSUED_ON, needed=True)
        amounts = [self._minor(line, row, place) for place in (self._debit, self._credit)]
        self._check_currency(line, row)
        if not account:
            self._faults.add("debtor.empty", line=line)
        if day is None or self._faults.total != before:
            return None
        if account.isdigit() and len(account) >= 6 and not account.startswith(_ACCOUNTS) and account[0] in "1234567":
            return None  # an account of the ledger that is no customer's
        journal = self._text(row, self._journal)
        self.first, self.last = min(self.first or day, day), max(self.last or day, day)
        self.opening = (
            self.opening
            or is_opening_journal(journal, journal)
            or is_opening_journal("", self._text(row, self._places.get(Role.LABEL)))
        )
        piece = self._text(row, self._piece)
        return AccountLine(
            line=line,
            account=account,
            name=self._text(row, self._places.get(Role.DEBTOR_NAME)) or account,
            journal=journal,
            journal_name="",
            entry="",
            day=day,
            piece=piece,
            piece_day=day,
            label=self._text(row, self._places.get(Role.LABEL)),
            amount=(amounts[0] or 0) - (amounts[1] or 0),
            lettering=self._text(row, self._lettering),
            lettered_on=None,
            due=self._day(line, row, Role.DUE_ON),
        )

    def _check_currency(self, line: int, row: Row) -> None:
        """A ledger is kept in one currency: what a line says of another is not added to it."""
        place = self._places.get(Role.CURRENCY)
        named = currency_named(row[place]) if place is not None and place < len(row) else ""
        if place is not None and named not in ("", self.currency):
            code = "currency.other" if named else "currency.unreadable"
            self._faults.add(
                code, line=line, column=self._columns.headings[place], value=text_of(row[place]), expected=self.currency
            )

    @staticmethod
    def _text(row: Row, place: int | None) -> str:
        return plain(text_of(row[place]))[:200] if place is not None and place < len(row) else ""

    def _day(self, line: int, row: Row, role: Role, *, needed: bool = False) -> date | None:
        place = self._places.get(role)
        cell = row[place] if place is not None and place < len(row) else None
        if not text_of(cell).strip():
            if needed:
                self._faults.add("day.empty", line=line, column=self._columns.headings[place or 0])
            return None
        try:
            return self.day(cell)
        except BadValue as bad:
            self._faults.add(
                bad.code, line=line, column=self._columns.headings[place or 0], value=text_of(cell), **bad.facts
            )
            return None

    def _minor(self, line: int, row: Row, place: int | None) -> int:
        cell = row[place] if place is not None and place < len(row) else None
        if not text_of(cell).strip():
            return 0
        try:
            return self.amount(cell)
        except BadValue as bad:
            self._faults.add(
                bad.code, line=line, column=self._columns.headings[place or 0], value=text_of(cell), **bad.facts
            )
            return 0
