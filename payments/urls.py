"""Every URL of the money storey with its guard: the providers' webhooks."""

from shared.web.routes import Route

ROUTES: list[Route] = []
