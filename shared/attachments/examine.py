"""From what somebody sent to what may be kept: counted, weighed, and decoded in a child process with limits.

Call `check` outside of any transaction: a picture of fifty million pixels takes seconds.
"""

from __future__ import annotations

import hashlib
import logging
import os
import struct
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from shared.attachments.decode import MOST_PIXELS, MOST_PIXELS_TOGETHER, RefusedFile, decode, pixels
from shared.attachments.rules import LARGEST_FILE, LARGEST_SUBJECT, MEGABYTE, MOST_FILES, Checked, Upload, kept_name
from shared.kit.aside import Lane
from shared.kit.db import assert_outside_transaction
from shared.kit.errors import Invalid
from shared.kit.files import safe_name
from shared.kit.words import gettext as _
from shared.kit.words import lazy_gettext as _l

ROOT = Path(__file__).resolve().parents[2]
CHILD_SECONDS = 30
CHILD_BYTES = 1024 * MEGABYTE
_HEAD = struct.Struct(">?I")

LANE = Lane(
    "files",
    at_once=1,
    waiting=3,
    refusal=_l(
        "Many files are being examined at the moment, and yours have not been taken. Please send them again in a minute."
    ),
)
"""Of a web process: huge pictures keep nobody waiting who sends none."""


class UnfitFile(Invalid):
    """One of the files is not taken: `message` names it and says why and what to do; `reason` is a word for programs."""

    def __init__(self, name: str, reason: str) -> None:
        shown = safe_name(name)
        super().__init__(f"attachment.{reason}", _("%(file)s: %(why)s", file=shown, why=sentence(reason)), file=shown)
        self.reason = reason


