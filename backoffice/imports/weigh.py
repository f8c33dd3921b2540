"""Workbooks, weighed with suspicion before anything reads them: an XLSX or ODS is a ZIP from a stranger.

Every member is inflated here and only counted: the sizes that an archive declares may be lies. A sheet that claims cells at
the far corner, or that says "this row sixteen million times", would make the reader lay out the whole rectangle, so the
corners are looked at as well. What the reader does not tell is noted as it passes by: numbers shown with leading zeros,
cells that hold an error, and which sheet was on top.
"""

from __future__ import annotations

import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from backoffice.imports.faults import Unreadable
from backoffice.imports.source import Source

MAX_UNPACKED = 800 * 1024 * 1024
MAX_MEMBERS = 2_000
MAX_CELLS = 16_000_000
MAX_ERRORS = 10_000
MAX_PART = 8 * 1024 * 1024
PIECE = 1024 * 1024
OVERLAP = 4_096
MAX_NOTED = 300
"""Columns of an ODS whose zeros are noted: wider tables are not read."""

_LOCAL_HEADER = struct.Struct("<4s5H3L2H")
_CELL = re.compile(rb"""\sr\s*=\s*["']([A-Za-z]{0,4})(\d{1,9})["']""")
_STYLED = re.compile(rb"""<c\s[^>]*?\br="([A-Z]{1,4})(\d{1,9})"[^>]*?\bs="(\d{1,6})\"""")
_ERROR = re.compile(
    rb"""<c\s[^>]*?\br="([A-Z]{1,4})(\d{1,9})"[^>]*?\bt="e"[^>]*>(?:<f[^<]*</f>|<f[^>]*/>)?<v>(#[^<]{1,16})</v>"""
)
_ODS_TAG = re.compile(
    rb"<(/?)(table:(?:table-row|table-cell|covered-table-cell|table)|office:annotation)(?=[\s/>])([^>]*)>"
    rb"|<text:p(?:\s[^>]*)?>([^<]{2,60})</text:p>"
)
_ODS_NAME = re.compile(rb"""table:name=["']([^"']*)""")
_ODS_WHOLE = re.compile(rb"""office:value=["'](\d{1,18})(?:\.0+)?["']""")
_BETWEEN_DIGITS = str.maketrans("", "", " \u00a0\u202f-/()+.")
_REPEATED = re.compile(rb"""number-(?:rows|columns)-repeated="(\d{1,9})\"""")


@dataclass(slots=True)
class Notes:
    """What a workbook shows and its reader does not tell, by sheet and place (row and column from 1).

    `zeros`: column → how many digits are shown → the rows in which they are, as bits. `errors`: what a cell shows instead of
    a value.
    """

    active: str = ""
    zeros: dict[str, dict[int, dict[int, bytearray]]] = field(default_factory=dict)
    errors: dict[str, dict[tuple[int, int], str]] = field(default_factory=dict)

    def shown_digits(self, sheet: str, row: int, column: int) -> int:
        """With how many digits a whole number is shown there; 0 when its zeros do not matter."""
        for width, rows in self.zeros.get(sheet, {}).get(column, {}).items():
            if row // 8 < len(rows) and rows[row // 8] >> (row % 8) & 1:
                return width
        return 0

    def zeros_shown(self, sheet: str, rows: range, columns: range, width: int) -> None:
        """Note that whole numbers are shown there with so many digits, zeros in front."""
        bits = ((1 << len(rows)) - 1) << (rows.start % 8)
        first, last = rows.start // 8, (rows.stop - 1) // 8
        for column in columns:
            noted = self.zeros.setdefault(sheet, {}).setdefault(column, {}).setdefault(width, bytearray())
            if last >= len(noted):
                noted.extend(bytes(last - len(noted) + 1_024))
            there = int.from_bytes(noted[first : last + 1], "little")
            noted[first : last + 1] = (there | bits).to_bytes(last - first + 1, "little")


def weigh(source: Source, kind: str) -> Notes:
    """Inflate every member and keep nothing but notes; raises Unreadable when it is too much or no workbook."""
    try:
        with source.open() as file, zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            if len(members) > MAX_MEMBERS:
                raise Unreadable("xlsx.bomb")
            names = {member.filename.lower() for member in members}
            wanted = "content.xml" if kind == "ods" else "xl/worksheets/"
            if not any(name.startswith(wanted) for name in names):
                raise Unreadable("xlsx.other_zip")
            book = _Book(_Parts(file, members)) if kind == "xlsx" else None
            notes = book.notes if book else Notes()
            left = MAX_UNPACKED
            for member in members:
                left -= _inflated(file, member, left, book or notes)
            return notes
    except (zipfile.BadZipFile, zlib.error, struct.error, NotImplementedError, OSError, ValueError) as error:
        raise Unreadable("xlsx.damaged") from error


