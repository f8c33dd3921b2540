"""The stamp of a form: that it is ours, at whose desk it was made, and by whom.

Every form carries a CSRF token, or it is refused. Behind the token stands the *place* (the company on the desk, the
account at the counter) and the *writer* (a keyed hash of who was signed in). Thus no form can forget to say where it
belongs: `form.hidden_tag()`, `form.csrf_token()` and the component `csrf()` all write the stamp.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Flask, current_app, g
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFProtect, _FlaskFormCSRF, generate_csrf

_BETWEEN = "~"
_KEY, _ELSEWHERE = "guichet.stamp", "guichet.elsewhere"


@dataclass(frozen=True, slots=True)
class Stamp:
    """Where a form was made (an id, or "" when nobody was signed in), and who looked at it (a keyed hash, or "")."""

    place: str = ""
    writer: str = ""


def install(app: Flask) -> CSRFProtect:
    """Protect every POST, and stamp every form."""
    protection = _Stamped(app)  # type: ignore[no-untyped-call]
    app.jinja_env.globals["csrf_token"] = new_token
    app.context_processor(lambda: {"csrf_token": new_token})
    return protection


def stamp_with(
    app: Flask,
    principal: Callable[[], tuple[str, str] | None],
    *,
    elsewhere: Callable[[], ResponseReturnValue] | None = None,
) -> None:
    """Let a door say what stands on its stamps: the place and the id of whoever is signed in, or None.

    `elsewhere` answers a form that its writer sends from another place than where it was made.
    """
    app.extensions[_KEY] = principal
    app.extensions[_ELSEWHERE] = elsewhere


def answer_elsewhere() -> ResponseReturnValue | None:
    """The door's answer to a form of another place; None when the door has none of its own."""
    answer: Callable[[], ResponseReturnValue] | None = current_app.extensions.get(_ELSEWHERE)
    return answer() if answer else None


def present() -> Stamp:
    """The stamp of the forms that this request makes."""
    found: tuple[str, str] | None = current_app.extensions.get(_KEY, lambda: None)()
    if found is None:
        return Stamp()
    place, person = found
    key = str(current_app.secret_key).encode()
    return Stamp(place, hmac.new(key, f"writer|{current_app.name}|{person}".encode(), hashlib.sha256).hexdigest()[:24])


def sent() -> Stamp:
    """The stamp of the form that this request brings; empty for none."""
    stamp: Stamp = g.get("sent_stamp", Stamp())
    return stamp


def new_token() -> str:
    """A CSRF token with the stamp behind it."""
    return _stamped(str(generate_csrf()))


def _stamped(token: str) -> str:
    stamp = present()
    return _BETWEEN.join((token, stamp.place, stamp.writer)) if stamp.writer else token


class FormCSRF(_FlaskFormCSRF):  # Flask-WTF ships without types
    """The token of a WTForms form, stamped; it was checked before the view was called."""

    def generate_csrf_token(self, csrf_token_field: Any) -> str:
        return _stamped(str(super().generate_csrf_token(csrf_token_field)))  # type: ignore[no-untyped-call]


class _Stamped(CSRFProtect):
    """Reads the stamp from behind the token before the token is checked."""

    def _get_csrf_token(self) -> str | None:
        token, *rest = (super()._get_csrf_token() or "").split(_BETWEEN)  # type: ignore[no-untyped-call]
        if len(rest) == 2:
            g.sent_stamp = Stamp(*(part[:64] for part in rest))
        return token or None
