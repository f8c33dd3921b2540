"""What is no bug of ours: the database is away, or the disk is full. Each has true words and a status of its own."""

from __future__ import annotations

import errno
from collections.abc import Iterator

from flask import Flask, Response, make_response, request, session
from psycopg import errors as pg
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from shared.kit import words

_NOT_AWAY = (pg.LockNotAvailable, pg.DeadlockDetected, pg.QueryCanceled, pg.DiskFull, pg.ProgramLimitExceeded)
_FULL = (errno.ENOSPC, errno.EDQUOT)
AGAIN_AFTER_S = 30


def is_full(error: BaseException) -> bool:
    """Whether there is no room left: on our disk, or on the database's."""
    return any(
        (isinstance(each, OSError) and each.errno in _FULL)
        or (isinstance(each, DBAPIError) and isinstance(each.orig, pg.DiskFull))
        for each in _chain(error)
    )


def is_away(error: BaseException) -> bool:
    """Whether the database does not answer, or takes nobody in."""
    return any(
        isinstance(each, PoolTimeout | InterfaceError)
        or (isinstance(each, OperationalError) and not isinstance(each.orig, _NOT_AWAY))
        for each in _chain(error)
    )


def _chain(error: BaseException) -> Iterator[BaseException]:
    following: BaseException | None = error
    while following is not None:
        yield following
        following = following.__cause__


def plain_problem(app: Flask, status: int, title: str, message: str) -> Response:
    """The page of a problem, without anything that a door would ask the database for."""
    if request.accept_mimetypes.best == "application/json":
        answer = make_response({"error": {"status": status, "title": title, "message": message}}, status)
    else:
        template = app.jinja_env.get_template("errors/problem.html")
        answer = make_response(template.render(code=status, heading=title, message=message, typed=()), status)
    answer.headers["Retry-After"] = str(AGAIN_AFTER_S)
    return answer


def speak_without_asking() -> None:
    """The reader's language, as far as his browser tells it: who he is cannot be looked up."""
    chosen = request.args.get("language") or session.get("language")
    if chosen not in words.LANGUAGES:
        chosen = request.accept_languages.best_match(words.LANGUAGES) or "fr"
    words.speak(str(chosen))
