"""The entrance: landing, sign-out, new link, one-time code, who has access."""

from __future__ import annotations

import re
import uuid

from flask import Response, flash, g, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import login_user, logout_user

from portal.access import entry, labels
from portal.access.forms import AddressForm, CodeForm, InvitationForm
from portal.access.guards import find_current
from shared.access import queries
from shared.access.queries import Visitor
from shared.access.service import CodeCheck
from shared.kit.db import reading
from shared.kit.errors import Invalid
from shared.kit.words import gettext as _
from shared.messages.queries import is_held_up
from shared.web import unsent
from shared.web.pages import page, safe_next, see_other
from shared.web.security import client_address


def landing(token: str) -> Response:
    """What a link shows before anybody has pressed: whose counter this is. Changes nothing, for people and scanners."""
    token = _as_sent(token)
    with reading() as db:
        company = queries.find_landing(db, token)
    if company is None:
        return _closed()
    return page("portal/access/landing.html", company=company, token=token, next_path=_next())


def redeem(token: str) -> ResponseReturnValue:
    """Open a session and go on at an address without the token; whatever session this browser had is over."""
    visitor = entry.enter(
        _as_sent(token), address=client_address(), user_agent=request.user_agent.string, leaving=find_current()
    )
    if visitor is None:
        return _closed()
    _begin(visitor)
    return redirect(unsent.waiting() or _next(), 303)


def _as_sent(token: str) -> str:
    """The token without what mail programs and people put behind an address: a full stop, a bracket, a quote."""
    return re.sub(r"[^A-Za-z0-9_-]+.*$", "", token, flags=re.DOTALL)


def _closed() -> Response:
    return page("portal/access/closed.html", status=404, form=AddressForm())


def _begin(visitor: Visitor) -> None:
    """A new session in this browser: nothing of the former one is kept but the language and the form that waits."""
    kept = {name: session[name] for name in ("language", unsent.MARK) if name in session}
    session.clear()
    session.update(kept)
    login_user(visitor)
    g.visitor = visitor


def sign_out(visitor: Visitor) -> ResponseReturnValue:
    """End the session, here and on the server."""
    entry.leave(visitor)
    logout_user()
    session.clear()
    return see_other("portal.access.ask", why="left")


def ask() -> ResponseReturnValue:
    """Ask for a new link; also what is seen by whoever has no session."""
    if find_current() is not None:
        return redirect(url_for("portal.account.home"), 303)
    return page("portal/access/ask.html", form=AddressForm(), why=request.args.get("why", ""))


def send_link() -> ResponseReturnValue:
    """Have a link sent, if somebody has this address; the answer is the same if nobody has."""
    form = AddressForm()
    if form.validate_on_submit():
        try:
            entry.ask_for_link(form.email.data or "", address=client_address())
        except Invalid as error:
            form.email.errors = [error.message]
        else:
            return see_other("portal.access.sent")
    return page("portal/access/ask.html", status=422, form=form, why="")


def sent() -> Response:
    with reading() as db:
        return page("portal/access/sent.html", is_held_up=is_held_up(db))


def code(visitor: Visitor) -> ResponseReturnValue:
    """Where a one-time code is asked for and typed."""
    if visitor.is_verified:
        return redirect(_next(), 303)
    return _code_page(visitor, CodeForm(), is_sent="sent" in request.args)


def send_code(visitor: Visitor) -> ResponseReturnValue:
    """Send a code to the address of whoever is here."""
    entry.send_code(visitor)
    return see_other("portal.access.code", sent=1, next=_next())


def confirm(visitor: Visitor) -> ResponseReturnValue:
    """Check the typed code, and go on where it was asked for."""
    form = CodeForm()
    if form.validate_on_submit():
        answer = entry.prove(visitor, form.code.data or "")
        if answer is CodeCheck.RIGHT:
            if (lifted := entry.renew(visitor)) is not None:
                login_user(lifted)
            return redirect(_next(), 303)
        form.code.errors = [
            _("This is not the code of our last message. Please look again.")
            if answer is CodeCheck.WRONG
            else _("This code is no longer valid. Please ask for a new one.")
        ]
    return _code_page(visitor, form, is_sent=True, status=422)


