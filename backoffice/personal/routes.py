"""The URLs of this room, with their permissions: taken into the back-office's map by `backoffice/urls.py`."""

from __future__ import annotations

from backoffice.access.guards import staff
from backoffice.personal import views
from shared.web.routes import Route

# fmt: off
ROUTES = [
    Route("GET",      "/setup/personal",                         views.show,             staff("personal.read")),
    Route("POST",     "/setup/personal/terms",                   views.set_term,         staff("company.write", fresh=True)),
    Route("POST",     "/setup/personal/releases",                views.ask_release,      staff("personal.sweep", fresh=True)),
    Route("POST",     "/setup/personal/releases/<uuid:release_id>/<any(approve,decline):decision>", views.decide_release, staff("personal.sweep", fresh=True)),
    Route("GET",      "/people/<uuid:contact_id>/data",          views.person,           staff("personal.export", fresh=True)),
    Route("GET",      "/people/<uuid:contact_id>/data.zip",     views.download,         staff("personal.export", fresh=True)),
    Route("POST",     "/people/<uuid:contact_id>/data/wishes",   views.note_wish,        staff("personal.erase", fresh=True)),
    Route("POST",     "/people/<uuid:contact_id>/data/decline",  views.decline,          staff("personal.erase", fresh=True)),
    Route("POST",     "/people/<uuid:contact_id>/data/erase",    views.erase,            staff("personal.erase", fresh=True)),
]
# fmt: on
