"""Three errors come out of a gateway, whatever the SDK raises, and none speaks inside a transaction."""

from __future__ import annotations

import typing
import uuid
from datetime import UTC, datetime

import pytest
import stripe

from payments.gateways import gocardless_gateway, stripe_gateway
from payments.gateways.base import Declined, TryLater, Unknown
from payments.gateways.choose import cards, debits
from shared.kit.db import transaction


def literals(annotation) -> set[str]:
    """The words that the SDK's own type allows."""
    found = set()
    for part in typing.get_args(annotation) or ():
        found |= {part} if isinstance(part, str) else literals(part)
    return found


def test_every_status_of_stripe_is_translated():
    words = literals(stripe.PaymentIntent.__annotations__["status"])
    assert words
    assert words <= set(stripe_gateway.INTENT_STATUS)
    assert set(stripe_gateway.REFUND_STATUS) == {"pending", "requires_action", "succeeded", "failed", "canceled"}


def test_every_status_of_gocardless_is_translated():
    assert set(gocardless_gateway.PAYMENT_STATUS) == {
        "pending_customer_approval",
        "pending_submission",
        "submitted",
        "confirmed",
        "paid_out",
        "cancelled",
        "customer_approval_denied",
        "failed",
        "charged_back",
    }
    assert set(gocardless_gateway.MANDATE_STATUS) == {
        "pending_customer_approval",
        "pending_submission",
        "submitted",
        "active",
        "suspended_by_payer",
        "failed",
        "cancelled",
        "expired",
        "consumed",
        "blocked",
    }


CALLS = {
    "stripe": lambda: cards().look("pi_1"),
    "gocardless": lambda: debits().look("PM1"),
}


@pytest.mark.parametrize("provider", CALLS)
@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"kind": "status", "status": 500}, Unknown),
        ({"kind": "status", "status": 503}, Unknown),
        ({"kind": "status", "status": 429}, TryLater),
        ({"kind": "status", "status": 401}, TryLater),
        ({"kind": "reset_before"}, Unknown),
        ({"kind": "malformed_body"}, Unknown),
    ],
)
def test_silence_is_unknown_and_refusal_before_the_work_is_later(counter, provider, fault, error):
    counter.twins.fault(provider=provider, times=0, **fault)
    with pytest.raises(error):
        CALLS[provider]()


@pytest.mark.parametrize("provider", CALLS)
def test_what_does_not_exist_is_a_definite_no(counter, provider):
    with pytest.raises(Declined):
        CALLS[provider]()


@pytest.mark.parametrize("provider", CALLS)
def test_nobody_outside_is_asked_inside_a_transaction(counter, provider):
    with transaction(), pytest.raises(RuntimeError, match="inside a database transaction"):
        CALLS[provider]()


@pytest.mark.parametrize(
    "body",
    [
        b'{"error": {"type": "invalid_state", "errors": null}}',
        b'{"error": {"type": "surprise"}}',
        b'{"error": null}',
        b"[]",
    ],
)
def test_odd_error_bodies_that_break_the_sdk_are_unknown(counter, body, httpserver_factory):
    with httpserver_factory(422, body) as url:
        gateway = gocardless_gateway.GoCardlessGateway(
            access_token="t", webhook_secret="s", base_url=url, is_live=False
        )
        with pytest.raises(Unknown):
            gateway.look("PM1")


@pytest.fixture
def httpserver_factory():
    """A server that always answers the same."""
    import contextlib
    import threading
    from http.server import BaseHTTPRequestHandler, HTTPServer

    @contextlib.contextmanager
    def serve(status, body):
        class Same(BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                """Say nothing."""

        server = HTTPServer(("127.0.0.1", 0), Same)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
            server.server_close()

    return serve


def test_an_object_of_the_other_mode_is_not_ours(counter):
    counter.open_account()
    step = counter.pay_by_card(counter.part("F-1", 12_000))
    live = stripe_gateway.StripeGateway(
        api_key=counter.twins.stripe_key, webhook_secret="w", api_base=counter.twins.stripe_base, is_live=True
    )
    with pytest.raises(Declined, match="other mode"):
        live.look_checkout(counter.payment(step.payment_id).checkout_reference)


def test_a_page_is_found_among_those_of_its_half_hour(counter):
    counter.open_account()
    step = counter.pay_by_card(counter.part("F-1", 12_000))
    begin, end = datetime(2031, 3, 11, tzinfo=UTC), datetime(2031, 3, 12, tzinfo=UTC)
    found = cards().find_checkout(step.payment_id, created_from=begin, created_until=end)
    assert found == counter.payment(step.payment_id).checkout_reference
    assert cards().find_checkout(uuid.uuid4(), created_from=begin, created_until=end) is None
