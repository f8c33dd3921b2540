"""Papers as downloads."""

from __future__ import annotations

import uuid
from typing import Protocol

from flask import Response
from flask.typing import ResponseReturnValue

from shared.kit.files import safe_name
from shared.web.pages import see_other


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


def serve(paper: Paper | uuid.UUID, debtor_id: uuid.UUID) -> ResponseReturnValue:
    """A paper, or the page of the order of one that nobody can wait for."""
    if isinstance(paper, uuid.UUID):
        return see_other("backoffice.debtors.paper", debtor_id=debtor_id, order_id=paper)
    return answer(paper)
