"""Files that are saved, never shown as a page of ours."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

from flask import Response
from flask.typing import ResponseReturnValue

from shared.documents.keep import KeptFile
from shared.kit.files import safe_name
from shared.web.pages import see_other


def download(content: bytes | Iterator[bytes], name: str, media_type: str) -> Response:
    """Serve a file as an attachment (RFC 6266) that no browser runs anything from."""
    response = Response(content, content_type=media_type)
    response.headers.set("Content-Disposition", "attachment", filename=safe_name(name))
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response.headers["Cache-Control"] = "private, no-store"
    return response


def serve(paper: KeptFile | uuid.UUID) -> ResponseReturnValue:
    """A paper, or the page of the order of one that nobody can wait for."""
    if isinstance(paper, uuid.UUID):
        return see_other("portal.documents.order", order_id=paper)
    return download(paper.content, paper.name, paper.media_type)
