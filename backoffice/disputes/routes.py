"""The URLs of this room, with their permissions: taken into the back-office's map by `backoffice/urls.py`."""

from __future__ import annotations

from backoffice.access.guards import staff
from backoffice.disputes import views
from backoffice.disputes.decide import views as decide
from backoffice.disputes.opening import views as opening
from backoffice.disputes.setup import views as setup
from shared.web.routes import Route

# fmt: off
ROUTES = [
    Route("GET",      "/disputes",                                           views.browse,            staff("disputes.read")),
    Route("GET",      "/disputes.<form>",                                    views.export,            staff("disputes.export")),
    Route("POST",     "/disputes",                                           views.act,               staff("disputes.write")),
    Route("GET",      "/disputes/<uuid:dispute_id>",                         views.show,              staff("disputes.read")),
    Route("POST",     "/disputes/<uuid:dispute_id>/say",                     views.say,               staff("disputes.write")),
    Route("POST",     "/disputes/<uuid:dispute_id>/note",                    views.note,              staff("disputes.write")),
    Route("POST",     "/disputes/<uuid:dispute_id>/take-up",                 views.take_up,           staff("disputes.write")),
    Route("POST",     "/disputes/<uuid:dispute_id>/assign",                  views.assign,            staff("disputes.write")),
    Route("POST",     "/disputes/<uuid:dispute_id>/reason",                  views.change_reason,     staff("disputes.write")),
    Route("POST",     "/disputes/<uuid:dispute_id>/deadline",                views.move_deadline,     staff("disputes.write")),
    Route("GET",      "/disputes/<uuid:dispute_id>/files/<uuid:attachment_id>", views.file,           staff("disputes.read")),
    Route("POST",     "/disputes/<uuid:dispute_id>/files/<uuid:attachment_id>/set-aside", views.set_file_aside, staff("disputes.write")),
    Route("GET POST", "/disputes/<uuid:dispute_id>/accept",                  decide.accept,           staff("disputes.resolve", fresh=True)),
    Route("GET POST", "/disputes/<uuid:dispute_id>/reject",                  decide.reject,           staff("disputes.resolve")),
    Route("POST",     "/disputes/<uuid:dispute_id>/withdraw",                decide.withdraw,         staff("disputes.resolve")),
    Route("POST",     "/disputes/<uuid:dispute_id>/reopen",                  decide.reopen,           staff("disputes.resolve")),
    Route("POST",     "/disputes/<uuid:dispute_id>/credit/<uuid:proposal_id>/approve", decide.approve_credit, staff("giving.approve", fresh=True)),
    Route("POST",     "/disputes/<uuid:dispute_id>/credit/<uuid:proposal_id>/decline", decide.decline_credit, staff("disputes.resolve")),
    Route("GET POST", "/debtors/<uuid:debtor_id>/disputes/new",              opening.new,             staff("disputes.write")),

    Route("GET",      "/setup/disputes",                                     setup.reasons,           staff("company.read")),
    Route("POST",     "/setup/disputes",                                     setup.change_policy,     staff("company.write")),
    Route("GET POST", "/setup/disputes/new",                                 setup.new_reason,        staff("company.write")),
    Route("GET POST", "/setup/disputes/<reason>",                            setup.reason,            staff("company.write")),
]
# fmt: on