def is_light(source: Source, limit: int) -> bool:
    """True when a workbook unpacks to no more than so many bytes; found out without unpacking more than that."""
    try:
        with source.open() as file, zipfile.ZipFile(file) as archive:
            left = limit
            for member in archive.infolist():
                for piece in _pieces(file, member):
                    left -= len(piece)
                    if left < 0:
                        return False
            return True
    except (zipfile.BadZipFile, zlib.error, struct.error, NotImplementedError, OSError, ValueError, Unreadable):
        return source.size <= limit  # whatever is wrong with it is found soon


def _inflated(file: BinaryIO, member: zipfile.ZipInfo, allowed: int, noting: _Book | Notes) -> int:
    name = member.filename.lower()
    looks: _Corner | _Repeats | None = None
    if name.startswith("xl/worksheets/"):
        looks = _Corner(noting if isinstance(noting, _Book) else None, member.filename)
    elif name == "content.xml":
        looks = _Repeats(noting if isinstance(noting, Notes) else Notes())
    total = 0
    for piece in _pieces(file, member):
        total += len(piece)
        if total > allowed:
            raise Unreadable("xlsx.bomb")
        if looks:
            looks.look(piece)
    return total


def _pieces(file: BinaryIO, member: zipfile.ZipInfo) -> Iterator[bytes]:
    if member.flag_bits & 1:
        raise Unreadable("xlsx.password")
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise Unreadable("xlsx.damaged")
    file.seek(member.header_offset)
    header = _LOCAL_HEADER.unpack(file.read(_LOCAL_HEADER.size))
    file.seek(header[9] + header[10], 1)
    left = member.compress_size
    inflate = zlib.decompressobj(-15) if member.compress_type == zipfile.ZIP_DEFLATED else None
    while left > 0 and (packed := file.read(min(PIECE, left))):
        left -= len(packed)
        if inflate is None:
            yield packed
            continue
        while packed:
            yield inflate.decompress(packed, PIECE)
            packed = inflate.unconsumed_tail


# XLSX


@dataclass(frozen=True, slots=True)
class _Parts:
    """The small members of a workbook, by name."""

    file: BinaryIO
    members: list[zipfile.ZipInfo]

    def text(self, name: str) -> str:
        """A member's text, or "" when there is none or it is not small."""
        member = next((each for each in self.members if each.filename.lower() == name), None)
        kept = bytearray()
        for piece in _pieces(self.file, member) if member else ():
            kept += piece
            if len(kept) > MAX_PART:
                return ""
        return kept.decode("utf-8", errors="replace")


class _Book:
    """The sheets of a workbook by their file, and the styles that show leading zeros."""

    def __init__(self, parts: _Parts) -> None:
        workbook, relations = parts.text("xl/workbook.xml"), parts.text("xl/_rels/workbook.xml.rels")
        targets = {
            _attribute(tag, "Id"): _attribute(tag, "Target").lstrip("/").removeprefix("xl/")
            for tag in re.findall(r"<Relationship\b[^>]*>", relations)
        }
        sheets = re.findall(r"<(?:\w+:)?sheet\b[^>]*>", workbook)
        names = [_plain(_attribute(tag, "name")) for tag in sheets]
        self.sheet_of = {
            f"xl/{targets.get(_attribute(tag, 'r:id'), '')}".lower(): name
            for tag, name in zip(sheets, names, strict=True)
        }
        active = int((re.search(r"\bactiveTab=\"(\d{1,4})\"", workbook) or ["", "0"])[1])
        self.notes = Notes(names[active] if active < len(names) else "")
        self.widths = _zero_widths(parts.text("xl/styles.xml"))


def _attribute(tag: str, name: str) -> str:
    found = re.search(rf"\b{name}=\"([^\"]*)\"", tag)
    return found[1] if found else ""


def _plain(text: str) -> str:
    for entity, letter in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&apos;", "'"), ("&amp;", "&")):
        text = text.replace(entity, letter)
    return text


def _zero_widths(styles: str) -> dict[int, int]:
    """Style → digits, for the styles that show whole numbers with leading zeros ("00000", "0# ## ## ## ##")."""
    codes = {
        _attribute(tag, "numFmtId"): _plain(_attribute(tag, "formatCode"))
        for tag in re.findall(r"<numFmt\b[^>]*>", styles)
    }
    widths = {key: _digits(code) for key, code in codes.items()}
    cells = re.search(r"<cellXfs\b.*?</cellXfs>", styles, re.DOTALL)
    formats = re.findall(r"<xf\b[^>]*>", cells[0]) if cells else []
    found = {at: widths.get(_attribute(tag, "numFmtId"), 0) for at, tag in enumerate(formats)}
    return {at: width for at, width in found.items() if width}


def _digits(code: str) -> int:
    widths = []
    for section in code.split(";"):
        bare = re.sub(r"\"[^\"]*\"|\\.|_.|\*.|\[[^\]]*\]|[\s\-/()+]", "", section)
        widths.append(len(bare) if re.fullmatch(r"0[0#]+", bare) else 0)
    return max(widths)


