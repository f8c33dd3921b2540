"""The company's own mark."""

from __future__ import annotations

import uuid

from flask import Response, abort

from shared.access import queries
from shared.kit.db import reading


def logo(company_id: uuid.UUID) -> Response:
    """A company's logo: nothing of any debtor, and seen on the landing page."""
    with reading() as session:
        found = queries.logo_of(session, company_id)
    if found is None:
        abort(404)
    content, media_type = found
    response = Response(content, content_type=media_type)
    response.headers["Cache-Control"] = "public, max-age=3600"
    response.headers["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    return response
