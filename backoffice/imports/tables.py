"""Tables in: the shape of a CSV text or an XLSX sheet, and its rows one by one.

A million lines pass through without being kept: detection looks at the beginning, reading is one generator.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Literal

from backoffice.imports import xlsx
from backoffice.imports.columns import missing, recognise
from backoffice.imports.faults import Findings, Unreadable
from backoffice.imports.source import Source, encoding_of, kind_of
from backoffice.imports.values import Cell, plain, text_of

DELIMITERS = (";", ",", "\t", "|")
SAMPLE_LINES = 60
SAMPLE_CHARACTERS = 200_000
HEADING_WITHIN = 30
MOST_COLUMNS = 300
ALL_SHEETS = "*"

Row = Sequence[Cell]


@dataclass(frozen=True, slots=True)
class Shape:
    """How a table is written: everything needed to read its rows.

    `heading_line` is the line (or row) of the headings, from 1; rows begin after it. `sheet` is named for a workbook.
    `rivals` are the tables on its other sheets that hold invoices as well, `more` those that are read behind this one.
    """

    kind: Literal["csv", "xlsx", "ods", "xls"]
    headings: tuple[str, ...]
    heading_line: int
    encoding: str = ""
    delimiter: str = ""
    quoted: bool = True
    width: int = 0
    """How many cells the line of headings of a text has, blank ones too; 0 for a workbook, whose cells cannot move."""
    sheet: str | None = None
    is_hidden: bool = False
    rivals: tuple[Shape, ...] = ()
    more: tuple[Shape, ...] = ()

    @property
    def may_be_joined(self) -> bool:
        """True when all sheets with invoices have the same headings: one table, a sheet a month."""
        return all(other.headings == self.headings for other in self.rivals)

    def on(self, sheet: str) -> Shape:
        """The table of another sheet, or with ALL_SHEETS of this one and all its rivals in the workbook's order."""
        if sheet == ALL_SHEETS:
            return replace(self, more=self.rivals)
        return next((each for each in self.rivals if each.sheet == sheet), self)

    def parts(self) -> Iterator[Shape]:
        """Each sheet that is read, by itself."""
        yield replace(self, more=())
        yield from self.more


def shape_of(source: Source) -> Shape:
    """Find out how a file is written; raises Unreadable with the reason when it is no table."""
    kind = kind_of(source)
    if kind != "text":
        return _workbook(source, kind)
    return _text(source, encoding_of(source))


def rows(source: Source, shape: Shape) -> Iterator[tuple[int, Row]]:
    """(line, cells) of every row below the headings that is not blank; raises Unreadable where the text breaks off."""
    if shape.kind == "csv":
        yield from _text_rows(source, shape)
        return
    book = xlsx.open_book(source)
    for part in shape.parts():
        yield from _sheet_rows(book, part)


def parts(source: Source, shape: Shape) -> Iterator[tuple[Shape, Iterator[tuple[int, Row]]]]:
    """The sheets that are read, each with its rows."""
    for part in shape.parts():
        yield part, rows(source, part)


# Text


def _text(source: Source, encoding: str) -> Shape:
    with source.text(encoding) as text:
        head = text.read(SAMPLE_CHARACTERS)
    hint = _hint(head)
    sample = head[head.index("\n") + 1 :] if hint and "\n" in head else head
    best: tuple[tuple[int, int, int], str, int, tuple[str, ...], int] | None = None
    for delimiter in (hint,) if hint else DELIMITERS:
        lines = _sample(sample, delimiter)
        if not lines:
            continue
        at, headings, wide = _headings(lines)
        known = len(recognise(headings).places)
        widths = Counter(len(row) for _, row in lines if len(row) > 1)
        regular = widths.most_common(1)[0][1] if widths else 0
        score = (known, regular if len(headings) > 1 else 0, len(headings))
        if best is None or score > best[0]:
            best = (score, delimiter, at, headings, wide)
    if best is None or not any(name.strip() for name in best[3]):
        raise Unreadable("file.blank")
    _, delimiter, at, headings, wide = best
    if len(headings) > MOST_COLUMNS:
        raise Unreadable("file.too_wide", columns=len(headings), limit=MOST_COLUMNS)
    return Shape("csv", headings, at + (1 if hint else 0), encoding, delimiter, width=wide)


def _hint(head: str) -> str | None:
    """The delimiter of a first line "sep=;", which spreadsheets write and obey."""
    first = head[:10].split("\n", 1)[0].rstrip("\r").lower()
    return first[4] if len(first) == 5 and first.startswith("sep=") and first[4] in DELIMITERS else None