def check(uploads: Sequence[Upload]) -> list[Checked]:
    """Look at files and give harmless copies of them, in their order; no files give none.

    Raises UnfitFile for the first that is not taken, Invalid when they are too many or too heavy together.
    """
    assert_outside_transaction()
    if not uploads:
        return []
    if len(uploads) > MOST_FILES:
        raise Invalid("attachment.too_many", _("Send at most %(most)s files at a time.", most=MOST_FILES))
    for upload in uploads:
        if not upload.content:
            raise UnfitFile(upload.name, "empty")
        if len(upload.content) > LARGEST_FILE:
            raise UnfitFile(upload.name, "too_large")
    if sum(len(upload.content) for upload in uploads) > LARGEST_SUBJECT:
        raise Invalid(
            "attachment.subject_full",
            _("All files together may weigh %(limit)s MB.", limit=LARGEST_SUBJECT // MEGABYTE),
        )
    with LANE.aside():
        answers = _decode_in_child([upload.content for upload in uploads])
    return [_checked(upload, answer) for upload, answer in zip(uploads, answers, strict=True)]


def sentence(reason: str) -> str:
    """Why a file is not taken and what to do, for people."""
    return {
        "empty": _("the file is empty."),
        "too_large": _("the file is larger than %(limit)s MB.", limit=LARGEST_FILE // MEGABYTE),
        "too_many_pixels": _("the picture is too large. Please make it smaller or take a screenshot."),
        "pixels_together": _(
            "your pictures are too large together. Please make them smaller, or send fewer at a time."
        ),
        "too_heavy": _("the file is too heavy to be read. Please print it to a new PDF, or make it smaller."),
        "damaged": _("the file is damaged or incomplete. Please save it again and send the new one."),
        "heic": _(
            "pictures in Apple’s HEIC format cannot be read here. Please send it as a JPEG, or take a screenshot."
        ),
        "picture": _("this kind of picture is not taken. Please send it as a JPEG or PNG."),
        "office": _("Office documents are not taken. Please save it as a PDF."),
        "archive": _("archives are not taken. Please send the files themselves."),
        "program": _("programs are not taken."),
        "markup": _("web pages and scripts are not taken. Please print it to a PDF, or take a screenshot."),
        "unknown": _("this kind of file is not taken. Please send a PDF, a JPEG or PNG picture, or a plain text."),
        "pdf_locked": _("the PDF is protected by a password. Please print it to a new PDF without one."),
        "pdf_pages": _("the PDF has no page, or too many."),
        "pdf_script": _("the PDF contains a program. Please print it to a new PDF."),
        "pdf_files": _(
            "the PDF contains other files. Please print it to a new PDF, and send the others by themselves."
        ),
        "pdf_media": _("the PDF contains sound, film or moving models. Please print it to a new PDF."),
        "pdf_act": _("the PDF does something when it is opened or clicked. Please print it to a new PDF."),
    }[reason]


def _checked(upload: Upload, answer: tuple[str, bytes] | str) -> Checked:
    if isinstance(answer, str):
        raise UnfitFile(upload.name, answer)
    media_type, content = answer
    if len(content) > LARGEST_FILE:
        raise UnfitFile(upload.name, "too_large")
    return Checked(kept_name(upload.name, media_type), media_type, content, hashlib.sha256(upload.content).hexdigest())


def _decode_in_child(contents: Sequence[bytes]) -> list[tuple[str, bytes] | str]:
    """Each file's media type and copy, or the word for why not; the file at which the child gave up was too heavy."""
    command = [sys.executable, "-c", "from shared.attachments.examine import child; child()"]
    sent = b"".join(_HEAD.pack(True, len(content)) + content for content in contents)
    try:
        done = subprocess.run(
            command,
            input=sent,
            capture_output=True,
            cwd=ROOT,
            env={"LC_ALL": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"},
            timeout=CHILD_SECONDS * 2,
            check=False,
        )
        said, errors = done.stdout, done.stderr
    except subprocess.TimeoutExpired as error:
        said, errors = error.stdout or b"", b"out of time"
    answers = _read_answers(said)
    if len(answers) < len(contents):
        last = errors.decode(errors="replace").strip().rpartition("\n")[2]
        logging.getLogger(__name__).warning("attachments: the child gave up: %s", last[:200])
        answers.extend(["too_heavy"] * (len(contents) - len(answers)))
    return answers


def _read_answers(said: bytes) -> list[tuple[str, bytes] | str]:
    answers: list[tuple[str, bytes] | str] = []
    at = 0
    while at + _HEAD.size <= len(said):
        is_good, length = _HEAD.unpack_from(said, at)
        body = said[at + _HEAD.size : at + _HEAD.size + length]
        if len(body) < length:
            break
        at += _HEAD.size + length
        if is_good:
            media_type, _zero, content = body.partition(b"\0")
            answers.append((media_type.decode(), content))
        else:
            answers.append(body.decode())
    return answers


def child() -> None:
    """The child process's whole life: limit itself, answer each file in turn."""
    import resource

    os.nice(10)  # pages go first
    resource.setrlimit(resource.RLIMIT_AS, (CHILD_BYTES, CHILD_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CHILD_SECONDS, CHILD_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    sys.addaudithook(_refuse_company)
    seen = 0
    while (content := _next(sys.stdin.buffer)) is not None:
        try:
            seen = _together(seen, content)
            media_type, made = decode(content)
            answer = _HEAD.pack(True, len(media_type) + 1 + len(made)) + media_type.encode() + b"\0" + made
        except RefusedFile as refusal:
            answer = _HEAD.pack(False, len(refusal.code)) + refusal.code.encode()
        sys.stdout.buffer.write(answer)
        sys.stdout.buffer.flush()


def _together(seen: int, content: bytes) -> int:
    """The pixels of all files so far; one that is too large by itself is left to the decoder's own word."""
    found = pixels(content)
    if found <= MOST_PIXELS < MOST_PIXELS_TOGETHER < seen + found:
        raise RefusedFile("pixels_together")
    return seen + found


def _next(stream: BinaryIO) -> bytes | None:
    head = stream.read(_HEAD.size)
    return stream.read(_HEAD.unpack(head)[1]) if head else None


def _refuse_company(event: str, _arguments: tuple[object, ...]) -> None:
    if event.startswith(("socket.", "subprocess.", "os.exec", "os.posix_spawn", "os.system", "os.fork")):
        raise PermissionError(f"reading a file does not need {event}")
