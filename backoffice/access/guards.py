"""Who may pass: a session, a company, a permission, and for dangerous acts a fresh proof."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, flash, g, redirect, request, session, url_for
from flask_login import LoginManager, current_user
from werkzeug.wrappers import Response

from backoffice.access import queries, signin
from backoffice.access.member import Member
from backoffice.access.permissions import PERMISSIONS
from shared.kit.errors import Refused
from shared.kit.words import gettext as _
from shared.web.app import language_from
from shared.web.routes import Guard

FRESH = timedelta(minutes=15)


def install(app: Flask) -> None:
    """Give the door its own Flask-Login manager; staff see pages in the language they chose."""
    manager = LoginManager()
    manager.session_protection = ""  # kept on the server: address and browser are shown, not trusted
    manager.init_app(app)

    def load(token: str) -> Member | None:
        return queries.find_member(token, company=session.get("company"))

    manager.user_loader(load)
    language_from(app, lambda: member.language if (member := find_current()) else None)


def find_current() -> Member | None:
    """Who is at the desk, or None; read once a request."""
    if "member" not in g:
        user: Any = current_user
        g.member = user._get_current_object() if user.is_authenticated else None  # noqa: SLF001
    member: Member | None = g.member
    return member


def staff(permission: str, *, fresh: bool = False, needs_company: bool = True) -> Guard:
    """Only staff with this permission. `fresh`: the password was typed within the last quarter of an hour.

    Raises KeyError at import for a permission that does not exist.
    """
    PERMISSIONS[permission]
    check = partial(_check, permission, fresh=fresh, needs_company=needs_company)
    return Guard(f"staff:{permission}{':fresh' if fresh else ''}", check)


def _check(permission: str, *, fresh: bool, needs_company: bool) -> Member | Response:
    member = find_current()
    if member is None:
        return redirect(url_for("backoffice.access.sign_in", next=here()), 303)
    if not member.may(permission):
        raise Refused(
            "staff.may_not", _("You do not have the right to do this. Ask a colleague who manages the rights.")
        )
    if needs_company and member.company is None:
        return redirect(url_for("backoffice.setup.company"), 303)
    if fresh and not signin.is_fresh(member.confirmed_at, FRESH):
        if request.method == "POST":
            flash(_("Please prove who you are, then do it again: nothing has been done yet."), "wait")
        return redirect(url_for("backoffice.access.confirm", next=here()), 303)
    return member


def _check_half() -> uuid.UUID | Response:
    half: Any = session.get("half")
    try:
        member_id, since = uuid.UUID(half["member"]), half["at"]
    except (TypeError, KeyError, ValueError):
        return redirect(url_for("backoffice.access.sign_in"), 303)
    if not signin.is_fresh(datetime.fromisoformat(since), signin.HALF_WAY):
        session.pop("half", None)
        return redirect(url_for("backoffice.access.sign_in"), 303)
    return member_id


half_way = Guard("half-way", _check_half)
"""Whose password was right a moment ago, and who has not given the second factor yet."""


def here() -> str:
    """The page to come back to: this one, or after a POST the one whose form was sent."""
    if request.method == "POST":
        try:
            came_from = urlsplit(request.referrer or "")
        except ValueError:  # half an IPv6 address
            return url_for("backoffice.home.today")
        is_ours = came_from.netloc == request.host
        path = came_from.path + (f"?{came_from.query}" if came_from.query else "")
        return path if is_ours else url_for("backoffice.home.today")
    path = request.script_root + request.path
    return path + (f"?{request.query_string.decode()}" if request.query_string else "")
