"""The map of a door: one row per URL with its guard, mounted with the endpoint named after the view.

A view receives what its guard gives (the principal) first, then the URL's values: `start(visitor, reference)`.
Its endpoint is its module without `.views` plus its name: `portal.pay.start`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from flask import Flask
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

View = Callable[..., ResponseReturnValue]


@dataclass(frozen=True, slots=True)
class Guard:
    """Who may pass. `check` gives the principal, or an answer that turns the visitor away, or None when `anyone`."""

    name: str
    check: Callable[[], Any]
    gives_principal: bool = True
    is_csrf_exempt: bool = False


anyone = Guard("anyone", lambda: None, gives_principal=False)
"""Open to all: the landing page, health, the sign-in form."""

provider = Guard("provider", lambda: None, gives_principal=False, is_csrf_exempt=True)
"""A webhook: its view checks the signature over the raw body."""


@dataclass(frozen=True, slots=True)
class Route:
    """One URL: methods separated by spaces, path, view, guard."""

    methods: str
    path: str
    view: View
    guard: Guard

    @property
    def endpoint(self) -> str:
        module = self.view.__module__.removesuffix(".views")
        return f"{module}.{self.view.__name__.rstrip('_')}"


def mount(app: Flask, routes: Iterable[Route]) -> None:
    """Register every route with its guard; the guard's name is kept on the view for the house tests."""
    for route in routes:
        view = _guarded(route)
        if route.guard.is_csrf_exempt:
            app.extensions["csrf"].exempt(view)
        app.add_url_rule(route.path, route.endpoint, view, methods=route.methods.split())


def _guarded(route: Route) -> View:
    @wraps(route.view)
    def view(**values: Any) -> ResponseReturnValue:
        principal = route.guard.check()
        if isinstance(principal, Response):
            return principal
        if route.guard.gives_principal:
            return route.view(principal, **values)
        return route.view(**values)

    view.guard = route.guard  # type: ignore[attr-defined]
    view.__module__, view.__name__ = route.view.__module__, route.endpoint.replace(".", "_")
    return view
