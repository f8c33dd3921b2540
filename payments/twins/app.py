"""The twins as one Flask app: two providers, their hosted pages, the control page and the demo inbox."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from flask import Flask, Response, redirect, request
from werkzeug.wrappers import Response as BaseResponse

from payments.twins import control, inbox, pages, webhooks, words
from payments.twins.gocardless_twin import api as gocardless_api
from payments.twins.gocardless_twin import customers
from payments.twins.gocardless_twin import pages as gocardless_pages
from payments.twins.store import Transaction
from payments.twins.stripe_twin import api as stripe_api
from payments.twins.stripe_twin import pages as stripe_pages
from payments.twins.wire import HangUp
from payments.twins.words import gettext as _
from payments.twins.world import Options, World, build_world

ROOT = Path(__file__).parents[2]


def create_app(
    state_dir: Path,
    *,
    public_url: str,
    stripe_webhook_url: str = "",
    stripe_webhook_secret: str = "whsec_of_the_twin_of_stripe",  # noqa: S107 - the twins guard no real money
    gocardless_webhook_url: str = "",
    gocardless_webhook_secret: str = "secret_of_the_twin_of_gocardless",  # noqa: S107 - same
    stripe_api_key: str = "sk_test_twin",
    gocardless_access_token: str = "sandbox_twin",  # noqa: S107 - same
    app_url: str = "",
) -> Flask:
    """Build the app on the state in `state_dir`. Raises `LiveKeys` beside keys that move real money."""
    options = Options(
        state_dir=state_dir,
        public_url=public_url.rstrip("/"),
        stripe_webhook_url=stripe_webhook_url,
        stripe_webhook_secret=stripe_webhook_secret,
        gocardless_webhook_url=gocardless_webhook_url,
        gocardless_webhook_secret=gocardless_webhook_secret,
        stripe_api_key=stripe_api_key,
        gocardless_access_token=gocardless_access_token,
        app_url=app_url.rstrip("/"),
    )
    return app_for(build_world(options))


def app_for(world: World) -> Flask:
    """The app around a world that is open already."""
    world.store.before_commit = lambda transaction: webhooks.enqueue(world, transaction)
    world.store.after_commit = _waker(world)
    furnish(world)
    app = Flask(
        "payments.twins",
        template_folder=str(ROOT / "templates"),
        static_folder=str(ROOT / "static" / "twins"),
        static_url_path="/_twin/static",
    )
    app.config["SEND_FILE_MAX_AGE_DEFAULT"] = timedelta(hours=1)
    app.extensions["twins"] = world
    for blueprint in (stripe_api.bp, stripe_pages.bp, gocardless_pages.bp, control.bp, inbox.bp, gocardless_api.bp):
        app.register_blueprint(blueprint)
    app.jinja_env.globals.update(
        _=words.gettext, world=world, language=words.language, other_language=pages.other_language
    )
    app.jinja_env.filters.update(amount=words.amount, number=words.number, moment=words.moment, day=words.day)
    app.add_url_rule("/", view_func=_home)
    app.register_error_handler(404, _not_found)
    app.wsgi_app = HangUp(app.wsgi_app)  # type: ignore[method-assign]
    return app


def furnish(world: World) -> None:
    """See to it that there is a creditor: whoever signs up with GoCardless has one."""
    with world.store.transaction() as transaction:
        if not transaction.find("gocardless", "creditors", limit=1):
            customers.create_creditor(
                transaction,
                {
                    "name": world.options.creditor_name,
                    "scheme_reference": world.options.creditor_ics,
                    "address_line1": "12 rue de la Caisse",
                    "city": "Paris",
                    "postal_code": "75002",
                },
            )


def _waker(world: World) -> Callable[[Transaction], None]:
    def wake(transaction: Transaction) -> None:
        if transaction.news:
            world.something_new.set()

    return wake


def _home() -> BaseResponse:
    return redirect("/_twin/")


def _not_found(_error: Any) -> Response:
    """A machine gets its provider's words, a person a page."""
    if request.headers.get("GoCardless-Version") or request.headers.get("Authorization"):
        return gocardless_api.unknown()
    return pages.page("message.html", status=404, title=_("There is nothing here"), text="")
