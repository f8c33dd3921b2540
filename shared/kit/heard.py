"""How much of an HTTP request has been heard: is its last byte there? What it says is for the parser to judge."""

from __future__ import annotations

import enum
import re
from tempfile import SpooledTemporaryFile

LONGEST_HEAD = 65_536
LARGEST_BODY = 32 * 1024 * 1024
"""Bytes that are kept. A body that is announced as larger is not awaited: the application refuses it in words."""

_LENGTH = re.compile(rb"\r\ncontent-length[ \t]*:[ \t]*([0-9]{1,18})[ \t]*\r\n", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding[ \t]*:", re.IGNORECASE)
_EXPECTS = re.compile(rb"\r\nexpect[ \t]*:[ \t]*100-continue[ \t]*\r\n", re.IGNORECASE)
_SIZE = re.compile(rb"[0-9A-Fa-f]{1,16}")
_LONGEST_LINE = 8_192


class Progress(enum.Enum):
    """Where a request stands."""

    GOES_ON = "goes on"
    WHOLE = "whole"
    TOO_LONG = "too long a head"
    TOO_LARGE = "too large a body"
    GONE = "gone"


class Heard:
    """The bytes of one request, as they come in, and afterwards for whoever reads them."""

    def __init__(self, in_memory: int) -> None:
        """Beyond `in_memory` bytes they are kept in a file."""
        self.progress = Progress.GOES_ON
        self._head = bytearray()
        self._said: SpooledTemporaryFile[bytes] | None = None
        self._in_memory = in_memory
        self._missing = 0
        self._chunks: _Chunks | None = None
        self._body = 0
        self._wants_a_nod = False

    @property
    def has_begun(self) -> bool:
        return self.has_head or bool(self._head)

    @property
    def has_head(self) -> bool:
        return self._said is not None

    @property
    def is_whole(self) -> bool:
        """Whether nothing more is to come."""
        return self.progress is Progress.WHOLE and self._missing == 0

    def wants_a_nod(self) -> bool:
        """Whether the visitor waits to be told to go on; true once."""
        wanted, self._wants_a_nod = self._wants_a_nod, False
        return wanted

    def add(self, piece: bytes) -> Progress:
        """Take the next bytes."""
        if self._said is not None:
            self._take(piece)
            return self.progress
        searched = max(0, len(self._head) - 3)
        self._head += piece
        end = self._head.find(b"\r\n\r\n", searched)
        if end >= 0:
            self._begin_body(end + 4)
        elif len(self._head) > LONGEST_HEAD:
            self.progress = Progress.TOO_LONG
        return self.progress

    def read(self, size: int) -> bytes:
        """The next bytes for the parser; empty at the end."""
        return self._said.read(size) if self._said else b""

    def close(self) -> None:
        if self._said is not None:
            self._said.close()

    def _begin_body(self, begins: int) -> None:
        head, rest = bytes(self._head[:begins]), bytes(self._head[begins:])
        self._head.clear()
        self._said = SpooledTemporaryFile(max_size=self._in_memory)  # noqa: SIM115 - closed with the visit
        self._said.write(head)
        length = _LENGTH.search(head)
        if _CHUNKED.search(head):
            self._chunks = _Chunks()
        elif length:
            self._missing = int(length[1])
        if self._missing > LARGEST_BODY:
            self._end()
            return
        self._wants_a_nod = bool(_EXPECTS.search(head)) and not rest and bool(self._missing or self._chunks)
        self._take(rest)

    def _take(self, piece: bytes) -> None:
        if self._said is None:
            return
        if self._chunks is None:
            piece = piece[: self._missing]  # a second request on this connection is not served
            self._missing -= len(piece)
            is_over = self._missing == 0
        else:
            is_over = self._chunks.add(piece)
        self._body += len(piece)
        self._said.write(piece)
        if is_over:
            self._end()
        elif self._body > LARGEST_BODY:
            self.progress = Progress.TOO_LARGE

    def _end(self) -> None:
        self.progress = Progress.WHOLE
        if self._said is not None:
            self._said.seek(0)


class _Chunks:
    """Looks for the end of a body in chunks (RFC 9112 section 7.1). What is malformed ends it: the parser refuses it."""

    def __init__(self) -> None:
        self._line = bytearray()
        self._left = 0
        self._is_trailer = False

    def add(self, piece: bytes) -> bool:
        """True when the last chunk and its trailers are there."""
        at = 0
        while at < len(piece):
            if self._left:
                step = min(self._left, len(piece) - at)
                self._left -= step
                at += step
                continue
            end = piece.find(b"\n", at)
            self._line += piece[at : end + 1 if end >= 0 else len(piece)]
            if len(self._line) > _LONGEST_LINE:
                return True
            if end < 0:
                return False
            at = end + 1
            if self._ends_with(bytes(self._line).strip()):
                return True
            self._line.clear()
        return False

    def _ends_with(self, line: bytes) -> bool:
        if self._is_trailer:
            return not line
        size = _SIZE.match(line)
        if size is None:
            return True
        length = int(size[0], 16)
        if length == 0:
            self._is_trailer = True
        else:
            self._left = length + 2  # the line's end belongs to the chunk
        return False
