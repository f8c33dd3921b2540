"""The URLs of this room, with their permissions: taken into the back-office's map by `backoffice/urls.py`."""

from __future__ import annotations

from backoffice.access.guards import staff
from backoffice.imports import views
from shared.web.routes import Route

ROUTES = [
    Route("GET", "/imports", views.browse, staff("imports.read")),
    Route("POST", "/imports", views.upload, staff("imports.run")),
    Route("GET", "/imports/<uuid:run_id>", views.show, staff("imports.read")),
    Route("GET", "/imports/<uuid:run_id>/progress", views.progress, staff("imports.read")),
    Route("GET", "/imports/<uuid:run_id>/file", views.original, staff("imports.read")),
    Route("POST", "/imports/<uuid:run_id>/choices", views.choose, staff("imports.run")),
    Route("POST", "/imports/<uuid:run_id>/answers", views.answer, staff("imports.run")),
    Route("POST", "/imports/<uuid:run_id>/confirm", views.confirm, staff("imports.run")),
    Route("POST", "/imports/<uuid:run_id>/cancel", views.cancel, staff("imports.run")),
    Route("GET", "/imports/<uuid:run_id>/undo", views.look_at_undo, staff("imports.run")),
    Route("POST", "/imports/<uuid:run_id>/undo", views.undo, staff("imports.run", fresh=True)),
]
