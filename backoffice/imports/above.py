"""Tables that name a customer once and leave the lines below blank, or put the name on a line of its own.

Only where the whole table is laid out like that, and only after a person has said so: in any other table a line without a customer is a
fault, for the customer above need not be the one who owes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice

from backoffice.imports.asides import is_printed, is_total, says_total
from backoffice.imports.columns import ColumnMap
from backoffice.imports.questions import Questions
from backoffice.imports.roles import Role
from backoffice.imports.values import Cell, plain, text_of

SAMPLE = 2_000

_WHO = (
    Role.DEBTOR_CODE, Role.DEBTOR_NAME, Role.SIREN, Role.VAT_NUMBER, Role.EMAIL, Role.CONTACT_NAME, Role.PHONE, Role.LANGUAGE,
    Role.STREET, Role.POSTCODE, Role.CITY, Role.COUNTRY,
)  # fmt: skip


class Above:
    """Fills in who owes from the lines above; `is_grouped` says that the table is laid out like that."""

    def __init__(self, columns: ColumnMap, questions: Questions, rows: Iterable[tuple[int, Sequence[Cell]]]) -> None:
        self._questions = questions
        self._who = [columns.places[role] for role in _WHO if role in columns.places]
        self._keys = [columns.places[role] for role in _WHO[:5] if role in columns.places]
        self._at_name = columns.places.get(Role.DEBTOR_NAME, self._keys[0])
        self._at_number = columns.places[Role.NUMBER]
        self._last: dict[int, Cell] = {}
        self.is_grouped = self._looks_grouped(rows)

    def _looks_grouped(self, rows: Iterable[tuple[int, Sequence[Cell]]]) -> bool:
        named = blank = 0
        for _line, row in islice(rows, SAMPLE):
            number = self._text(row, self._at_number)
            if number and not says_total(number) and sum(bool(text_of(cell).strip()) for cell in row) > 1:
                named += not self._is_silent(row)
                blank += self._is_silent(row)
        return blank > 1 and blank * 4 >= named

    def is_heading(self, row: Sequence[Cell]) -> bool:
        """True for a line that has one cell only, with the name of the customer whose lines follow."""
        if not self.is_grouped:
            return False
        filled = [(at, cell) for at, cell in enumerate(row) if text_of(cell).strip()]
        if len(filled) != 1 or (filled[0][0] != 0 and filled[0][0] not in self._who):
            return False
        text = plain(text_of(filled[0][1]))
        if is_total(text) or is_printed(text):
            return False
        self._last = {self._at_name: text}
        return True

    def filled(self, row: Sequence[Cell], number: str) -> Sequence[Cell]:
        """The row with the customer of the lines above it, when it names none itself and a person has said that this is so."""
        if not self.is_grouped:
            return row
        if not self._is_silent(row):
            self._last = {place: row[place] for place in self._who}
            return row
        who = plain(text_of(self._last.get(self._at_name)))
        if (
            not self._last
            or self._questions.ask("file-customer-above", ("above", "fault"), example=f"{number} – {who}") == "fault"
        ):
            return row
        return [self._last.get(place, cell) for place, cell in enumerate(row)]

    def _is_silent(self, row: Sequence[Cell]) -> bool:
        return not any(self._text(row, place) for place in self._keys)

    @staticmethod
    def _text(row: Sequence[Cell], place: int) -> str:
        return text_of(row[place]).strip() if place < len(row) else ""
