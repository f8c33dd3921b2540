"""What may be attached, under which name it is kept, and when it may be handed out: decisions without input or output."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass

from shared.kit.files import safe_name

MEGABYTE = 1024 * 1024
LARGEST_FILE = 10 * MEGABYTE
MOST_FILES = 5
"""In one submission."""
LARGEST_SUBJECT = 25 * MEGABYTE
"""All files of one dispute or declaration together."""
LARGEST_SUBMISSION = LARGEST_SUBJECT + MEGABYTE
"""What a request with files may weigh: the files and the form around them."""

PDF, JPEG, PNG, TEXT = "application/pdf", "image/jpeg", "image/png", "text/plain"
ENDINGS = {PDF: "pdf", JPEG: "jpg", PNG: "png", TEXT: "txt"}
ACCEPT = ".pdf,.jpg,.jpeg,.png,.txt"
"""For the file chooser of a form; what counts is the content."""

_ENDING = re.compile(r"\.[A-Za-z0-9]{1,5}$")
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)", re.IGNORECASE)


class AttachmentState(enum.Enum):
    """Whether a file may be handed out; see `may_serve`."""

    SCANNING = "scanning"
    """A scanner is configured and has not spoken yet."""
    CLEAN = "clean"
    INFECTED = "infected"
    """The scanner found something: kept as proof, never handed out."""
    UNSCANNED = "unscanned"
    """No scanner was configured when it came."""
    QUARANTINED = "quarantined"
    """The scanner could not read it, or a person set it aside: never handed out."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as somebody sent it: nothing of it is believed."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Checked:
    """A file that was decoded and written anew: what may be kept."""

    name: str
    media_type: str
    content: bytes
    received_sha256: str


def kept_name(name: str, media_type: str) -> str:
    """The name under which a file is kept: no path, no direction marks, one ending, which is the true one."""
    ending = ENDINGS[media_type]
    cleaned = safe_name(name, fallback="")
    stem = _ENDING.sub("", cleaned) if _ENDING.search(cleaned) else cleaned
    stem = re.sub(r"[.\s]+", lambda found: "-" if "." in found[0] else " ", stem).strip("-~_ ") or "file"
    if _RESERVED.fullmatch(stem):
        stem = f"file-{stem}"
    return f"{stem[:100]}.{ending}"


def may_serve(state: AttachmentState, *, has_scanner: bool) -> bool:
    """Whether a file may be handed out: clean always; unscanned only where no scanner is configured (fail closed)."""
    return state is AttachmentState.CLEAN or (state is AttachmentState.UNSCANNED and not has_scanner)
