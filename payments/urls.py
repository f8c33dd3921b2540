"""Every URL of the money storey with its guard: the providers' webhooks, and the installation's health."""

from payments.health import views as health
from payments.webhooks import views as webhooks
from shared.web.routes import Route, anyone, provider

ROUTES: list[Route] = [
    Route("POST", "/webhooks/stripe", webhooks.stripe_, provider),
    Route("POST", "/webhooks/gocardless", webhooks.gocardless, provider),
    Route("GET", "/healthz", health.live, anyone),
    Route("GET", "/readyz", health.ready, anyone),
]