def _code_page(visitor: Visitor, form: CodeForm, *, is_sent: bool, status: int = 200) -> Response:
    address = labels.masked(visitor.email)
    with reading() as db:
        held_up = is_held_up(db)
    return page(
        "portal/access/code.html",
        status=status,
        form=form,
        is_sent=is_sent,
        next_path=_next(),
        address=address,
        is_held_up=held_up,
    )


def _next() -> str:
    return safe_next(request.values.get("next"), url_for("portal.account.home"))


def people(visitor: Visitor) -> Response:
    """Who has access to this account: people, their links, open sessions."""
    return _people_page(visitor, InvitationForm(language=visitor.language))


def invite(visitor: Visitor) -> ResponseReturnValue:
    """Give somebody a link of its own."""
    form = InvitationForm()
    if form.validate_on_submit():
        try:
            entry.invite(
                visitor,
                email=form.email.data or "",
                name=form.name.data or "",
                language=form.language.data,
                is_reminded=form.is_reminded.data,
            )
        except Invalid as error:
            form.email.errors = [error.message]
        else:
            flash(_("An invitation is on its way to %(email)s.", email=form.email.data), "good")
            return see_other("portal.access.people")
    return _people_page(visitor, form, status=422)


def _people_page(visitor: Visitor, form: InvitationForm, *, status: int = 200) -> Response:
    with reading() as db:
        people = queries.people_of(db, visitor.debtor_id)
        links = queries.live_links(db, visitor.debtor_id)
        sessions = queries.live_sessions(db, visitor.debtor_id)
    return page(
        "portal/access/people.html",
        status=status,
        form=form,
        people=people,
        links=links,
        sessions=sessions,
        purposes=labels.PURPOSES,
        browser=labels.browser,
    )


def remove(visitor: Visitor, contact_id: uuid.UUID) -> ResponseReturnValue:
    """End somebody's access."""
    entry.remove(visitor, contact_id)
    flash(_("This person no longer has access."), "good")
    return see_other("portal.access.people")


def agree(visitor: Visitor, contact_id: uuid.UUID) -> ResponseReturnValue:
    """Agree to somebody whom the company's staff added."""
    entry.agree(visitor, contact_id)
    flash(_("This person may now do what their role allows."), "good")
    return see_other("portal.access.people")


def revoke(visitor: Visitor, link_id: uuid.UUID) -> ResponseReturnValue:
    """Close one link, and the sessions that it opened."""
    if not entry.revoke(visitor, link_id):
        return page("errors/problem.html", status=404, code=404, **_no_such_link())
    flash(_("The link is closed. Nobody can use it any more."), "good")
    return see_other("portal.access.people")


def _no_such_link() -> dict[str, str]:
    return {"heading": _("There is nothing here"), "message": _("This link is closed already, or it is not yours.")}


def end(visitor: Visitor, session_id: uuid.UUID) -> ResponseReturnValue:
    """End one session."""
    entry.end(visitor, session_id)
    flash(_("The session is over."), "good")
    return see_other("portal.access.people")


def accounts(visitor: Visitor) -> Response:
    """The accounts of this company that this person acts for."""
    with reading() as db:
        rows = queries.accounts_of(db, visitor.contact_id)
    return page("portal/access/accounts.html", accounts=rows)


def switch(visitor: Visitor, debtor_id: uuid.UUID) -> ResponseReturnValue:
    """Go over to another of these accounts, in a new session."""
    changed = entry.change_account(visitor, debtor_id)
    if changed is not None:
        _begin(changed)
    return see_other("portal.account.home")
