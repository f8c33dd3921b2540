"""The doors of tests: one app for all tests of a run that have the same settings.

Mounting two hundred routes takes longer than most tests do. What an app is given is its settings, but for the folder of
files, which is asked of those in charge at each use.
"""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask

import payments
import wsgi
from shared.kit.settings import Settings
from shared.web.app import build

_built: dict[tuple[str, str], Flask] = {}


def portal_door(settings: Settings) -> Flask:
    """The whole portal."""
    return _once("portal", settings, wsgi.build_portal)


def desk_door(settings: Settings) -> Flask:
    """The whole back-office."""
    return _once("backoffice", settings, wsgi.build_backoffice)


def webhook_door(settings: Settings) -> Flask:
    """What takes the providers' news, and nothing else."""
    return _once("webhooks", settings, _webhooks)


def _webhooks(settings: Settings) -> Flask:
    app = build("portal", settings, cookie="guichet")
    payments.register(app, settings)
    return app


def _once(name: str, settings: Settings, make: Callable[[Settings], Flask]) -> Flask:
    facts = {field: value for field, value in settings.model_dump().items() if field != "var_dir"}
    key = (name, repr({field: _plain(value) for field, value in facts.items()}))
    if key not in _built:
        _built[key] = make(settings)
    app = _built[key]
    app.jinja_env.globals["settings"] = settings
    return app


def _plain(value: object) -> object:
    reveal = getattr(value, "get_secret_value", None)
    return reveal() if reveal else value
