"""What the rows of a table say about its columns, where the headings alone would mislead.

"Account" is the customer's account in one program and an account of the ledger in the next; "Client" is a code beside "Nom" and a name
without it; "Reste à percevoir" is what remains, under a heading that nobody foresaw. Looked at before a single row is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice

from backoffice.imports.columns import EITHER, NAMES, REMAINS, ColumnMap, heading
from backoffice.imports.faults import BadValue, Findings
from backoffice.imports.questions import Questions
from backoffice.imports.roles import Role
from backoffice.imports.values import Cell, amount_reader, folded, plain, text_of

SAMPLE = 2_000
_CODE = re.compile(r"[A-Z0-9][A-Z0-9._/-]{0,15}")
_LEDGER = re.compile(r"\d{3,4}|[1-9]\d{0,4}0{2,}")
"""Accounts of a ledger for all customers: 200, 4110, 411000."""


def settle_columns(
    columns: ColumnMap,
    rows: Iterable[tuple[int, Sequence[Cell]]],
    wishes: Iterable[str],
    questions: Questions,
    warnings: Findings,
) -> ColumnMap:
    """The columns as the rows bear them out; `wishes` are the roles that a person has given a column and that stay."""
    said = frozenset(wishes)
    weak = columns.has_weak_code and Role.DEBTOR_CODE.value not in said
    pair = None if {"debtor_code", "debtor_name"} & said else _code_beside_name(columns)
    remains = None if Role.OPEN in columns.places or Role.OPEN.value in said or columns.preset else _remains(columns)
    if not weak and pair is None and remains is None:
        return columns
    look = _Look(columns, pair, remains)
    for _line, row in islice(rows, SAMPLE):
        look.take(row)
    if weak and not look.identifies():
        warnings.add("code.of_ledger", column=columns.name_of(Role.DEBTOR_CODE), value=look.example)
        columns = columns.without(Role.DEBTOR_CODE)
    if pair is not None and look.is_code():
        code = columns.places[Role.DEBTOR_NAME]
        columns = columns.having(Role.DEBTOR_CODE, code).having(Role.DEBTOR_NAME, pair)
    if remains is not None and look.holds_amounts():
        name = columns.headings[remains]
        answer = questions.ask(f"file-open:{heading(name).replace(' ', '-')[:60]}", ("open", "no"), column=name)
        if answer == "open":
            columns = columns.having(Role.OPEN, remains)
    return columns


def _code_beside_name(columns: ColumnMap) -> int | None:
    """The column of the name, where that of the customer may as well be the code."""
    name = columns.name_of(Role.DEBTOR_NAME)
    if Role.DEBTOR_CODE in columns.places or name is None or heading(name) not in EITHER:
        return None
    used = set(columns.places.values())
    names = [at for at, other in enumerate(columns.headings) if at not in used and heading(other) in NAMES]
    return names[0] if len(names) == 1 else None


def _remains(columns: ColumnMap) -> int | None:
    """The first column that nothing uses and whose heading may mean what remains to be paid."""
    used = set(columns.places.values())
    found = (at for at, name in enumerate(columns.headings) if at not in used and REMAINS.search(folded(name)))
    return next(found, None)


_WHOLE_WITH = {
    Role.DEBTOR_CODE: (),
    Role.NUMBER: (),
    Role.POSTCODE: (5,),
    Role.SIREN: (9, 14),
    Role.PHONE: (10, 11, 12),
}
"""The columns of codes, with the digits at which none can be missing in front."""


def tell_lost_zeros(columns: ColumnMap, rows: Iterable[tuple[int, Sequence[Cell]]], warnings: Findings) -> None:
    """An old workbook does not tell the zeros that its numbers show: each column of codes that holds numbers is named, once."""
    watched = {columns.places[role]: whole for role, whole in _WHOLE_WITH.items() if role in columns.places}
    for line, row in rows:
        for place in [at for at in watched if at < len(row)]:
            cell = row[place]
            if (
                isinstance(cell, int | float)
                and not isinstance(cell, bool)
                and len(text_of(cell)) not in watched[place]
            ):
                warnings.add("code.zeros_lost", line=line, column=columns.headings[place], value=text_of(cell))
                del watched[place]
        if not watched:
            return


@dataclass(slots=True)
class _Look:
    """What a sample of rows shows in the columns that are in doubt."""

    columns: ColumnMap
    pair: int | None
    remains: int | None
    names: dict[str, set[str]] = field(default_factory=dict)
    """Code → the names or addresses that stand beside it."""
    codes: int = 0
    like_codes: int = 0
    amounts: int = 0
    others: int = 0
    example: str = ""

    def take(self, row: Sequence[Cell]) -> None:
        places = self.columns.places
        code = self._text(row, places.get(Role.DEBTOR_CODE))
        if code:
            who = self._text(row, places.get(Role.DEBTOR_NAME)) or self._text(row, places.get(Role.EMAIL))
            self.names.setdefault(code, set()).add(folded(who))
            self.example = self.example or code
        if self.pair is not None and (name := self._text(row, places[Role.DEBTOR_NAME])):
            self.codes += 1
            self.like_codes += bool(_CODE.fullmatch(name))
        if self.remains is not None and (text := self._text(row, self.remains)):
            if _is_amount(row[self.remains]):
                self.amounts += 1
            elif text:
                self.others += 1

    @staticmethod
    def _text(row: Sequence[Cell], place: int | None) -> str:
        return plain(text_of(row[place])) if place is not None and place < len(row) else ""

    def identifies(self) -> bool:
        """Whether each code stands for one customer, and is none of the ledger's accounts for all of them."""
        if any(len(names) > 1 for names in self.names.values()):
            return False
        named = {Role.DEBTOR_NAME, Role.EMAIL, Role.SIREN} & self.columns.places.keys()
        of_ledger = all(_LEDGER.fullmatch(code) for code in self.names) if named else len(self.names) < 2
        return bool(self.names) and not of_ledger

    def is_code(self) -> bool:
        """Whether nearly all values look like codes."""
        return self.codes > 0 and self.like_codes * 10 >= self.codes * 9

    def holds_amounts(self) -> bool:
        """Whether all that stands there is an amount."""
        return self.amounts > 0 and not self.others


def _is_amount(cell: Cell) -> bool:
    for mark in (",", "."):
        try:
            amount_reader(mark)(cell)
        except BadValue:
            continue
        return True
    return False
