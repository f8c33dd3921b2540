"""The file as it arrived: its size, what kind of file it is, and the encoding of its text.

Nothing is trusted: neither the name nor the ending nor what a browser said of its type.
"""

from __future__ import annotations

import codecs
import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Literal

from backoffice.imports.faults import Unreadable
from backoffice.imports.foreign import HEAD, refuse_known

MAX_BYTES = 200 * 1024 * 1024
CHUNK = 1024 * 1024

Kind = Literal["text", "xlsx", "ods", "xls"]

_BOMS: tuple[tuple[bytes, str], ...] = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_BINARY: tuple[tuple[bytes, str], ...] = (
    (b"%PDF", "PDF"),
    (b"\x1f\x8b", "GZIP"),
    (b"\x89PNG", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"GIF8", "GIF"),
    (b"Rar!", "RAR"),
    (b"7z\xbc\xaf", "7Z"),
    (b"SQLite format 3", "SQLite"),
    (b"\x7fELF", "ELF"),
    (b"MZ\x90", "EXE"),
)
_OLE = b"\xd0\xcf\x11\xe0"
_ODS = b"mimetypeapplication/vnd.oasis.opendocument.spreadsheet"
_CP850_LETTERS = frozenset(b"\x82\x85\x87\x88\x8a\x8b\x8c\x93\x97")  # é à ç ê è ï î ô ù
_CP1252_LETTERS = frozenset(range(0xC0, 0x100))
_PLAIN = bytes([*range(32, 127), *b"\t\n\r\f\x1a"])
_LATIN9_SIGNS = frozenset(b"\xa4\xbc\xbd\xbe")  # € Œ œ Ÿ, which in cp1252 are ¤ ¼ ½ ¾


@dataclass(frozen=True, slots=True)
class Source:
    """A file on disk or in memory, read as often as wanted and never written."""

    content: Path | bytes
    name: str = "file"
    opened: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)
    """What was made of it once and is needed again while it is read: an opened workbook."""

    def open(self) -> BinaryIO:
        return io.BytesIO(self.content) if isinstance(self.content, bytes) else self.content.open("rb")

    @property
    def size(self) -> int:
        return len(self.content) if isinstance(self.content, bytes) else self.content.stat().st_size

    def chunks(self) -> Iterator[bytes]:
        with self.open() as file:
            while chunk := file.read(CHUNK):
                yield chunk

    def text(self, encoding: str) -> io.TextIOWrapper:
        """The text with its line ends untouched; bytes that the encoding does not know become U+FFFD."""
        return io.TextIOWrapper(self.open(), encoding=encoding, errors="replace", newline="")


def kind_of(source: Source) -> Kind:
    """Text or workbook, by content; raises Unreadable for anything else, by its name where it is known."""
    if source.size == 0:
        raise Unreadable("file.empty")
    if source.size > MAX_BYTES:
        raise Unreadable("file.too_large", megabytes=source.size // 1024 // 1024, limit=MAX_BYTES // 1024 // 1024)
    with source.open() as file:
        head = file.read(HEAD)
    if head.startswith(b"PK\x03\x04"):
        return "ods" if _ODS in head[:200] else "xlsx"
    if head.startswith(_OLE):
        return "xls"
    for magic, called in _BINARY:
        if head.startswith(magic):
            raise Unreadable("file.binary", called=called)
    refuse_known(head)
    return "text"


def is_book(source: Source) -> bool:
    """True for a workbook, as its first bytes tell."""
    with source.open() as file:
        return file.read(4) in (b"PK\x03\x04", _OLE)


def encoding_of(source: Source) -> str:
    """The encoding of a text file, by its byte order mark, else by reading all of it.

    UTF-8 is taken when every byte fits; else one of the single-byte encodings of western Europe, told apart by the
    bytes they do not share. Raises Unreadable when it is no text.
    """
    with source.open() as file:
        head = file.read(4096)
    for bom, name in _BOMS:
        if head.startswith(bom):
            return _checked(source, name)
    if b"\0" in head:
        return _checked(source, _utf16_without_bom(head))
    try:
        return _checked(source, "utf-8")
    except Unreadable as verdict:
        if verdict.fault.code != "file.encoding":
            raise
    return _single_byte(source)


def _checked(source: Source, encoding: str) -> str:
    decoder = codecs.getincrementaldecoder(encoding)()
    wide = encoding.startswith(("utf-16", "utf-32"))
    try:
        for chunk in source.chunks():
            text = decoder.decode(chunk)
            if (b"\0" in chunk and not wide) or (wide and "\0" in text):
                raise Unreadable("file.binary", called="NUL")
        decoder.decode(b"", final=True)
    except UnicodeError as error:
        raise Unreadable("file.encoding", encoding=encoding) from error
    return encoding


def _utf16_without_bom(head: bytes) -> str:
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if odd > len(head) // 5 and even == 0:
        return "utf-16-le"
    if even > len(head) // 5 and odd == 0:
        return "utf-16-be"
    raise Unreadable("file.binary", called="NUL")


def _single_byte(source: Source) -> str:
    counts: Counter[int] = Counter()
    for chunk in source.chunks():
        counts.update(chunk.translate(None, delete=_PLAIN))  # what is left is rare: counting it costs little
    low = sum(counts[byte] for byte in range(0x80, 0xA0))
    odd = sum(counts[byte] for byte in range(32)) + counts[127]
    if counts[0] or odd * 50 > source.size or counts.total() * 2 > source.size:
        raise Unreadable("file.binary", called="?")
    if sum(counts[byte] for byte in _CP850_LETTERS) * 2 > low > sum(counts[b] for b in _CP1252_LETTERS):
        return "cp850"
    if not low and any(counts[byte] for byte in _LATIN9_SIGNS):
        return "iso8859-15"
    return "cp1252"
