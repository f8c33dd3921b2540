"""The bare Flask app that both doors are built from."""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask, g, request, session
from flask.templating import Environment as DoorTemplates

from shared.kit import clock, templating, words
from shared.kit.settings import Settings
from shared.kit.sheets import Sheets
from shared.web import assets, pages, security

LanguageOf = Callable[[], str | None]


class _Pages(Sheets, DoorTemplates):
    """Flask's environment, with a template for each language."""


def build(name: str, settings: Settings, *, cookie: str, form_targets: tuple[str, ...] = ()) -> Flask:
    """A Flask app with our templates, languages, assets, headers and error pages, and no routes yet."""
    app = Flask(name, template_folder=str(templating.TEMPLATES), static_folder=None)
    app.jinja_environment = _Pages
    app.testing = settings.mode == "test"
    templating.furnish(app.jinja_env)
    app.extensions["guichet.language"] = []
    app.before_request(security.refuse_unreadable)
    assets.install(app)  # first: what serves a style sheet asks for nobody's language

    @app.before_request
    def choose_language() -> None:
        """Before anything can refuse the request: a refusal, too, speaks the reader's language."""
        words.speak(_language(app))
        g.now = clock.now()

    security.protect(app, settings, cookie=cookie, form_targets=form_targets)
    pages.register_problems(app)
    security.refuse_nul(app)
    app.jinja_env.globals["languages"] = words.LANGUAGES
    app.jinja_env.globals["settings"] = settings
    return app


def language_from(app: Flask, source: LanguageOf) -> None:
    """Let a door say which language its principal prefers."""
    app.extensions["guichet.language"].append(source)


def _language(app: Flask) -> str:
    wanted = request.args.get("language")
    chosen = wanted if wanted in words.LANGUAGES else session.get("language")
    if chosen in words.LANGUAGES:
        return str(chosen)
    for source in app.extensions["guichet.language"]:
        preferred = source()
        if preferred in words.LANGUAGES:
            return str(preferred)
    return request.accept_languages.best_match(words.LANGUAGES) or "fr"
