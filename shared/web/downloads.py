"""Strangers' files: taken from a form, and handed out in a way that no browser opens them as a page."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Any, Protocol

from flask import Flask, Response, request
from werkzeug.datastructures import FileStorage
from wtforms import MultipleFileField

from shared.attachments.rules import ACCEPT, LARGEST_FILE, LARGEST_SUBMISSION, Upload
from shared.kit.files import safe_name

_SANDBOX = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; sandbox"


class Kept(Protocol):
    """A file that may be handed out (shared.attachments.queries.Download)."""

    @property
    def name(self) -> str: ...
    @property
    def media_type(self) -> str: ...
    @property
    def content(self) -> bytes: ...


class FilesField(MultipleFileField):
    """Files of a form; `data` is a list of Upload. What they are is decided by `shared.attachments.service.check`."""

    data: Any
    accept = ACCEPT

    def process_formdata(self, valuelist: list[Any]) -> None:
        self.data = uploads(each for each in valuelist if isinstance(each, FileStorage))


def uploads(given: Iterable[FileStorage]) -> list[Upload]:
    """The files of a form; a chooser that was left empty gives none. Of a file too large only as much is read as tells so."""
    return [
        Upload(name=each.filename or "", content=each.stream.read(LARGEST_FILE + 1)) for each in given if each.filename
    ]


def allow_files(app: Flask, *endpoints: str, who: Callable[[], bool]) -> None:
    """Let these forms carry files up to the limit of a submission; every other form keeps the app's limit."""
    allow_weight(app, frozenset(endpoints), LARGEST_SUBMISSION, who=who)


def allow_weight(app: Flask, endpoints: Collection[str], most: int, *, who: Callable[[], bool]) -> None:
    """Let these forms weigh up to `most` bytes, when `who` says that somebody is signed in; a stranger sends less.

    Must speak before the CSRF check reads the form, so it goes to the front of what runs before a request.
    """

    def limit() -> None:
        if request.endpoint in endpoints and request.method == "POST" and who():
            request.max_content_length = most

    app.before_request_funcs.setdefault(None, []).insert(0, limit)


def hand_out(kept: Kept) -> Response:
    """A stranger's file as a download: never shown inside our pages, never sniffed, never run, kept by no cache."""
    response = Response(kept.content, content_type=_safe_type(kept.media_type))
    response.headers.set("Content-Disposition", "attachment", filename=safe_name(kept.name))
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = _SANDBOX
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _safe_type(media_type: str) -> str:
    """Pictures and PDFs as what they are; a text, which some programs look into, as bytes."""
    return media_type if media_type in ("application/pdf", "image/jpeg", "image/png") else "application/octet-stream"
