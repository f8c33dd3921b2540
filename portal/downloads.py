"""Files that are saved, never shown as a page of ours."""

from __future__ import annotations

from collections.abc import Iterator

from flask import Response

from shared.kit.files import safe_name


def download(content: bytes | Iterator[bytes], name: str, media_type: str) -> Response:
    """Serve a file as an attachment (RFC 6266) that no browser runs anything from."""
    response = Response(content, content_type=media_type)
    response.headers.set("Content-Disposition", "attachment", filename=safe_name(name))
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response.headers["Cache-Control"] = "private, no-store"
    return response
