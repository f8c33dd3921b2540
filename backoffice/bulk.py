"""One act on all that is ticked in a queue: each in a transaction of its own; what was done and what was left is said."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from functools import partial

from flask import flash, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from shared.kit.db import reading, retrying, transaction
from shared.kit.errors import DomainError, Invalid, NotFound
from shared.kit.words import gettext as _
from shared.kit.words import ngettext
from shared.web.pages import see_other

MOST_AT_ONCE = 100


def ticked(find: Callable[[Session, uuid.UUID], object]) -> list[uuid.UUID]:
    """What was ticked (`id`), each once; `find` raises NotFound for another company's."""
    try:
        wanted = [uuid.UUID(text) for text in dict.fromkeys(request.form.getlist("id"))]
    except ValueError as error:
        raise NotFound("row.missing", _("What was ticked is not there.")) from error
    if len(wanted) > MOST_AT_ONCE:
        raise Invalid("row.too_many", _("At most %(most)s can be ticked at once. Nothing was done.", most=MOST_AT_ONCE))
    with reading() as session:
        for identity in wanted:
            find(session, identity)
    return wanted


def each(wanted: Sequence[uuid.UUID], act: Callable[[Session, uuid.UUID], object]) -> None:
    """Act on each and say on the next page how many it was done with; whatever refuses is counted and left as it is."""
    if not wanted:
        flash(_("Tick something first."), "error")
        return
    done, why = 0, ""
    for identity in wanted:
        try:
            retrying(partial(_one, identity, act))
        except DomainError as error:
            why = error.message
        else:
            done += 1
    if done:
        flash(_("Done: %(n)s.", n=done), "good")
    if done < len(wanted):
        left = ngettext("Left as it is: %(n)s.", "Left as they are: %(n)s.", len(wanted) - done)
        flash(f"{left} {why}", "wait")


def _one(identity: uuid.UUID, act: Callable[[Session, uuid.UUID], object]) -> None:
    with transaction() as session:
        act(session, identity)


def back(endpoint: str, filters: Sequence[str]) -> ResponseReturnValue:
    """To the queue as it was asked for: its filters came along as `keep-…`."""
    return see_other(endpoint, **{name: request.form.get(f"keep-{name}") or None for name in ("q", "sort", *filters)})
