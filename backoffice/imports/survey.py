"""What the rows of a table say about its columns, where the headings alone would mislead.

"Account" is the customer's account in one program and an account of the ledger in the next; "Client" is a code beside "Nom" and a name
without it; "Reste à percevoir" is what remains, under a heading that nobody foresaw. Looked at before a single row is read.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from itertools import islice

from backoffice.imports.columns import EITHER, NAMES, PAYS, REMAINS, UNSPECIFIC, ColumnMap, heading
from backoffice.imports.faults import BadValue, Findings
from backoffice.imports.questions import Questions
from backoffice.imports.roles import Role
from backoffice.imports.values import Cell, amount_reader, day_reader, folded, plain, text_of
from backoffice.imports.words_of_state import State, state_of

SAMPLE = 2_000
_CODE = re.compile(r"[A-Z0-9][A-Z0-9._/-]{0,15}")
_LEDGER = re.compile(r"\d{3,4}|[1-9]\d{0,4}0{2,}")
"""Accounts of a ledger for all customers: 200, 4110, 411000."""


def settle_columns(
    columns: ColumnMap,
    rows: Iterable[tuple[int, Sequence[Cell]]],
    wishes: Iterable[str],
    questions: Questions,
    findings: tuple[Findings, Findings],
) -> ColumnMap:
    """The columns as the rows bear them out; `wishes` are the roles that a person has given a column and that stay.

    `findings` are the faults and the remarks of the reading.
    """
    said, (faults, warnings) = frozenset(wishes), findings
    weak = columns.has_weak_code and Role.DEBTOR_CODE.value not in said
    pair = None if {"debtor_code", "debtor_name"} & said else _code_beside_name(columns)
    doubts, twins = _doubts(columns, said), _twins(columns, said)
    vat = _vat_beside_total(columns, said)
    if not (weak or pair is not None or doubts or twins or vat):
        return columns
    look = _Look(columns, pair, doubts, twins, vat)
    for _line, row in islice(rows, SAMPLE):
        look.take(row)
    for place in sorted(look.differing):
        faults.add("mapping.twice", column=columns.headings[place], value=columns.headings[twins[place]])
    if look.is_without_vat():
        faults.add("amount.without_vat", column=columns.name_of(Role.TOTAL))
    if weak and not look.identifies():
        warnings.add("code.of_ledger", column=columns.name_of(Role.DEBTOR_CODE), value=look.example)
        columns = columns.without(Role.DEBTOR_CODE)
    if pair is not None and look.is_code():
        code = columns.places[Role.DEBTOR_NAME]
        columns = columns.having(Role.DEBTOR_CODE, code).having(Role.DEBTOR_NAME, pair)
    for place, doubt in doubts.items():
        role = _role_of(doubt, look.holds(place), columns)
        if role is None:
            continue
        name = columns.headings[place]
        answer = questions.ask(f"{doubt}:{heading(name).replace(' ', '-')[:60]}", _YES_OR_NO[doubt], column=name)
        if answer == _YES_OR_NO[doubt][0]:
            columns = columns.having(role, place)
    return columns


_YES_OR_NO = {"file-open": ("open", "no"), "file-paid": ("paid", "no")}
_SAYS_PAID = frozenset([Role.OPEN, Role.PAID, Role.SETTLED_ON, Role.STATUS, Role.PAYMENT_STATUS])
_NOT_PAID = re.compile(
    r"\b(mode|moyen|method\w*|conditions?|terms|delais?|prevue?s?|expected|planned|frais|fees?|ref|reference)\b"
)
MOST_DOUBTS = 4


def _doubts(columns: ColumnMap, said: frozenset[str]) -> dict[int, str]:
    """Columns that nothing uses and that may say what remains or what was paid, each with its question."""
    if columns.preset:
        return {}
    used = set(columns.places.values())
    found = {}
    for place, name in enumerate(columns.headings):
        words = folded(name)
        if place in used or not words.strip():
            continue
        if REMAINS.search(words):
            if Role.OPEN not in columns.places and Role.OPEN.value not in said:
                found[place] = "file-open"
        elif PAYS.search(words) and not _NOT_PAID.search(words) and not {"open", "paid", "settled_on"} & said:
            found[place] = "file-paid"
    return dict(list(found.items())[:MOST_DOUBTS])


def _role_of(code: str, holds: str, columns: ColumnMap) -> Role | None:
    """What a doubtful column would be by what it holds, or None where that adds nothing to what the file says anyway."""
    places = columns.places.keys()
    if code == "file-open":
        return Role.OPEN if holds == "amounts" and Role.OPEN not in places else None
    if holds == "amounts":
        return None if {Role.OPEN, Role.PAID} & places else Role.PAID
    if _SAYS_PAID & places or not holds:
        return None
    return Role.SETTLED_ON if holds == "days" else Role.PAYMENT_STATUS


_AGAIN = re.compile(r" \(\d+\)$")
_TELLING = (
    Role.DEBTOR_CODE, Role.DEBTOR_NAME, Role.SIREN, Role.EMAIL, Role.NUMBER, Role.KIND, Role.ISSUED_ON, Role.DUE_ON, Role.SETTLED_ON, Role.TOTAL,
    Role.OPEN, Role.PAID, Role.NET, Role.VAT, Role.CURRENCY, Role.STATUS, Role.PAYMENT_STATUS,
)  # fmt: skip
"""Columns of which the wrong one of two would say something else of who owes what."""


def _twins(columns: ColumnMap, said: frozenset[str]) -> dict[int, int]:
    """Column in use → another one of the same name; which is meant, the name does not say."""
    if columns.preset:
        return {}
    found = {}
    for role in _TELLING:
        place = columns.places.get(role)
        if place is None or role.value in said:
            continue
        name = _AGAIN.sub("", columns.headings[place])
        twin = next(
            (at for at, other in enumerate(columns.headings) if at != place and _AGAIN.sub("", other) == name), None
        )
        if twin is not None:
            found[place] = twin
    return found


def _vat_beside_total(columns: ColumnMap, said: frozenset[str]) -> tuple[int, int] | None:
    """The columns of the total and of the VAT, where the total's name does not say whether VAT is in it."""
    total, vat = columns.places.get(Role.TOTAL), columns.places.get(Role.VAT)
    if columns.preset or total is None or vat is None or Role.NET in columns.places or Role.TOTAL.value in said:
        return None
    return (total, vat) if heading(columns.headings[total]) in UNSPECIFIC else None


