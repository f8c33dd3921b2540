"""Today's work, and the search over everything."""

from __future__ import annotations

from flask import request
from flask.typing import ResponseReturnValue

from backoffice.access.member import Member
from backoffice.home import search as searching
from backoffice.listing import MAXIMUM_SEARCH_LENGTH
from shared.kit.db import reading
from shared.web.pages import page, send_away


def today(member: Member) -> ResponseReturnValue:
    """What needs a person."""
    return page("backoffice/home/today.html", member=member)


def search(member: Member) -> ResponseReturnValue:
    """Everything that a few words name; the one thing meant is opened at once."""
    text = request.args.get("q", "").strip()[:MAXIMUM_SEARCH_LENGTH].replace("\x00", "")
    with reading() as session:
        found = searching.search(session, member.company_id, text)
    only = found.only_one
    if only is not None:
        return send_away(only.href)
    return page("backoffice/home/search.html", text=text, found=found)
