"""Today's work, and the search over everything."""

from __future__ import annotations

from flask import current_app, request
from flask.typing import ResponseReturnValue

from backoffice.access.member import Member
from backoffice.home import queries
from backoffice.home import search as searching
from backoffice.listing import MAXIMUM_SEARCH_LENGTH
from backoffice.todo import Contribution
from shared.kit.db import reading
from shared.web.pages import page, send_away

CONTRIBUTIONS = "guichet.todo"


def today(member: Member) -> ResponseReturnValue:
    """What needs a person, sorted by urgency and money; the last runs; four figures."""
    rooms: list[Contribution] = current_app.extensions[CONTRIBUTIONS]
    desk = member.desk
    with reading() as session:
        parts = [contribute(session, member) for contribute in rooms]
        figures = queries.figures(session, desk.id, currency=desk.currency, today=desk.today, zone=desk.zone)
    tasks = [task for part in parts for task in part.tasks if member.may(task.permission)]
    runs = [run for part in parts for run in part.runs if member.may(run.permission)]
    return page(
        "backoffice/home/today.html",
        member=member,
        tasks=sorted(tasks, key=lambda task: task.rank),
        runs=sorted(runs, key=lambda run: run.at, reverse=True),
        figures=figures,
    )


def search(member: Member) -> ResponseReturnValue:
    """Everything that a few words name; the one thing meant is opened at once."""
    text = request.args.get("q", "").strip()[:MAXIMUM_SEARCH_LENGTH].replace("\x00", "")
    with reading() as session:
        found = searching.search(session, member.company_id, text)
    only = found.only_one
    if only is not None:
        return send_away(only.href)
    return page("backoffice/home/search.html", text=text, found=found)
