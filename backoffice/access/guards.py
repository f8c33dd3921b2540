"""Who may pass: a session, a company, a permission, and for dangerous acts a fresh proof."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from flask import Flask, flash, g, redirect, request, session, url_for
from flask_login import LoginManager, current_user
from werkzeug.wrappers import Response

from backoffice.access import queries, signin
from backoffice.access.member import Member
from backoffice.access.permissions import PERMISSIONS
from shared.kit.errors import Conflict, Refused
from shared.kit.words import gettext as _
from shared.web import stamps, unsent
from shared.web.app import language_from
from shared.web.pages import page
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
    stamps.stamp_with(app, _principal, elsewhere=another_desk)
    unsent.install(app, never=PROOFS)
    app.register_error_handler(AnotherDesk, another_desk)


PROOFS = frozenset(
    f"backoffice.access.{name}"
    for name in (
        "sign_in",
        "second_step",
        "enrol",
        "confirm",
        "change_password",
        "set_up_second_factor",
        "choose_company",
    )
)
"""Forms that prove who somebody is: what is typed there is never kept."""


class AnotherDesk(Conflict):
    """A form of another company than the one on the desk."""


def _principal() -> tuple[str, str] | None:
    member = find_current()
    return None if member is None else (str(member.company.id) if member.company else "", str(member.id))


def another_desk(_error: Exception | None = None) -> Response:
    """Nothing is done; the form waits until its company is on the desk again."""
    member, typed = find_current(), unsent.typed()
    place = stamps.sent().place
    theirs = next((desk for desk in member.companies if str(desk.id) == place), None) if member else None
    is_kept = theirs is not None and unsent.keep()
    return page(
        "backoffice/access/another_desk.html",
        status=409,
        theirs=theirs,
        typed=typed,
        next=f"{unsent.page_of_form()}#{unsent.MARK}" if is_kept else unsent.page_of_form(),
    )


def find_current() -> Member | None:
    """Who is at the desk, or None; read once a request."""
    if "member" not in g:
        user: Any = current_user
        g.member = user._get_current_object() if user.is_authenticated else None  # noqa: SLF001
    member: Member | None = g.member
    return member


def staff(permission: str, *, fresh: bool = False, needs_company: bool = True, any_desk: bool = False) -> Guard:
    """Only staff with this permission. `fresh`: the password was typed within the last quarter of an hour.

    A form is taken only while the company that was on the desk when it was shown is on it still (its stamp says which);
    `any_desk` and routes without a company take it from any. Raises KeyError at import for an unknown permission.
    """
    PERMISSIONS[permission]
    is_tied = needs_company and not any_desk
    check = partial(_check, permission, fresh=fresh, needs_company=needs_company, is_tied=is_tied)
    return Guard(f"staff:{permission}{':fresh' if fresh else ''}", check)


def _check(permission: str, *, fresh: bool, needs_company: bool, is_tied: bool) -> Member | Response:
    member = find_current()
    if member is None:
        if unsent.keep():
            unsent.say_kept()
        return redirect(url_for("backoffice.access.sign_in", next=here()), 303)
    if not member.may(permission):
        raise Refused(
            "staff.may_not", _("You do not have the right to do this. Ask a colleague who manages the rights.")
        )
    if needs_company and member.company is None:
        return redirect(url_for("backoffice.setup.company"), 303)
    if is_tied and request.method == "POST" and stamps.sent().place != str(member.company_id):
        raise AnotherDesk("desk.another", _("This form belongs to another company than the one on the desk."))
    if fresh and not signin.is_fresh(member.confirmed_at, FRESH):
        if unsent.keep():
            unsent.say_kept()
        elif request.method == "POST":
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
        return unsent.page_of_form() + (f"#{unsent.MARK}" if unsent.is_kept() else "")
    path = request.script_root + request.path
    return path + (f"?{request.query_string.decode()}" if request.query_string else "")
