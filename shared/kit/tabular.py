"""Tables for people's spreadsheets, safe to open: what came from strangers is text, never a formula.

Money and numbers stay numbers, days stay days. A text cell that a spreadsheet would run (`=`, `+`, `-`, `@`, TAB, CR
first) gets an apostrophe in CSV; in XLSX cells are typed, so that nothing needs hiding.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from shared.kit.money import Money, minor_digits
from shared.kit.words import current_language

Cell = str | int | Decimal | Money | date | datetime | bool | UUID | None

_RUNS = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_SHEET_FORBIDDEN = re.compile(r"[\[\]:*?/\\']")
LARGEST_SHEET = 1_048_575
"""Rows below the header that one sheet of a spreadsheet holds."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet of a workbook: its name, column titles and rows; `widths` are characters by column."""

    name: str
    header: Sequence[str]
    rows: Iterable[Sequence[Cell]]
    widths: Sequence[int] = ()


def harmless(text: str) -> str:
    """Text that a spreadsheet reading CSV shows instead of running (OWASP: CSV injection)."""
    clean = "".join(c for c in text if unicodedata.category(c) != "Cc" or c in "\t\n\r")
    return "'" + clean if clean.lstrip(" \u00a0\u202f").startswith(_RUNS) or clean.startswith(_RUNS) else clean


def csv_bytes(
    header: Sequence[str], rows: Iterable[Sequence[Cell]], *, language: str | None = None, zone: str = "Europe/Paris"
) -> bytes:
    """A CSV as the spreadsheets of that language open it by a double click: UTF-8 with BOM, CRLF.

    French: `;` between cells, decimal comma, days as 14/03/2026. English: `,`, decimal point, days as 2026-03-14.
    """
    french = (language or current_language()) == "fr"
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";" if french else ",", lineterminator="\r\n")
    writer.writerow([harmless(title) for title in header])
    for row in rows:
        writer.writerow([_written(cell, french=french, zone=zone) for cell in row])
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def _written(cell: Cell, *, french: bool, zone: str) -> str:
    match cell:
        case None:
            return ""
        case bool():
            return ("oui" if cell else "non") if french else ("yes" if cell else "no")
        case Money():
            return _decimal(f"{cell.decimal:f}", french=french)
        case Decimal() | int():
            return _decimal(f"{cell:f}" if isinstance(cell, Decimal) else str(cell), french=french)
        case datetime():
            return f"{cell.astimezone(ZoneInfo(zone)):{'%d/%m/%Y %H:%M' if french else '%Y-%m-%d %H:%M'}}"
        case date():
            return f"{cell:%d/%m/%Y}" if french else cell.isoformat()
        case _:
            return harmless(str(cell))


def _decimal(number: str, *, french: bool) -> str:
    return number.replace(".", ",") if french else number


def xlsx_bytes(sheets: Sequence[Sheet], *, zone: str = "Europe/Paris") -> bytes:
    """A workbook of typed cells: numbers with their currency's format, real days, text that is only text.

    Rows beyond what a sheet holds go on in a second sheet of the same name.
    """
    import xlsxwriter

    out = io.BytesIO()
    book = xlsxwriter.Workbook(
        out,
        {
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
            "default_date_format": "dd/mm/yyyy",
            "remove_timezone": True,
            "in_memory": True,
        },
    )
    writer = _Writer(book, zone)
    for sheet in sheets:
        writer.add(sheet)
    book.close()
    return out.getvalue()


class _Writer:
    """Writes sheets into one workbook, keeping its formats and names."""

    def __init__(self, book: Any, zone: str) -> None:
        self.book = book
        self.zone = ZoneInfo(zone)
        self.names: set[str] = set()
        self.title = self.book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
        self.day = self.book.add_format({"num_format": "dd/mm/yyyy", "align": "left"})
        self.moment = self.book.add_format({"num_format": "dd/mm/yyyy hh:mm", "align": "left"})
        self.text = self.book.add_format({"num_format": "@"})
        self.money: dict[str, Any] = {}

    def add(self, sheet: Sheet) -> None:
        page = self._page(sheet)
        row_number = 0
        for row in sheet.rows:
            if row_number == LARGEST_SHEET:
                page, row_number = self._page(sheet), 0
            row_number += 1
            for column, cell in enumerate(row):
                self._write(page, row_number, column, cell)
        page.autofilter(0, 0, max(row_number, 1), max(len(sheet.header) - 1, 0))

    def _page(self, sheet: Sheet) -> Any:
        page = self.book.add_worksheet(self._name(sheet.name))
        for column, title in enumerate(sheet.header):
            page.write_string(0, column, title, self.title)
            width = sheet.widths[column] if column < len(sheet.widths) else max(12, len(title) + 2)
            page.set_column(column, column, width)
        page.freeze_panes(1, 0)
        return page

    def _name(self, wanted: str) -> str:
        base = _SHEET_FORBIDDEN.sub(" ", wanted).strip()[:28] or "Sheet"
        name, count = base, 1
        while name.lower() in self.names:
            count += 1
            name = f"{base} {count}"
        self.names.add(name.lower())
        return name

    def _write(self, page: Any, row: int, column: int, cell: Cell) -> None:
        match cell:
            case None:
                return
            case bool():
                page.write_boolean(row, column, cell)
            case Money():
                page.write_number(row, column, cell.decimal, self._money(cell.currency))
            case int() | Decimal():
                page.write_number(row, column, cell)
            case datetime():
                page.write_datetime(row, column, cell.astimezone(self.zone).replace(tzinfo=None), self.moment)
            case date():
                page.write_datetime(row, column, cell, self.day)
            case _:
                clean = "".join(c for c in str(cell) if unicodedata.category(c) != "Cc" or c in "\t\n")
                page.write_string(row, column, clean[:32_767], self.text)

    def _money(self, currency: str) -> Any:
        if currency not in self.money:
            places = minor_digits(currency)
            number = "#,##0" + ("." + "0" * places if places else "")
            symbol = {"EUR": "€", "GBP": "£"}.get(currency, currency)
            self.money[currency] = self.book.add_format(
                {"num_format": f'{number} "{symbol}";[Red]-{number} "{symbol}"'}
            )
        return self.money[currency]
