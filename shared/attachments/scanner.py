"""The virus scanner: a small client of clamd's INSTREAM command (docs.clamav.net, "clamd", commands INSTREAM and PING)."""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass

from shared.attachments.rules import AttachmentState
from shared.kit.db import assert_outside_transaction
from shared.kit.errors import Unavailable
from shared.kit.settings import clamd_place
from shared.kit.words import gettext as _

TIMEOUT_S = 60
_CHUNK = 256 * 1024
_LONGEST_ANSWER = 4096


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the scanner says of a file."""

    state: AttachmentState
    """CLEAN, INFECTED, or QUARANTINED when it could not tell (too large for it, encrypted, damaged)."""
    finding: str = ""


def scan(content: bytes, place: str) -> Verdict:
    """Ask the clamd at `place` ("host:port" or the path of a socket) about these bytes; raises Unavailable."""
    assert_outside_transaction()
    try:
        with _connect(place) as line:
            answer = _ask(line, content)
    except OSError as error:
        raise Unavailable("attachment.scanner_down", _("The virus scanner does not answer.")) from error
    return read_answer(answer)


def read_answer(answer: bytes) -> Verdict:
    """The meaning of clamd's line; raises Unavailable for one that is cut short."""
    text = answer.rstrip(b"\0\r\n").decode("utf-8", errors="replace").strip()
    said = text.partition(":")[2].strip() if text.startswith("stream:") else text
    if said == "OK":
        return Verdict(AttachmentState.CLEAN)
    if said.endswith(" FOUND"):
        return Verdict(AttachmentState.INFECTED, said.removesuffix(" FOUND")[:200])
    if said.endswith("ERROR"):
        return Verdict(AttachmentState.QUARANTINED, said[:200])
    raise Unavailable("attachment.scanner_odd", _("The virus scanner does not answer."))


def _connect(place: str) -> socket.socket:
    address = clamd_place(place)
    if isinstance(address, str):
        line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            line.settimeout(TIMEOUT_S)
            line.connect(address)
        except BaseException:
            line.close()
            raise
        return line
    return socket.create_connection(address, timeout=TIMEOUT_S)


def _ask(line: socket.socket, content: bytes) -> bytes:
    line.sendall(b"zINSTREAM\0")
    try:
        for at in range(0, len(content), _CHUNK):
            part = content[at : at + _CHUNK]
            line.sendall(struct.pack(">I", len(part)) + part)
        line.sendall(struct.pack(">I", 0))
    except (BrokenPipeError, ConnectionResetError):
        pass  # over its size limit clamd says so and hangs up before it has read everything
    answer = b""
    while not answer.endswith(b"\0") and len(answer) < _LONGEST_ANSWER:
        part = line.recv(_LONGEST_ANSWER)
        if not part:
            break
        answer += part
    return answer
