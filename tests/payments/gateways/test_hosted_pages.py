"""Where a form of ours may lead: the providers' hosted pages, as a browser sees it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from flask import Flask, redirect, request
from pydantic import SecretStr, ValidationError
from werkzeug.serving import make_server

from payments.gateways.choose import hosted_pages
from shared.kit.settings import Settings
from shared.web.app import build
from tests.support.browser_chromium import chromium


def settings(**given: object) -> Settings:
    secrets = {
        "stripe_webhook_secret": SecretStr("whsec_7Qm2Zr8Kx4Lp9Td3"),
        "gocardless_webhook_secret": SecretStr("Hn5Vb1Wc6Ye0Ju8Sf2Ag"),
    }
    return Settings(secret_key=SecretStr("f6b1c0d97a3e48529d04be7716c8a2f3"), mode="production", **secrets, **given)


@pytest.mark.parametrize(
    ("given", "pages"),
    [
        (
            {"stripe_api_key": "sk_live_1", "gocardless_access_token": "live_1"},
            ("https://checkout.stripe.com", "https://pay.gocardless.com"),
        ),
        (
            {"stripe_api_key": "sk_test_1", "gocardless_access_token": "sandbox_1"},
            ("https://checkout.stripe.com", "https://pay-sandbox.gocardless.com"),
        ),
        (
            {"gocardless_access_token": "sandbox_1", "gocardless_base_url": "https://api-sandbox.gocardless.com"},
            ("https://checkout.stripe.com", "https://pay-sandbox.gocardless.com"),
        ),
        (
            {"stripe_api_base": "http://127.0.0.1:8001", "gocardless_base_url": "http://127.0.0.1:8001"},
            ("http://127.0.0.1:8001",),
        ),
        (
            {"hosted_pages": "https://pay.example.fr"},
            ("https://checkout.stripe.com", "https://pay-sandbox.gocardless.com", "https://pay.example.fr"),
        ),
    ],
)
def test_the_pages_follow_from_keys_and_addresses(given, pages):
    assert hosted_pages(settings(**given)) == pages


@pytest.mark.parametrize("origin", ["pay.example.fr", "https://pay.example.fr/path", "https://x; script-src *", "*"])
def test_what_is_no_origin_is_refused_at_the_start(origin):
    with pytest.raises(ValidationError, match="is no origin"):
        settings(hosted_pages=origin)


@contextmanager
def served(app: Flask) -> Iterator[int]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()


@pytest.mark.browser
@pytest.mark.parametrize("is_named", [True, False])
def test_chromium_follows_a_form_to_a_third_host_only_when_it_is_named(is_named):
    provider = Flask("provider")
    provider.add_url_rule("/pay", view_func=lambda: "<h1>the provider's page</h1>")
    with served(provider) as there:
        page = f"http://localhost:{there}"
        ours = settings(hosted_pages=page if is_named else "")
        door = build("portal", ours, cookie="guichet", form_targets=hosted_pages(ours))
        door.config["WTF_CSRF_ENABLED"] = False

        def go() -> object:
            if request.method == "POST":
                return redirect(f"{page}/pay", 303)
            return '<form method="post"><button>Pay</button></form>'

        door.add_url_rule("/", view_func=go, methods=["GET", "POST"])
        with served(door) as here, chromium() as browser:
            tab = browser.new_page()
            tab.goto(f"http://127.0.0.1:{here}/")
            tab.get_by_role("button", name="Pay").click()
            if is_named:
                tab.wait_for_url(f"{page}/pay")
            else:
                tab.wait_for_timeout(1_000)
                assert tab.url == f"http://127.0.0.1:{here}/"
