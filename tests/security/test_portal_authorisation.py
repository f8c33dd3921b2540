"""T11, the debtors' door: every route × person × whose id, against one declared table; nothing foreign ever opens."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from backoffice.access.permissions import Role
from portal.urls import ROUTES
from shared.kit.db import get_engine
from shared.web.routes import Route
from tests.security.conftest import (
    Account,
    Town,
    changed,
    end_visit,
    fill,
    fingerprint,
    holding,
    revoked_visit,
    sit,
    visit,
)
from tests.security.people import another_account, colleague, in_flight, link_and_session, member

OPEN = {
    "portal.access.landing",
    "portal.access.redeem",
    "portal.access.ask",
    "portal.access.send_link",
    "portal.access.sent",
    "portal.brand.logo",
}
LINK = {
    "portal.access.sign_out",
    "portal.access.code",
    "portal.access.confirm",
    "portal.access.send_code",
    "portal.account.home",
    "portal.invoices.list",
    "portal.invoices.show",
    "portal.invoices.pdf",
    "portal.pay.choose",
    "portal.choose.show",
    "portal.choose.keep",
    "portal.pay.start",
    "portal.pay.parts",
    "portal.pay.set_parts",
    "portal.pay.transfer",
    "portal.pay.use_credit",
    "portal.pay.returned",
    "portal.pay.stopped",
    "portal.pay.resume",
    "portal.pay.abandon",
    "portal.payments.list",
    "portal.payments.show",
    "portal.payments.receipt",
    "portal.mandates.overview",
    "portal.mandates.returned",
    "portal.mandates.pdf",
    "portal.documents.overview",
    "portal.documents.statement",
    "portal.documents.bundle",
    "portal.documents.order",
    "portal.documents.ordered",
    "portal.promises.list",
    "portal.promises.new",
    "portal.promises.give",
    "portal.promises.show",
    "portal.promises.edit",
    "portal.promises.change",
    "portal.promises.cancel",
    "portal.disputes.list",
    "portal.disputes.new",
    "portal.disputes.send",
    "portal.disputes.show",
    "portal.disputes.answer",
    "portal.disputes.withdraw",
    "portal.disputes.reopen",
    "portal.disputes.file",
    "portal.declarations.list",
    "portal.declarations.new",
    "portal.declarations.declare",
    "portal.declarations.show",
    "portal.declarations.withdraw",
    "portal.declarations.file",
    "portal.plans.list",
    "portal.plans.new",
    "portal.plans.propose",
    "portal.plans.preview",
    "portal.plans.show",
    "portal.plans.ask_person",
    "portal.plans.withdraw",
    "portal.plans.pdf",
    "portal.profile.show",
    "portal.profile.change",
    "portal.profile.set_digest",
    "portal.profile.messages",
    "portal.profile.message",
}
CODE = {
    "portal.profile.data",
    "portal.profile.download_data",
    "portal.profile.ask_erasure",
    "portal.access.people",
    "portal.access.accounts",
    "portal.access.agree",
    "portal.access.invite",
    "portal.access.remove",
    "portal.access.revoke",
    "portal.access.end",
    "portal.access.switch",
    "portal.mandates.new",
    "portal.mandates.start",
    "portal.mandates.autopay",
    "portal.mandates.set_autopay",
    "portal.mandates.debits",
    "portal.mandates.leave_out",
    "portal.mandates.take_back",
    "portal.mandates.resume",
    "portal.mandates.cancel",
    "portal.plans.agree",
    "portal.plans.accept",
}
"""The declared table: whom each view lets pass. A view in none of the three fails; so does one in the wrong one."""

INSIDE = [route for route in ROUTES if route.endpoint not in OPEN]
WITH_ID = [route for route in INSIDE if "_id>" in route.path]

Door = Callable[[Flask, Account], FlaskClient]
STRANGERS: dict[str, Door] = {
    "nobody": lambda app, _account: holding(app),
    "ended session": end_visit,
    "revoked link": revoked_visit,
}


def ask(client: FlaskClient, route: Route, path: str) -> str:
    """What a route answers, in a word."""
    answer = client.open(path, method=route.methods, data={"what": "all"} if route.methods == "POST" else None)
    location = answer.headers.get("Location", "")
    if answer.status_code == 303 and location.startswith("/new-link?why=ended"):
        return "to the door"
    if answer.status_code == 303 and location.startswith("/code?next="):
        return "prove yourself"
    if answer.status_code in (403, 404):
        return str(answer.status_code)
    assert answer.status_code < 500 or answer.status_code == 503, f"{route.methods} {path}: {answer.status}"
    return "passes"


def declared(route: Route, *, tier: int) -> str:
    if route.endpoint in CODE and tier < 2:
        return "prove yourself"
    return "passes"


def test_every_route_is_declared_once():
    assert {route.endpoint for route in ROUTES} == OPEN | LINK | CODE
    assert len(OPEN) + len(LINK) + len(CODE) == len(OPEN | LINK | CODE)


@pytest.mark.parametrize("who", STRANGERS)
def test_whoever_has_no_live_session_is_sent_to_the_door(portal, town: Town, database, who):
    client = STRANGERS[who](portal, town.dora)
    before = fingerprint(database)

    told = {f"{r.methods} {r.path}": ask(client, r, fill(r.path, town.dora)) for r in INSIDE}

    assert {where: said for where, said in told.items() if said != "to the door"} == {}
    assert len(told) > 40
    assert changed(before, fingerprint(database)) == set()


@pytest.mark.parametrize("tier", [1, 2])
def test_an_own_thing_opens_to_the_tier_that_is_declared(portal, town: Town, tier):
    told = {}
    for route in INSIDE:
        account = owned(portal, town, route)
        told[f"{route.methods} {route.path}"] = (
            ask(visit(portal, account, tier=tier), route, fill(route.path, account)),
            declared(route, tier=tier),
        )

    assert {where: both for where, both in told.items() if both[0] != both[1]} == {}


def owned(app: Flask, town: Town, route: Route) -> Account:
    """Dora's account with the ids that this route names: a colleague to remove, a link and a session to end."""
    dora = town.dora
    if "<uuid:contact_id>" in route.path:
        dora = colleague(dora)
    if "<uuid:link_id>" in route.path or "<uuid:session_id>" in route.path:
        dora = link_and_session(dora)
    if route.endpoint == "portal.pay.abandon":
        dora = in_flight(dora)
    return another_account(dora) if "<uuid:debtor_id>" in route.path else dora