def _code_beside_name(columns: ColumnMap) -> int | None:
    """The column of the name, where that of the customer may as well be the code."""
    name = columns.name_of(Role.DEBTOR_NAME)
    if Role.DEBTOR_CODE in columns.places or name is None or heading(name) not in EITHER:
        return None
    used = set(columns.places.values())
    names = [at for at, other in enumerate(columns.headings) if at not in used and heading(other) in NAMES]
    return names[0] if len(names) == 1 else None


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


RATES = (20, 10, 5.5, 2.1, 8.5, 19, 7, 21, 22, 4, 5, 6, 9, 12, 13, 14, 16, 17, 23, 3)
"""Rates of VAT in the countries of the euro, in percent."""


@dataclass(slots=True)
class _Look:
    """What a sample of rows shows in the columns that are in doubt."""

    columns: ColumnMap
    pair: int | None
    doubts: Mapping[int, str]
    twins: Mapping[int, int]
    vat: tuple[int, int] | None
    names: dict[str, set[str]] = field(default_factory=dict)
    """Code → the names or addresses that stand beside it."""
    codes: int = 0
    like_codes: int = 0
    held: dict[int, Counter[str]] = field(default_factory=dict)
    differing: set[int] = field(default_factory=set)
    without_vat: int = 0
    with_vat: int = 0
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
        for place in self.doubts:
            if self._text(row, place):
                self.held.setdefault(place, Counter())[_kind_of(row[place])] += 1
        for place, twin in self.twins.items():
            if self._text(row, place) != self._text(row, twin):
                self.differing.add(place)
        if self.vat and self._text(row, self.vat[0]) and self._text(row, self.vat[1]):
            self._weigh(_minor(row[self.vat[0]]), _minor(row[self.vat[1]]))

    def _weigh(self, total: int | None, vat: int | None) -> None:
        """Whether VAT is a rate of the total, or of what is left of it without VAT; where it may be either, nothing is learnt."""
        if not total or not vat:
            return
        net = any(abs(vat - total * rate / 100) <= 1 for rate in RATES)
        gross = any(abs(vat - total * rate / (100 + rate)) <= 1 for rate in RATES)
        self.without_vat += net and not gross
        self.with_vat += gross or not net

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

    def is_without_vat(self) -> bool:
        """Whether the total is an amount without VAT."""
        return self.without_vat > 0 and not self.with_vat

    def holds(self, place: int) -> str:
        """What all that stands in a column is: "amounts", "days", "states", or "" where it is nothing or of several sorts."""
        kinds = self.held.get(place, Counter())
        return next(iter(kinds)) if len(kinds) == 1 else ""


def _kind_of(cell: Cell) -> str:
    if isinstance(cell, date):
        return "days"
    if _minor(cell) is not None:
        return "amounts"
    if state_of(text_of(cell)) in (State.PAID, State.OPEN):
        return "states"
    for order in ("dmy", "mdy"):
        with suppress(BadValue):
            day_reader(order)(cell)
            return "days"
    return ""


def _minor(cell: Cell) -> int | None:
    for mark in (",", "."):
        with suppress(BadValue):
            return amount_reader(mark)(cell)
    return None
