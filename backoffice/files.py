"""Papers as downloads."""

from __future__ import annotations

from typing import Protocol

from flask import Response

from shared.kit.files import safe_name


class Paper(Protocol):
    """Bytes with a name."""

    @property
    def content(self) -> bytes: ...
    @property
    def name(self) -> str: ...
    @property
    def media_type(self) -> str: ...


def answer(paper: Paper) -> Response:
    """A paper as a download, never shown inside our pages."""
    response = Response(paper.content, content_type=paper.media_type)
    response.headers.set("Content-Disposition", "attachment", filename=safe_name(paper.name))
    return response