@pytest.mark.parametrize("tier", [1, 2])
@pytest.mark.parametrize("owner", ["same company", "other company", "nonexistent"])
def test_a_foreign_id_is_not_found_and_nothing_changes(portal, town: Town, database, owner, tier):
    foreign = town.owners().get(owner)
    foreign = link_and_session(foreign) if foreign else None
    client = visit(portal, town.dora, tier=tier)
    before = fingerprint(database)

    told = {}
    for route in WITH_ID:
        wanted = "404" if declared(route, tier=tier) == "passes" else "prove yourself"
        told[f"{route.methods} {route.path}"] = (ask(client, route, fill(route.path, foreign)), wanted)

    assert {where: both for where, both in told.items() if both[0] != both[1]} == {}
    assert len(told) == len(WITH_ID) >= 16
    assert changed(before, fingerprint(database)) == set()


@pytest.mark.parametrize("owner", ["same company", "other company"])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/pay?what=these&invoice={}"),
        ("GET", "/pay/parts?invoice={}"),
        ("GET", "/pay/transfer?invoice={}"),
        ("POST", "/pay?invoice={}"),
        ("POST", "/pay/credit?invoice={}"),
        ("GET", "/documents/invoices.zip?invoice={}"),
        ("GET", "/plans/new?invoice={}"),
        ("POST", "/plans/new?invoice={}"),
        ("GET", "/plans/preview?invoice={}"),
        ("GET", "/disputes/new?invoice={}"),
        ("POST", "/disputes/new?invoice={}"),
        ("GET", "/promises/new?invoice={}"),
        ("POST", "/promises/new?invoice={}"),
        ("GET", "/declarations/new?invoice={}"),
        ("POST", "/declarations/new?invoice={}"),
    ],
)
def test_a_foreign_invoice_in_a_query_or_form_is_not_found(portal, town: Town, owner, method, path):
    invoice_id = str(town.owners()[owner].ids["invoice_id"])
    client = visit(portal, town.dora)
    before = fingerprint(get_engine())
    mine = str(town.dora.ids["invoice_id"])
    forms = [
        {"invoice": [mine, invoice_id], "what": "these"},
        {"invoice": [mine], "what": "these", "part": [f"{mine}:100", f"{invoice_id}:100"]},
    ]
    about = {"means": "transfer", "attempt": str(uuid.uuid4())}
    answers = [
        client.open(path.format(invoice_id), method=method, data=form | about if method == "POST" else None)
        for form in (forms if path.startswith("/pay?invoice") else forms[:1])
    ]

    assert {answer.status_code for answer in answers} == {404}
    assert not [answer for answer in answers if "411BRUNO" in answer.text or "411OCTAVE" in answer.text]
    assert changed(before, fingerprint(get_engine())) == set()


def test_an_open_page_shows_nothing_of_anybody(portal, town: Town):
    stranger = portal.test_client()
    secrets = [town.dora.name, town.dora.email, "411DORA", "120.00", "411DORA-1"]
    told = {}
    for route in ROUTES:
        if route.endpoint in OPEN and route.methods == "GET":
            path = fill(route.path, town.dora, token=town.dora.token)
            told[path] = [secret for secret in secrets if secret in stranger.get(path).text]

    assert {path: found for path, found in told.items() if found} == {}
    assert "Atelier des Lices" in stranger.get(f"/l/{town.dora.token}").text


def test_a_visitor_who_may_not_invite_lets_nobody_in_or_out(portal, town: Town, database):
    owner = link_and_session(colleague(town.dora))
    client = visit(portal, member(town.dora), tier=2)
    before = fingerprint(database)
    told = {
        path: client.post(fill(path, owner), data={"email": "x@y.example", "language": "en"}).status_code
        for path in (
            "/access",
            "/access/people/<uuid:contact_id>/remove",
            "/access/sessions/<uuid:session_id>/end",
            "/access/links/<uuid:link_id>/revoke",
        )
    }

    assert told.popitem()[1] == 404
    assert set(told.values()) == {403}
    assert changed(before, fingerprint(database)) == set()


def test_a_session_of_the_other_door_opens_nothing(portal, backoffice, town: Town):
    staff = sit(backoffice, town, Role.ADMIN)
    with staff.session_transaction() as cookie:
        token = cookie["_user_id"]

    assert holding(portal, token).get("/").location.startswith("/new-link")
    visitor = visit(portal, town.dora, tier=2)
    with visitor.session_transaction() as cookie:
        token = cookie["_user_id"]
    assert holding(backoffice, token).get("/").location.startswith("/sign-in")
