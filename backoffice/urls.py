"""Every staff URL with its permission, one per line: the map of the back-office."""

from shared.web.routes import Route

ROUTES: list[Route] = []
