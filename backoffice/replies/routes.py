"""The URLs of this room, with their permissions: taken into the back-office's map by `backoffice/urls.py`."""

from __future__ import annotations

from backoffice.access.guards import staff
from backoffice.replies import views
from shared.web.routes import Route

# fmt: off
ROUTES = [
    Route("GET",      "/setup/replies",                          views.browse,           staff("company.read")),
    Route("GET POST", "/setup/replies/<room>/new",               views.new,              staff("replies.write")),
    Route("GET POST", "/setup/replies/<room>/<reply>",           views.edit,             staff("replies.write")),
]
# fmt: on
