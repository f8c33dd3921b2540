"""The URLs of this room, with their permissions: taken into the back-office's map by `backoffice/urls.py`."""

from __future__ import annotations

from backoffice.access.guards import staff
from backoffice.plans import views
from backoffice.plans.decide import views as decide
from backoffice.plans.policy import views as policy
from shared.web.routes import Route

# fmt: off
ROUTES = [
    Route("GET",      "/plans",                                     views.browse,           staff("plans.read")),
    Route("GET",      "/plans.<form>",                              views.export,           staff("plans.export")),
    Route("POST",     "/plans",                                     views.act,              staff("plans.write")),
    Route("GET",      "/plans/<uuid:plan_id>",                      views.show,             staff("plans.read")),
    Route("GET",      "/plans/<uuid:plan_id>/agreement.pdf",        views.paper,            staff("plans.read")),
    Route("POST",     "/plans/<uuid:plan_id>/assign",               views.assign,           staff("plans.write")),
    Route("GET POST", "/plans/<uuid:plan_id>/offer",                decide.offer,           staff("plans.decide")),
    Route("GET POST", "/plans/<uuid:plan_id>/change",               decide.change,          staff("plans.decide")),
    Route("POST",     "/plans/<uuid:plan_id>/grant",                decide.grant,           staff("plans.decide")),
    Route("POST",     "/plans/<uuid:plan_id>/decline",              decide.decline,         staff("plans.decide")),
    Route("POST",     "/plans/<uuid:plan_id>/withdraw",             decide.withdraw,        staff("plans.decide")),
    Route("POST",     "/plans/<uuid:plan_id>/pause",                decide.pause,           staff("plans.decide")),
    Route("POST",     "/plans/<uuid:plan_id>/resume",               decide.resume,          staff("plans.decide")),
    Route("POST",     "/plans/<uuid:plan_id>/cancel",               decide.cancel,          staff("plans.decide")),
    Route("POST",     "/plans/<uuid:plan_id>/default",              decide.declare_default, staff("plans.decide")),
    Route("GET POST", "/debtors/<uuid:debtor_id>/plans/new",        decide.open_,           staff("plans.decide")),
    Route("GET",      "/debtors/<uuid:debtor_id>/plans/preview",    decide.preview,         staff("plans.decide")),

    Route("GET",      "/setup/plans",                               policy.show,            staff("company.read")),
    Route("POST",     "/setup/plans",                               policy.change,          staff("company.write")),
]
# fmt: on
