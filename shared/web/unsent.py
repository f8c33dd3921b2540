"""What was typed is not lost: a form that came too late, or to the wrong desk, is kept and shown filled in again.

A session may end while somebody types, a proof may grow old, a company may change in another window. The form is then
kept (`shared.kit.drafts`), the reader does what is missing, and the page of the form puts back what was typed, says
so, and has sent nothing. One mechanism for every form of both doors: it works on the finished page, by the names of
its fields, so that no form has to know of it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

from flask import Flask, current_app, flash, g, redirect, render_template, request, session, url_for
from lxml import html
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from shared.kit import drafts
from shared.kit.db import reading, transaction
from shared.kit.words import gettext as _
from shared.web import stamps
from shared.web.stamps import Stamp

MARK = "unsent"
"""The drafts' tokens in the cookie, the latest first, and where in the page the reader is led to."""
MOST_KEPT = 4
"""So many forms of one browser wait beside each other."""
SECRET = frozenset({"password", "present", "again"})
"""A form with a field of such a name is never kept."""
MOST_FIELDS = 2_000
MOST_QUERY = 3_000
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(:.*)?")
_UNTYPED = frozenset({"hidden", "password", "file", "submit", "button", "image", "reset"})


_SHOWN = "seen"
"""The hidden field that says what stood there when the form was shown: with that of now, what a colleague saved meanwhile would be
taken for what the writer saw, and reverted without a word (`shared.web.shared_form`)."""

_PUT_BACK = "unsent_put_back"
"""Of the drafts in the cookie, those that stood in their form again."""
_NEVER = "guichet.unsent.never"


def install(app: Flask, *, never: frozenset[str]) -> None:
    """Let every page of this door put back what was typed. `never`: endpoints whose forms hold codes and proofs."""
    app.extensions[_NEVER] = never
    app.after_request(_put_back)


def keep() -> bool:
    """Keep the form that this request brings; False when it cannot be kept (a stranger's, a secret's, too large)."""
    stamp = stamps.sent()
    if "unsent_kept" in g:
        return True
    if request.method != "POST" or not stamp.writer or _is_secret():
        return False
    fields = [[name, text] for name, text in request.form.items(multi=True) if name != "csrf_token"]
    if not fields or len(fields) > MOST_FIELDS:
        return False
    body = {
        "stamp": [stamp.place, stamp.writer],
        "action": request.path,
        "page": page_of_form(),
        "fields": fields,
        "files": attached(),
    }
    with transaction() as db:
        token = drafts.keep(db, body)
    if token is not None:
        before = [each for each, draft in _drafts() if not _is_same(draft, body) and not _came_again(each, draft)]
        session[MARK] = [token, *before][:MOST_KEPT]
        g.unsent_kept = token
    return token is not None


def not_taken(form: Any, endpoint: str, **values: Any) -> Response:
    """What was typed breaks a rule of its form: say which on the page of the form, where it stands again."""
    keep()
    for errors in form.errors.values():
        flash(str(errors[0]), "error")
    return redirect(url_for(endpoint, **values), 303)


def is_kept() -> bool:
    """Whether the form of this very request was kept."""
    return "unsent_kept" in g


def _is_secret() -> bool:
    return not SECRET.isdisjoint(request.form) or request.endpoint in current_app.extensions.get(_NEVER, ())


def page_of_form() -> str:
    """Where the form that was sent can be looked at: its own address, or the nearest one above it."""
    map_ = current_app.url_map.bind("")
    path = request.path
    while path and path != "/":
        try:
            map_.match(path, method="GET")
        except HTTPException:
            path = path.rpartition("/")[0]
        else:
            break
    query = request.query_string.decode(errors="replace") if path == request.path else ""
    query = "&".join(part for part in query.split("&") if part and not part.startswith("speak="))
    if not query and path == request.path:
        query = urlencode(_chosen())[:MOST_QUERY]
    return request.script_root + (path or "/") + (f"?{query}" if query else "")


def _chosen() -> list[tuple[str, str]]:
    """What a page is opened with: the ids that its form carries along (`?invoice=…`)."""
    fields = request.form.items(multi=True)
    return [(name, text) for name, text in fields if name != "attempt" and _ID.fullmatch(text)]


def waiting(stamp: Stamp | None = None) -> str | None:
    """The page of the latest form that waits for whoever is here now, with the place in it; None when none waits."""
    mine = stamp or stamps.present()
    return next((f"{draft['page']}#{MARK}" for _token, draft in _drafts() if _stamp_of(draft) == mine), None)


def place_waiting() -> str:
    """The place (a company's id) at which the latest form that waits was made, or ""."""
    return next((_stamp_of(draft).place for _token, draft in _drafts()), "")


def typed() -> list[str]:
    """The texts of the form that this request brings, as its writer recognises them."""
    if _is_secret():
        return []
    return _readable([(name, text) for name, text in request.form.items(multi=True) if name != "csrf_token"])


def attached() -> list[str]:
    """The names of the files that this request brings."""
    return [each.filename for each in request.files.values() if each.filename]


def say_kept() -> None:
    """Tell on the next page that the form waits there."""
    flash(_("Nothing has been sent. What you typed is kept for two hours and will stand in the form again."), "wait")


def _readable(fields: Sequence[tuple[str, str]]) -> list[str]:
    return [text for _name, text in fields if text.strip() and not _ID.fullmatch(text)]


def _drafts() -> list[tuple[str, dict[str, Any]]]:
    """The forms that wait in this browser, the latest first, each with its token."""
    if MARK not in session:
        return []
    if "unsent" not in g:
        with reading() as db:
            kept = (
                session[MARK] if isinstance(session[MARK], list) else [session[MARK]]
            )  # a cookie of the version before
            found = [(str(token), drafts.find(db, str(token))) for token in kept]
        g.unsent = [(token, draft) for token, draft in found if draft is not None]
        _keep_only(g.unsent)
    waiting: list[tuple[str, dict[str, Any]]] = g.unsent
    return waiting


