"""Every debtor URL with its guard, one per line: the map of the portal."""

from shared.web.routes import Route

ROUTES: list[Route] = []
