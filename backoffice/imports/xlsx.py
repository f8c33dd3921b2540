"""Workbooks, opened with suspicion: an XLSX is a ZIP from a stranger.

Before the reader unpacks a thing, every member is inflated here and only counted: the sizes that an archive declares
may be lies. A sheet that claims cells at the far corner would make the reader reserve the whole rectangle, so the
corners are looked at as well.
"""

from __future__ import annotations

import re
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import time, timedelta
from typing import Any, BinaryIO

from python_calamine import CalamineError, CalamineWorkbook, SheetTypeEnum, load_workbook

from backoffice.imports.faults import Unreadable
from backoffice.imports.source import Source
from backoffice.imports.values import Cell

MAX_UNPACKED = 800 * 1024 * 1024
MAX_MEMBERS = 2_000
MAX_CELLS = 30_000_000
PIECE = 1024 * 1024

_LOCAL_HEADER = struct.Struct("<4s5H3L2H")
_CELL = re.compile(rb"""\sr\s*=\s*["']([A-Za-z]{0,4})(\d{1,9})["']""")


def open_book(source: Source) -> CalamineWorkbook:
    """A workbook that is known to be small enough when unpacked; raises Unreadable."""
    _weigh(source)
    with _reader_errors(), source.open() as file:
        return load_workbook(file)


def sheets(book: CalamineWorkbook) -> list[str]:
    """The names of the sheets that hold cells, in the workbook's order."""
    return [sheet.name for sheet in book.sheets_metadata if sheet.typ == SheetTypeEnum.WorkSheet]


def rows(book: CalamineWorkbook, sheet: str) -> Iterator[tuple[int, Sequence[Cell]]]:
    """(row number, cells) of a sheet; the row number is the one the spreadsheet shows."""
    with _reader_errors():
        for number, row in enumerate(book.get_sheet_by_name(sheet).iter_rows(), start=1):
            yield number, [_cell(cell) for cell in row]


@contextmanager
def _reader_errors() -> Iterator[None]:
    """What the reader cannot read is damaged. It is written in Rust, whose panics are not even Exceptions."""
    try:
        yield
    except (CalamineError, OSError, ValueError) as error:
        raise Unreadable("xlsx.damaged") from error
    except BaseException as error:
        if type(error).__name__ == "PanicException":
            raise Unreadable("xlsx.damaged") from error
        raise


def _cell(cell: Any) -> Cell:
    return str(cell) if isinstance(cell, time | timedelta) else cell


def _weigh(source: Source) -> None:
    """Inflate every member and keep nothing; raises Unreadable when it is too much or not a workbook."""
    try:
        with source.open() as file, zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            if len(members) > MAX_MEMBERS:
                raise Unreadable("xlsx.bomb")
            names = {member.filename for member in members}
            if not any(name.lower().startswith("xl/worksheets/") for name in names):
                raise Unreadable("xlsx.other_zip")
            left = MAX_UNPACKED
            for member in members:
                left -= _inflated(file, member, left)
    except (zipfile.BadZipFile, zlib.error, struct.error, NotImplementedError, OSError, ValueError) as error:
        raise Unreadable("xlsx.damaged") from error


def _inflated(file: BinaryIO, member: zipfile.ZipInfo, allowed: int) -> int:
    if member.flag_bits & 1:
        raise Unreadable("xlsx.password")
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise Unreadable("xlsx.damaged")
    file.seek(member.header_offset)
    header = _LOCAL_HEADER.unpack(file.read(_LOCAL_HEADER.size))
    file.seek(header[9] + header[10], 1)
    corner = _Corner() if member.filename.lower().startswith("xl/worksheets/") else None
    total = 0
    for piece in _pieces(file, member):
        total += len(piece)
        if total > allowed:
            raise Unreadable("xlsx.bomb")
        if corner:
            corner.look(piece)
    return total


def _pieces(file: BinaryIO, member: zipfile.ZipInfo) -> Iterator[bytes]:
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


class _Corner:
    """The far corner of a sheet's cells, from its XML as it passes by."""

    def __init__(self) -> None:
        self._rest = b""
        self._row = self._column = 1

    def look(self, piece: bytes) -> None:
        text = self._rest + piece
        self._rest = text[-40:]
        for letters, digits in _CELL.findall(text):
            column = 0
            for letter in letters.upper():
                column = column * 26 + letter - 64
            self._column = max(self._column, column)
            self._row = max(self._row, int(digits))
        if self._column * self._row > MAX_CELLS:
            raise Unreadable("xlsx.bomb")
