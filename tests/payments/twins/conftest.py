"""One twin process for all tests of the twins, emptied before each; a sink that receives its webhooks."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import gocardless_pro
import pytest
import stripe

from tests.support.twins import TwinsProcess, start_twins


@dataclass
class Sink:
    """Where webhooks arrive. `answer` decides the status of each delivery."""

    received: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    answer: Callable[[str], int] = lambda _path: 204
    port: int = 0

    def bodies(self, provider: str) -> list[bytes]:
        return [body for path, _, body in self.received if path == f"/webhooks/{provider}"]

    def clear(self) -> None:
        self.received.clear()
        self.answer = lambda _path: 204


class _Handler(BaseHTTPRequestHandler):
    sink: Sink

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status = self.sink.answer(self.path)
        self.sink.received.append((self.path, dict(self.headers), body))
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Be quiet."""


@pytest.fixture(scope="session")
def sink() -> Iterator[Sink]:
    sink = Sink()
    handler = type("Handler", (_Handler,), {"sink": sink})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    sink.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield sink
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="session")
def twins_of_this_run(tmp_path_factory: pytest.TempPathFactory, sink: Sink) -> Iterator[TwinsProcess]:
    with start_twins(tmp_path_factory.mktemp("twins"), app_url=f"http://127.0.0.1:{sink.port}") as twins:
        yield twins


@pytest.fixture
def twins(twins_of_this_run: TwinsProcess, sink: Sink) -> TwinsProcess:
    """Twins without a past; their time begins on a Tuesday morning, 10 March 2026."""
    twins_of_this_run.reset("2026-03-10T09:00:00+00:00")
    sink.clear()
    return twins_of_this_run


def stripe_client(twins: TwinsProcess, retries: int = 0) -> stripe.StripeClient:
    return stripe.StripeClient(twins.stripe_key, base_addresses={"api": twins.stripe_base}, max_network_retries=retries)


def gocardless_client(twins: TwinsProcess) -> gocardless_pro.Client:
    return gocardless_pro.Client(
        access_token=twins.gocardless_token,
        base_url=twins.gocardless_base,
        timeout=(3, 15),
        raise_on_idempotency_conflict=True,
    )


@dataclass
class Cards:
    """Stripe as an application uses it."""

    twins: TwinsProcess
    client: stripe.StripeClient

    def open(self, amount: int = 12_345, *, key: str | None = None, **more: Any) -> stripe.checkout.Session:
        params: dict[str, Any] = {
            "mode": "payment",
            "success_url": "https://portal.example/done?session={CHECKOUT_SESSION_ID}",
            "cancel_url": "https://portal.example/pay",
            "line_items": [
                {
                    "price_data": {"currency": "eur", "unit_amount": amount, "product_data": {"name": "F-2026-001"}},
                    "quantity": 1,
                }
            ],
            "allowed_payment_method_types": ["card"],
            "client_reference_id": "attempt-1",
            "metadata": {"attempt_id": "attempt-1"},
            "payment_intent_data": {"metadata": {"attempt_id": "attempt-1"}},
            "locale": "fr",
        } | more
        return self.client.v1.checkout.sessions.create(params, {"idempotency_key": key} if key else {})

    def paid(self, amount: int = 12_345, card: str = "success") -> stripe.PaymentIntent:
        """A payment that went through."""
        done = self.twins.pay(self.open(amount).id, card)
        assert done["outcome"] == "paid"
        return self.client.v1.payment_intents.retrieve(done["payment_intent"], {"expand": ["latest_charge"]})

    def event_types(self) -> list[str]:
        """Event types so far, oldest first."""
        return [event["type"] for event in self.twins.objects("stripe", "event")]


@dataclass
class Debits:
    """GoCardless as an application uses it."""

    twins: TwinsProcess
    client: gocardless_pro.Client

    def flow(self, **more: Any) -> Any:
        asked = self.client.billing_requests.create(
            params={"mandate_request": {"currency": "EUR", "scheme": "sepa_core", "metadata": {"setup_id": "s-1"}}}
        )
        return self.client.billing_request_flows.create(
            params={
                "redirect_uri": "https://portal.example/mandate/done",
                "exit_uri": "https://portal.example/mandate",
                "links": {"billing_request": asked.id},
                "prefilled_customer": {"email": "dora@example.com", "company_name": "Boulangerie Dora"},
                "language": "fr",
            }
            | more
        )

    def mandate(self, iban: str = "success") -> str:
        return str(self.twins.authorise(self.flow().id, iban)["mandate"])

    def pay(self, mandate: str, amount: int = 10_000, *, key: str | None = None, **more: Any) -> Any:
        params = {"amount": amount, "currency": "EUR", "links": {"mandate": mandate}, "metadata": {"attempt_id": "a-1"}}
        return self.client.payments.create(params=params | more, headers={"Idempotency-Key": key} if key else None)

    def status(self, payment: Any) -> str:
        return str(self.client.payments.get(payment.id).status)

    def actions(self, payment: Any) -> list[str]:
        """What happened to a payment, oldest first."""
        events = self.client.events.list(params={"payment": payment.id, "limit": 100}).records
        return [event.action for event in reversed(events)]


@pytest.fixture
def cards(twins: TwinsProcess) -> Cards:
    return Cards(twins, stripe_client(twins))


@pytest.fixture
def debits(twins: TwinsProcess) -> Debits:
    return Debits(twins, gocardless_client(twins))
