"""Pages for people: rendered from `templates/twins/`, never stored by browsers, never framed by others."""

from __future__ import annotations

from typing import Any

from flask import Response, make_response, render_template, request
from werkzeug.datastructures import MultiDict

from payments.twins import words


def page(template: str, *, status: int = 200, **facts: Any) -> Response:
    response = make_response(render_template(f"twins/{template}", **facts), status)
    response.headers["Cache-Control"] = "no-store"
    response.headers["Content-Security-Policy"] = (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; font-src 'self'; frame-src 'self'; base-uri 'none'"
    )
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def other_language() -> str:
    """The present address in the other language."""
    args = MultiDict(request.args)
    args["lang"] = "en" if words.language() == "fr" else "fr"
    return request.path + "?" + "&".join(f"{name}={value}" for name, value in args.items())
