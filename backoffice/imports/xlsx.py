"""Workbooks: XLSX, ODS and old XLS, opened once they are known to be small enough (`weigh.py`)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import time, timedelta
from typing import Any

from python_calamine import CalamineError, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum, load_workbook

from backoffice.imports.faults import Unreadable
from backoffice.imports.source import Source, kind_of
from backoffice.imports.values import Cell
from backoffice.imports.weigh import Notes, weigh

_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_OLD_BOOK = ("Workbook".encode("utf-16-le"), "Book".encode("utf-16-le"))


@dataclass(frozen=True, slots=True)
class Book:
    """A workbook that may be read, with what its reader does not tell."""

    reader: CalamineWorkbook
    notes: Notes


def open_book(source: Source) -> Book:
    """A workbook that is known to be small enough when unpacked; weighed and opened once for a source. Raises Unreadable."""
    if "book" not in source.opened:
        source.opened["book"] = _open(source)
    book: Book = source.opened["book"]
    return book


def _open(source: Source) -> Book:
    kind = kind_of(source)
    notes = Notes()
    if kind == "xls":
        _check_old(source)
    else:
        notes = weigh(source, kind)
    with _reader_errors(kind), source.open() as file:
        return Book(load_workbook(file), notes)


def sheets(book: Book, *, hidden: bool = False) -> list[str]:
    """The names of the sheets that hold cells and can be seen, the one on top first; or of the hidden ones."""
    names = [
        sheet.name
        for sheet in book.reader.sheets_metadata
        if sheet.typ == SheetTypeEnum.WorkSheet and (sheet.visible == SheetVisibleEnum.Visible) != hidden
    ]
    return sorted(names, key=lambda name: name != book.notes.active)


def rows(book: Book, sheet: str) -> Iterator[tuple[int, Sequence[Cell]]]:
    """(row number, cells) of a sheet; the row number is the one the spreadsheet shows.

    A whole number that is shown with leading zeros is text; so is an error that stands where a value should be; a merged
    cell's value stands in each of its rows.
    """
    notes = book.notes
    zeros, errors = notes.zeros.get(sheet), notes.errors.get(sheet)
    with _reader_errors("xlsx"):
        table = book.reader.get_sheet_by_name(sheet)
        merged = _Merged(table.merged_cell_ranges or ())
        for number, row in enumerate(table.iter_rows(), start=1):
            cells = [_cell(cell) for cell in row]
            if merged:
                merged.fill(number, cells)
            if zeros:
                for column in zeros.keys() & range(1, len(cells) + 1):
                    cells[column - 1] = _with_zeros(cells[column - 1], notes.shown_digits(sheet, number, column))
            if errors:
                for column in range(1, len(cells) + 1):
                    cells[column - 1] = errors.get((number, column), cells[column - 1])
            yield number, cells


class _Merged:
    """Cells that are merged downwards: the words and days of the first hold for all, an amount counts once."""

    def __init__(self, ranges: Sequence[tuple[tuple[int, int], tuple[int, int]]]) -> None:
        self._down = sorted(
            (top, bottom, left) for (top, left), (bottom, right) in ranges if bottom > top and left == right
        )
        self._values: dict[int, tuple[int, Cell]] = {}
        """Column → (last row, value) of the merged cells that reach further down."""
        self._at = 0

    def __bool__(self) -> bool:
        return bool(self._down)

    def fill(self, number: int, cells: list[Cell]) -> None:
        """Fill the row of this number (from 1)."""
        for column, (last, value) in list(self._values.items()):
            if number - 1 > last:
                del self._values[column]
            elif column < len(cells):
                cells[column] = value
        while self._at < len(self._down) and self._down[self._at][0] <= number - 1:
            top, bottom, left = self._down[self._at]
            self._at += 1
            if top == number - 1 and left < len(cells) and not _is_number(cells[left]):
                self._values[left] = (bottom, cells[left])


@contextmanager
def _reader_errors(kind: str) -> Iterator[None]:
    """What the reader cannot read is damaged. It is written in Rust, whose panics are not even Exceptions."""
    code = "xls.damaged" if kind == "xls" else "xlsx.damaged"
    try:
        yield
    except (CalamineError, OSError, ValueError) as error:
        raise Unreadable(code) from error
    except BaseException as error:
        if type(error).__name__ == "PanicException":
            raise Unreadable(code) from error
        raise


def _check_old(source: Source) -> None:
    """An XLS is a small file system: a locked XLSX, a letter and a mail look the same from without."""
    rest, is_book = b"", False
    for chunk in source.chunks():
        text = rest + chunk
        if _ENCRYPTED in text:
            raise Unreadable("xlsx.password")
        is_book = is_book or any(name in text for name in _OLD_BOOK)
        rest = chunk[-64:]
    if not is_book:
        raise Unreadable("file.binary", called="OLE")


def _cell(cell: Any) -> Cell:
    return str(cell) if isinstance(cell, time | timedelta) else cell


def _is_number(cell: Cell) -> bool:
    return isinstance(cell, int | float) and not isinstance(cell, bool)


def _with_zeros(cell: Cell, digits: int) -> Cell:
    if digits and isinstance(cell, int | float) and _is_number(cell) and cell >= 0 and float(cell).is_integer():
        return f"{int(cell):0{digits}d}"
    return cell