class _Corner:
    """The far corner of a sheet's cells, from its XML as it passes by; and what there is to note of them."""

    def __init__(self, book: _Book | None, member: str) -> None:
        self._rest = b""
        self._row = self._column = 1
        self._book = book
        self._sheet = book.sheet_of.get(member.lower(), "") if book else ""

    def look(self, piece: bytes) -> None:
        text = self._rest + piece
        self._rest = text[-40:] if not self._book else text[-OVERLAP:]
        for letters, digits in _CELL.findall(text):
            self._column = max(self._column, _column(letters))
            self._row = max(self._row, int(digits))
        if self._column * self._row > MAX_CELLS:
            raise Unreadable("xlsx.bomb")
        if self._book:
            self._note(self._book, text)

    def _note(self, book: _Book, text: bytes) -> None:
        if b't="e"' in text:
            errors = book.notes.errors.setdefault(self._sheet, {})
            for letters, digits, value in _ERROR.findall(text):
                if len(errors) < MAX_ERRORS:
                    errors[int(digits), _column(letters)] = value.decode("utf-8", errors="replace")
        if book.widths:
            for letters, digits, style in _STYLED.findall(text):
                if width := book.widths.get(int(style)):
                    row, column = int(digits), _column(letters)
                    book.notes.zeros_shown(self._sheet, range(row, row + 1), range(column, column + 1), width)


def _column(letters: bytes) -> int:
    column = 0
    for letter in letters.upper():
        column = column * 26 + letter - 64
    return column


# ODS


class _Repeats:
    """How large the sheets of an ODS become when what is repeated is written out; and the zeros that its cells show."""

    def __init__(self, notes: Notes) -> None:
        self._rest = b""
        self._notes, self._sheet = notes, ""
        self._reset()

    def _reset(self) -> None:
        self._rows = self._pending = self._widest = self._here = 0
        self._times, self._held = 1, False
        self._columns, self._value = range(0), b""
        """Where the cell stands whose text is awaited, and its whole number."""
        self._in_annotation = False
        self._shown: list[tuple[range, int]] = []
        """Columns of this row and the digits that they show."""

    def look(self, piece: bytes) -> None:
        text = self._rest + piece
        end = text.rfind(b">") + 1
        last = max(text.rfind(b"<table:", 0, end), text.rfind(b"</table:", 0, end))
        if last > 0 and len(text) - last <= OVERLAP:
            end = last  # the text of a cell may stand in the next piece
        self._rest = text[end:][:OVERLAP]
        for closing, tag, attributes, shown in _ODS_TAG.findall(text[:end]):
            if shown:
                self._show(shown)
            elif tag == b"office:annotation":
                self._in_annotation = not closing
            elif tag == b"table:table":
                self._reset()
                name = _ODS_NAME.search(attributes)
                self._sheet = _plain(name[1].decode("utf-8", errors="replace")) if name else ""
            elif tag == b"table:table-row":
                self._row(attributes, closing=bool(closing))
                if attributes.endswith(b"/"):
                    self._row(b"", closing=True)
            elif not closing:
                self._cell(attributes)

    def _row(self, attributes: bytes, *, closing: bool) -> None:
        if closing:
            self._pending += self._times
            if self._held:  # empty rows count once something stands below them
                self._rows, self._pending = self._rows + self._pending, 0
            if self._rows * self._widest > MAX_CELLS:
                raise Unreadable("xlsx.bomb")
            for columns, width in self._shown:
                rows = range(self._rows - self._times + 1, self._rows + 1)
                self._notes.zeros_shown(self._sheet, rows, columns, width)
        self._times, self._here, self._held, self._shown = _times(attributes), 0, False, []

    def _cell(self, attributes: bytes) -> None:
        before, self._here = self._here, self._here + _times(attributes)
        whole = None
        if b"value-type" in attributes:
            self._held = True
            self._widest = max(self._widest, self._here)
            whole = _ODS_WHOLE.search(attributes) if b'value-type="float"' in attributes else None
        self._columns = range(before + 1, min(self._here, MAX_NOTED) + 1)
        self._value, self._in_annotation = whole[1] if whole else b"", False

    def _show(self, shown: bytes) -> None:
        """The text of a cell; when it is the number with zeros in front of it, they are part of it."""
        if not self._value or self._in_annotation:
            return
        digits = shown.decode("utf-8", errors="replace").translate(_BETWEEN_DIGITS)
        if digits.startswith("0") and digits.isdecimal() and digits.isascii() and int(digits) == int(self._value):
            if int(digits) or b"." not in shown:
                self._shown.append((self._columns, len(digits)))
            self._value = b""


def _times(attributes: bytes) -> int:
    repeated = _REPEATED.search(attributes)
    return int(repeated[1]) if repeated else 1