def _sample(sample: str, delimiter: str) -> list[tuple[int, list[str]]]:
    """The first complete rows, as this delimiter would cut them."""
    reader = csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter)
    found: list[tuple[int, list[str]]] = []
    try:
        for row in islice(reader, SAMPLE_LINES):
            if any(cell.strip() for cell in row):
                found.append((reader.line_num, row))  # noqa: PERF401 - line_num belongs to this very row
    except csv.Error:
        return found
    return found


def _headings(lines: Sequence[tuple[int, Row]]) -> tuple[int, tuple[str, ...], int]:
    """The row that names the columns: the one with most known names among the first, else the first; and how many cells it has."""
    scored = [
        (len(recognise([text_of(c) for c in row]).places), -i) for i, (_, row) in enumerate(lines[:HEADING_WITHIN])
    ]
    known, minus = max(scored)
    line, row = lines[-minus] if known >= 2 else lines[0]
    names = [plain(text_of(cell)) for cell in row]
    while names and not names[-1]:
        names.pop()
    return line, _apart(names), len(row)


def _apart(names: Sequence[str]) -> tuple[str, ...]:
    """Headings of which no two are the same, so that a person can choose each: the second "Montant" is "Montant (2)"."""
    found: list[str] = []
    for name in names:
        count, unique = 1, name
        while name and unique in found:
            count += 1
            unique = f"{name} ({count})"
        found.append(unique)
    return tuple(found)


def _text_rows(source: Source, shape: Shape) -> Iterator[tuple[int, Row]]:
    with source.text(shape.encoding) as text:
        reader = csv.reader(
            text, delimiter=shape.delimiter, quoting=csv.QUOTE_MINIMAL if shape.quoted else csv.QUOTE_NONE
        )
        start, width, repeated = shape.heading_line, shape.width, _repeats(shape)
        previous = 0
        try:
            for row in reader:
                if reader.line_num > start and row and (row[0] or any(row)) and not repeated(row):
                    if len(row) > width and any(cell.strip() for cell in row[width:]):
                        raise Unreadable(
                            "row.too_wide",
                            line=previous + 1,
                            value=shape.delimiter.join(row),
                            columns=len(row),
                            wanted=width,
                        )
                    yield previous + 1, row
                previous = reader.line_num
        except csv.Error as error:
            code = "file.open_quote" if "field larger" in str(error) else "file.broken_line"
            raise Unreadable(code, line=previous + 1) from error


def _repeats(shape: Shape) -> Callable[[Row], bool]:
    """Tells the line of headings where it comes again: on every page of a printout, or where files were put together."""
    names = shape.headings
    first = next((at for at, name in enumerate(names) if name), 0)

    def repeats(row: Row) -> bool:
        return (
            len(row) > first
            and isinstance(row[first], str)
            and plain(str(row[first])) == names[first]
            and _apart([plain(text_of(cell)) for cell in row[: len(names)]]) == names
        )

    return repeats


# Workbooks


def _workbook(source: Source, kind: Literal["xlsx", "ods", "xls"]) -> Shape:
    """The sheet with the most known headings; a hidden one only when no other holds invoices."""
    book = xlsx.open_book(source)
    seen = _candidates(book, kind, xlsx.sheets(book))
    if not any(_is_complete(shape) for shape in seen):
        seen += [replace(shape, is_hidden=True) for shape in _candidates(book, kind, xlsx.sheets(book, hidden=True))]
    if not seen:
        raise Unreadable("file.blank")
    best = max(seen, key=_known)
    rivals = tuple(
        shape for shape in seen if shape is not best and shape.is_hidden == best.is_hidden and _is_complete(shape)
    )
    return replace(best, rivals=rivals) if _is_complete(best) else best


def _candidates(book: xlsx.Book, kind: Literal["xlsx", "ods", "xls"], sheets: Sequence[str]) -> list[Shape]:
    found = []
    for sheet in sheets:
        lines = [(line, row) for line, row in islice(xlsx.rows(book, sheet), SAMPLE_LINES) if any(map(text_of, row))]
        if lines:
            line, names, _ = _headings(lines)
            if len(names) > MOST_COLUMNS:
                raise Unreadable("file.too_wide", columns=len(names), limit=MOST_COLUMNS)
            found.append(Shape(kind, names, line, sheet=sheet))
    return found


def _known(shape: Shape) -> int:
    return len(recognise(shape.headings).places)


def _is_complete(shape: Shape) -> bool:
    """Whether the headings name all that an invoice needs."""
    lacks = Findings()
    missing(recognise(shape.headings), lacks)
    return not lacks


def _sheet_rows(book: xlsx.Book, shape: Shape) -> Iterator[tuple[int, Row]]:
    repeated = _repeats(shape)
    for line, row in xlsx.rows(book, shape.sheet or ""):
        if line > shape.heading_line and any(cell is not None and cell != "" for cell in row) and not repeated(row):
            yield line, row
