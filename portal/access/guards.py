"""Who may pass: a debtor's session, and for acts with lasting effect a fresh proof of the person."""

from __future__ import annotations

from typing import Any

from flask import Flask, flash, g, redirect, request, url_for
from flask_login import LoginManager, current_user
from werkzeug.wrappers import Response

from portal.access import entry
from shared.access import queries, service
from shared.access.queries import Visitor
from shared.kit.db import glance, transaction
from shared.kit.words import gettext as _
from shared.web import stamps, unsent
from shared.web.app import language_from
from shared.web.routes import Guard


def install(app: Flask) -> None:
    """Give the door its own Flask-Login manager; pages speak the contact's language."""
    manager = LoginManager()
    manager.session_protection = None  # type: ignore[assignment]  # the session lives on the server; its address and browser are shown, not trusted
    manager.init_app(app)

    @manager.user_loader  # type: ignore[untyped-decorator]
    def load(token: str) -> Visitor | None:
        with glance() as connection:
            return queries.find_visitor(connection, token)

    language_from(app, lambda: visitor.language if (visitor := find_current()) else None)
    stamps.stamp_with(app, _principal)
    unsent.install(app, never=frozenset({"portal.access.confirm", "portal.access.redeem"}))


def _principal() -> tuple[str, str] | None:
    visitor = find_current()
    return None if visitor is None else (str(visitor.debtor_id), str(visitor.contact_id))


def find_current() -> Visitor | None:
    """Who stands at the counter, or None; read once a request."""
    if "visitor" not in g:
        g.visitor = _known()
    visitor: Visitor | None = g.visitor
    return visitor


def _known() -> Visitor | None:
    person: Any = current_user
    return person._get_current_object() if person.is_authenticated else None  # noqa: SLF001


def _check() -> Visitor | Response:
    visitor = find_current()
    if visitor is None:
        if unsent.keep():
            unsent.say_kept()
        return redirect(url_for("portal.access.ask", why="ended"), 303)
    if visitor.is_stale and "X-Fragment" not in request.headers:  # a page that asks again by itself is not a person
        with transaction() as session:
            service.touch(session, session_id=visitor.session_id, is_verified=visitor.is_verified)
    return visitor


def _check_verified() -> Visitor | Response:
    visitor = _check()
    if isinstance(visitor, Response) or visitor.is_verified:
        return visitor
    entry.must_be_trusted(visitor)
    if unsent.keep():
        unsent.say_kept()
    elif request.method == "POST":
        flash(_("Nothing has been done yet: please prove that it is you, then do it again."), "wait")
    return redirect(url_for("portal.access.code", next=here()), 303)


debtor = Guard("debtor", _check)
"""Whoever came by a magic link (tier 1): sees this account and pays."""

verified = Guard("verified", _check_verified)
"""Whoever typed a one-time code in this session (tier 2): mandates, other people's access, other accounts."""


def here() -> str:
    """The page to come back to: this one, or after a POST the nearest one above that can be looked at."""
    if request.method != "POST":
        query = f"?{request.query_string.decode()}" if request.query_string else ""
        return request.script_root + request.path + query
    return unsent.page_of_form() + (f"#{unsent.MARK}" if unsent.is_kept() else "")
