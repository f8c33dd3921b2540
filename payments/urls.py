"""Every URL of the money storey with its guard: the providers' webhooks."""

from payments.webhooks import views as webhooks
from shared.web.routes import Route, provider

ROUTES: list[Route] = [
    Route("POST", "/webhooks/stripe", webhooks.stripe_, provider),
    Route("POST", "/webhooks/gocardless", webhooks.gocardless, provider),
]
