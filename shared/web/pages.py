"""Answers: a page, a redirect after a POST, a problem in plain words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as AnyResponse

from shared.kit.aside import Engaged
from shared.kit.errors import DomainError
from shared.kit.words import gettext as _
from shared.web import away, stamps, unsent


def page(template: str, *, status: int = 200, **context: Any) -> Response:
    """Render a template."""
    return make_response(render_template(template, **context), status)


def see_other(endpoint: str, **values: Any) -> AnyResponse:
    """Redirect after a POST to one of our endpoints (303)."""
    return redirect(url_for(endpoint, **values), code=303)


def send_away(url: str) -> AnyResponse:
    """Redirect to a provider's hosted page (303)."""
    return redirect(url, code=303)


def safe_next(target: str | None, fallback: str) -> str:
    """A path of this site to go on to, never another site."""
    if not target:
        return fallback
    try:
        parts = urlsplit(target)
    except ValueError:  # half an IPv6 address
        return fallback
    is_ours = not parts.scheme and not parts.netloc and target.startswith("/") and "\\" not in target
    if not target.isprintable():  # a line break would end the header that carries it
        return fallback
    return target if is_ours and not target.startswith("//") else fallback


def problem(
    status: int, title: str, message: str, *, typed: Sequence[str] = (), attached: Sequence[str] = ()
) -> Response:
    """A page that says what went wrong and what to do.

    `typed`: texts that their writer may want to copy; `attached`: names of files that came with them and are not kept.
    """
    if request.accept_mimetypes.best == "application/json":
        return make_response({"error": {"status": status, "title": title, "message": message}}, status)
    told = {"code": status, "heading": title, "message": message, "typed": typed, "attached": attached}
    return page("errors/problem.html", status=status, **told)


def register_problems(app: Flask) -> None:
    """Turn refusals into pages; an unexpected error is a bug: logged with its trace, answered with 500."""

    @app.errorhandler(DomainError)
    def domain_error(error: DomainError) -> Response:
        if isinstance(error, Engaged):
            return _again_soon(error)
        return problem(error.http_status, _title(error.http_status), error.message)

    @app.errorhandler(CSRFError)
    def too_late(_error: CSRFError) -> ResponseReturnValue:
        return _too_late()

    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> Response | HTTPException:
        code = error.code or 500
        if code < 400:
            return error
        return problem(code, _title(code), _explain(code))

    @app.errorhandler(Exception)
    def bug(error: Exception) -> Response:
        if away.is_full(error):
            app.logger.error("no room left at %s: %s", request.endpoint, type(error).__name__)
            return problem(507, _title(507), _explain(507), typed=unsent.typed(), attached=unsent.attached())
        if away.is_away(error):
            app.logger.error("the database is away at %s: %s", request.endpoint, type(error).__name__)
            away.speak_without_asking()
            return away.plain_problem(app, 503, _title(503), _database_away())
        if app.testing:
            raise error
        app.logger.error("unexpected error at %s", request.endpoint, exc_info=error)
        return problem(500, _title(500), _explain(500), typed=unsent.typed())


def _again_soon(error: Engaged) -> Response:
    """What was asked for has no place at this moment: a page asks again by itself, also without scripts."""
    answer = problem(503, _title(503), error.message, typed=unsent.typed())
    answer.headers["Retry-After"] = "5"
    if request.method == "GET":
        answer.headers["Refresh"] = "5"
    return answer


def _too_late() -> ResponseReturnValue:
    """A form whose session is over, or another one: kept for its writer, who comes back to it."""
    here, sent = stamps.present(), stamps.sent()
    if here.writer and sent.writer and here != sent:
        answer = stamps.answer_elsewhere() if here.writer == sent.writer else None
        return elsewhere() if answer is None else answer
    if unsent.keep():
        if not here.writer:
            unsent.say_kept()
        return redirect(f"{unsent.page_of_form()}#{unsent.MARK}", 303)
    if not request.cookies:
        return problem(
            400,
            _("Your browser sent no cookie"),
            _(
                "Without cookies nobody can be recognised here, and no form can be taken. Allow cookies for this site in the "
                "settings of your browser, then open the page again."
            ),
            typed=unsent.typed(),
        )
    return problem(
        400,
        _title(400),
        _("This form is too old. Please open the page again and fill it in anew."),
        typed=unsent.typed(),
    )


def elsewhere() -> Response:
    """A form of another account or person than the one who is here now: nothing is done with it."""
    return problem(
        409,
        _("This form belongs to another account"),
        _(
            "It was opened before the account was changed in another window. Nothing has been done. "
            "Please open its page again in the right account."
        ),
        typed=unsent.typed(),
    )


def _title(status: int) -> str:
    titles = {
        400: _("This request cannot be read"),
        403: _("This is not open to you"),
        404: _("There is nothing here"),
        409: _("Something has changed meanwhile"),
        413: _("This is too large"),
        422: _("Something is missing or wrong"),
        429: _("Too many tries"),
        503: _("Please try again in a moment"),
        507: _("There is no room left"),
    }
    return titles.get(status, _("Something went wrong"))


def _broken() -> str:
    if request.method != "POST":
        return _("The error is recorded. Please try again; if it stays, contact us.")
    return _(
        "The error is recorded. What you sent may not have been kept: look before you send it again. If it stays, contact us."
    )


def _full() -> str:
    if request.method != "POST":
        return _("The server has no room left to make this. Please try again later.")
    return _("The server has no room left: what you sent could not be kept. Keep a copy of it and try again later.")


def _database_away() -> str:
    if request.method != "POST":
        return _("Guichet cannot reach its data at the moment. Please load this page again in a minute.")
    return _(
        "Guichet cannot reach its data at the moment. What you sent may not have been kept: look before you send it again."
    )


def _explain(status: int) -> str:
    words = {
        403: _("You do not have the right to do this. If you need it, ask a colleague who manages the rights."),
        404: _("The page does not exist, or it is not yours to see."),
        413: _("What you sent is larger than we can take."),
        429: _("Please wait a few minutes before you try again."),
        503: _("An outside service does not answer. Please try again in a moment."),
        500: _broken(),
        507: _full(),
    }
    return words.get(status, _("Please go back and try again."))