def _keep_only(those: list[tuple[str, dict[str, Any]]]) -> None:
    if those:
        session[MARK] = [token for token, _draft in those]
    else:
        session.pop(MARK, None)
        session.pop(_PUT_BACK, None)


def _let_go(token: str) -> None:
    """This one is not put back any more."""
    g.unsent = [each for each in _drafts() if each[0] != token]
    _keep_only(g.unsent)


def _came_again(token: str, draft: dict[str, Any]) -> bool:
    """It had been put back into the form that this request brings: what came is what its writer made of it."""
    return token in session.get(_PUT_BACK, []) and bool(draft["action"] == request.path)


def _is_same(draft: dict[str, Any], other: dict[str, Any]) -> bool:
    """The same form with the same words, sent once more."""
    return all(draft[name] == other[name] for name in ("stamp", "action", "page", "fields"))


def _stamp_of(draft: dict[str, Any]) -> Stamp:
    return Stamp(*draft["stamp"])


def _put_back(response: Response) -> Response:
    if MARK not in session or "unsent_kept" in g:
        return response
    if request.method == "POST":
        _forget_when_taken(response)
    elif request.method == "GET" and response.status_code == 200 and response.mimetype == "text/html":
        here, mine = request.script_root + request.path, stamps.present()
        for token, draft in _drafts():
            if draft["page"].partition("?")[0] == here and mine == _stamp_of(draft):
                response.set_data(_filled(response.get_data(as_text=True), token, draft))
                break
    return response


def _forget_when_taken(response: Response) -> None:
    """The same form came again and was answered: from then on it looks after itself."""
    if response.status_code >= 400:
        return
    taken = next((token for token, draft in _drafts() if draft["action"] == request.path), None)
    if taken is None:
        return
    with transaction() as db:
        drafts.forget(db, taken)
    _let_go(taken)


def _filled(text: str, token: str, draft: dict[str, Any]) -> str:
    """The page with its form filled in, and a word about it."""
    tree = html.document_fromstring(text)  # type: ignore[no-untyped-call]
    form = _find_form(tree, draft)
    fields = [(str(name), str(value)) for name, value in draft["fields"]]
    left = fields if form is None else _fill(form, fields)
    told = render_template("errors/_unsent.html", is_there=form is not None, left=_readable(left), files=draft["files"])
    notice = html.fragment_fromstring(told, create_parent=False)  # type: ignore[no-untyped-call]
    if form is None:
        target = tree.get_element_by_id("content", None)
        (tree.body if target is None else target).insert(0, notice)
        _let_go(token)  # shown this once: there is no form to put it into
    else:
        session[_PUT_BACK] = [each for each, _draft in _drafts() if each == token or each in session.get(_PUT_BACK, [])]
        form.insert(0, notice)
        for above in form.iterancestors("details"):
            above.set("open", "")
    body = html.tostring(tree, encoding="unicode", doctype="<!doctype html>")  # type: ignore[no-untyped-call]
    return str(body)


def _find_form(tree: Any, draft: dict[str, Any]) -> Any:
    """The form of the page that has the draft's action, and of several the one with most of its names and values."""
    here = request.script_root + request.path
    wanted = request.script_root + draft["action"]
    names = {name for name, _value in draft["fields"]}
    hidden = {(name, value) for name, value in draft["fields"]}
    best, most = None, -1
    for form in tree.iter("form"):
        actions = {urlsplit(urljoin(here, form.get("action") or here)).path}
        actions |= {urlsplit(urljoin(here, each.get("formaction"))).path for each in form.xpath(".//*[@formaction]")}
        if (form.get("method") or "get").lower() != "post" or wanted not in actions:
            continue
        controls = form.xpath(".//input[@name]|.//textarea[@name]|.//select[@name]")
        score = 10 * len(names & {each.get("name") for each in controls})
        score += sum(
            (each.get("name"), each.get("value")) in hidden for each in controls if each.get("type") == "hidden"
        )
        if score > most:
            best, most = form, score
    return best


def _fill(form: Any, fields: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Put values into the controls of their names; gives what found no place."""
    left = list(fields)
    for control in form.xpath(".//input[@name]|.//textarea[@name]|.//select[@name]"):
        name = control.get("name")
        kind = (control.get("type") or "text").lower() if control.tag == "input" else control.tag
        given = [text for known, text in fields if known == name]
        if kind in ("checkbox", "radio"):
            _set(control, "checked", is_on=control.get("value", "y") in given)
            left = [each for each in left if each[0] != name]
        elif kind == "select":
            for option in control.iter("option"):
                _set(option, "selected", is_on=(option.get("value") or option.text or "") in given)
            left = [each for each in left if each[0] != name]
        elif kind in _UNTYPED:
            if name == _SHOWN and given:
                control.set("value", given[0])
            left = [each for each in left if each[0] != name]
        elif (taken := next((each for each in left if each[0] == name), None)) is not None:
            left.remove(taken)
            if control.tag == "textarea":
                written = taken[1].replace("\r\n", "\n")
                control.text = (
                    "\n" + written if written.startswith("\n") else written
                )  # browsers drop a first line break
            else:
                control.set("value", taken[1])
    buttons = {each.get("name") for each in form.xpath(".//button[@name]")}
    return [each for each in left if each[0] not in buttons]


def _set(control: Any, attribute: str, *, is_on: bool) -> None:
    if is_on:
        control.set(attribute, "")
    elif attribute in control.attrib:
        del control.attrib[attribute]
