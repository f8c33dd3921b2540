"""T11, the staff's door: every route × role × whose id; what a role may not is refused before anything is looked up."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from backoffice.access.models import StaffSession
from backoffice.access.permissions import PERMISSIONS, Role
from backoffice.urls import ROUTES
from shared.kit.db import transaction
from shared.kit.outbox.models import OutboxMessage
from shared.web.routes import Route
from tests.security.conftest import (
    Account,
    Town,
    changed,
    disabled_sit,
    ended_sit,
    fill,
    fingerprint,
    holding,
    sit,
    visit,
)

AGENT, MANAGER, ACCOUNTANT, AUDITOR, ADMIN = Role.AGENT, Role.MANAGER, Role.ACCOUNTANT, Role.AUDITOR, Role.ADMIN
EVERYBODY = set(Role)

DECLARED: dict[str, set[Role]] = {
    "audit.read": EVERYBODY - {AGENT},
    "collections.read": EVERYBODY,
    "collections.run": {MANAGER, ACCOUNTANT, ADMIN},
    "chargebacks.decide": {MANAGER, ACCOUNTANT, ADMIN},
    "chargebacks.read": EVERYBODY,
    "chargebacks.write": EVERYBODY - {AUDITOR},
    "company.read": EVERYBODY,
    "company.write": {ADMIN},
    "contacts.agree": {MANAGER, ADMIN},
    "credit.apply": {MANAGER, ACCOUNTANT, ADMIN},
    "declarations.export": EVERYBODY - {AGENT},
    "declarations.read": EVERYBODY,
    "declarations.write": EVERYBODY - {AUDITOR},
    "debtors.export": EVERYBODY - {AGENT},
    "debtors.read": EVERYBODY,
    "debtors.write": EVERYBODY - {AUDITOR},
    "desk.enter": EVERYBODY,
    "giving.approve": {MANAGER, ADMIN},
    "disputes.export": EVERYBODY - {AGENT},
    "disputes.read": EVERYBODY,
    "replies.write": {MANAGER, ADMIN},
    "disputes.resolve": {MANAGER, ACCOUNTANT, ADMIN},
    "disputes.write": EVERYBODY - {AUDITOR},
    "statistics.read": EVERYBODY - {AGENT},
    "imports.read": EVERYBODY - {AGENT},
    "debtors.merge": {MANAGER, ACCOUNTANT, ADMIN},
    "invoices.cancel": {MANAGER, ACCOUNTANT, ADMIN},
    "imports.run": {MANAGER, ACCOUNTANT, ADMIN},
    "invoices.export": EVERYBODY - {AGENT},
    "invoices.hold": {MANAGER, ACCOUNTANT, ADMIN},
    "invoices.read": EVERYBODY,
    "links.revoke": EVERYBODY - {AUDITOR},
    "links.send": EVERYBODY - {AUDITOR},
    "mandates.cancel": {MANAGER, ACCOUNTANT, ADMIN},
    "mandates.read": EVERYBODY,
    "messages.export": EVERYBODY - {AGENT},
    "messages.read": EVERYBODY,
    "messages.send": EVERYBODY - {AUDITOR},
    "payments.ask": EVERYBODY - {AUDITOR},
    "payments.export": EVERYBODY - {AGENT},
    "payments.read": EVERYBODY,
    "personal.erase": {MANAGER, ADMIN},
    "personal.export": {MANAGER, ADMIN},
    "personal.read": EVERYBODY - {AGENT},
    "personal.sweep": {MANAGER, ADMIN},
    "plans.decide": {MANAGER, ACCOUNTANT, ADMIN},
    "plans.export": EVERYBODY - {AGENT},
    "plans.read": EVERYBODY,
    "plans.write": EVERYBODY - {AUDITOR},
    "promises.export": EVERYBODY - {AGENT},
    "promises.read": EVERYBODY,
    "promises.write": EVERYBODY - {AUDITOR},
    "receipts.record": {MANAGER, ACCOUNTANT, ADMIN},
    "receipts.undo": {MANAGER, ACCOUNTANT, ADMIN},
    "refunds.ask": {MANAGER, ACCOUNTANT, ADMIN},
    "reminders.read": EVERYBODY,
    "reminders.run": {MANAGER, ADMIN},
    "reminders.write": {MANAGER, ADMIN},
    "staff.read": EVERYBODY - {AGENT},
    "staff.write": {ADMIN},
    "system.act": {ADMIN},
    "system.read": EVERYBODY - {AGENT},
}
"""The declared table, written out once more: a right that moves has to be moved in two places."""

GUARDED = [route for route in ROUTES if route.guard.name.startswith("staff:")]
OF_NOBODY = {"staff_id", "event_id"}
"""Ids that belong to the installation, not to a company."""
ROOMS = {
    "backoffice.collections": "collections",
    "backoffice.reminders": "reminders",
    "backoffice.imports": "imports",
}


FORM = {"name": "x", "text": "x", "reason": "x", "until": "31/12/2026"}
"""Enough for the small forms: what is wrong with the address must be said before what is wrong with the form."""


def permission(route: Route) -> str:
    return route.guard.name.split(":")[1]


def cells(routes: list[Route]) -> list[tuple[Route, str]]:
    return [(route, method) for route in routes for method in route.methods.split()]


def path_of(route: Route, account: Account | None) -> str:
    words = {"form": "xlsx"} if "statement" in route.path else {}
    return fill(route.path, account, **words, room=ROOMS.get(route.endpoint.rpartition(".")[0], ""))


def ask(client: FlaskClient, route: Route, method: str, path: str) -> str:
    """What a route answers, in a word."""
    answer = client.open(path, method=method, data=FORM if method == "POST" else None)
    answer.close()
    location = answer.headers.get("Location", "")
    if answer.status_code == 303 and location.startswith("/sign-in"):
        return "to the door"
    if answer.status_code == 303 and location.startswith("/confirm"):
        return "prove yourself"
    if answer.status_code in (403, 404):
        return str(answer.status_code)
    assert answer.status_code < 500 or answer.status_code == 503, f"{method} {path}: {answer.status}"
    return "passes"


def named(told: dict[tuple[str, str], tuple[str, str]]) -> dict[tuple[str, str], tuple[str, str]]:
    return {where: both for where, both in told.items() if both[0] != both[1]}


def test_the_declared_rights_are_the_rights():
    assert {name: set(roles) for name, roles in PERMISSIONS.items()} == DECLARED


Door = Callable[[Flask, Town, Role], FlaskClient]
STRANGERS: dict[str, Door] = {
    "nobody": lambda app, _town, _role: holding(app),
    "ended session": ended_sit,
    "disabled account": disabled_sit,
}


@pytest.mark.parametrize("who", STRANGERS)
def test_whoever_has_no_live_session_is_sent_to_the_door(backoffice, town: Town, database, who):
    client = STRANGERS[who](backoffice, town, ADMIN)
    before = fingerprint(database)

    told = {
        (method, route.path): (ask(client, route, method, path_of(route, town.dora)), "to the door")
        for route, method in cells(GUARDED)
    }

    assert named(told) == {}
    assert len(told) > 90
    assert changed(before, fingerprint(database)) == set()


@pytest.mark.parametrize("role", Role, ids=lambda role: role.value)
def test_what_a_role_may_not_is_refused_and_changes_nothing(backoffice, town: Town, database, role):
    client = sit(backoffice, town, role)
    forbidden = [route for route in GUARDED if role not in DECLARED[permission(route)]]
    before = fingerprint(database)

    told = {
        (method, route.path): (ask(client, route, method, path_of(route, town.dora)), "403")
        for route, method in cells(forbidden)
    }

    assert named(told) == {}
    assert bool(told) is (role is not ADMIN)
    assert changed(before, fingerprint(database)) == set()


@pytest.mark.parametrize("role", [AUDITOR, ADMIN], ids=lambda role: role.value)
def test_what_a_role_may_opens_for_the_company_on_the_desk(backoffice, town: Town, role):
    """GET first, so that what a POST ends is looked at before."""
    with_all = whole(town)
    allowed = [route for route in GUARDED if role in DECLARED[permission(route)]]
    told = {}
    for route, method in sorted(cells(allowed), key=lambda cell: cell[1]):
        if route.endpoint in GONE_BY_NOW.get(method, set()):
            continue
        client = sit(backoffice, town, role)
        told[method, route.path] = (ask(client, route, method, path_of(route, with_all)), "passes")

    assert named(told) == {}
    assert len(told) > 40


GONE_BY_NOW = {
    "POST": {
        "backoffice.access.sign_out",
        "backoffice.access.end_session",  # of somebody else: tested below
        "backoffice.access.end_staff_session",
        "backoffice.access.choose_company",  # the form names no company
        "backoffice.debtors.send_link",  # the form names no person
        "backoffice.debtors.edit_contact",
        "backoffice.debtors.agree_to_contact",  # the person has been removed a moment before
        "backoffice.messages.act",  # the form names no act
        "backoffice.personal.decide_release",  # nobody has asked for one
        "backoffice.system.ask_duty",
        "backoffice.system.replay_message",
        "backoffice.system.abandon_message",
        "backoffice.system.put_event_away",
    },
    "GET": {
        "backoffice.system.message",
        "backoffice.notices.show",  # belongs to one member of staff
    },
}
"""What needs more than ids: tested in its own room."""


def whole(town: Town) -> Account:
    town.dora.ids["staff_id"] = town.staff[AGENT]
    return town.dora


@pytest.mark.parametrize("owner", ["other company", "nonexistent"])
def test_an_id_of_another_company_is_not_found_and_nothing_changes(backoffice, town: Town, database, owner):
    account = town.owners().get(owner)
    client = sit(backoffice, town, ADMIN)
    before = fingerprint(database)

    told = {}
    for route, method in cells([route for route in GUARDED if "_id>" in route.path]):
        if any(f":{name}>" in route.path for name in OF_NOBODY) and account is not None:
            continue
        told[method, route.path] = (ask(client, route, method, path_of(route, account)), "404")

    assert named(told) == {}
    assert len(told) > 30
    assert changed(before, fingerprint(database)) == set()


def test_a_foreign_thing_below_an_own_one_is_not_found(backoffice, town: Town, database):
    """/debtors/<own>/people/<foreign>, /payments/<own>/refunds/<foreign>, /invoices/<own>/lift/<foreign>."""
    client = sit(backoffice, town, ADMIN)
    before = fingerprint(database)
    told = {}
    for route, method in cells([route for route in GUARDED if route.path.count("_id>") == 2]):
        outer = route.path.split("_id>")[0].rpartition(":")[2] + "_id"
        for other in (town.bruno, town.octave):
            mixed = Account(**{**vars(other), "ids": other.ids | {outer: town.dora.ids.get(outer, town.staff[AGENT])}})
            told[method, f"{route.path} {other.name}"] = (ask(client, route, method, path_of(route, mixed)), "404")

    assert named(told) == {}
    assert len(told) >= 8
    assert changed(before, fingerprint(database)) == set()


def test_a_form_cannot_name_another_companys_things(backoffice, town: Town, database):
    client = sit(backoffice, town, ADMIN)
    mine, other = town.dora.ids, town.octave.ids
    before = fingerprint(database)
    foreign = {
        "contact": str(other["contact_id"]),
        "attempt": str(other["payment_id"]),
        "link": str(other["refund_id"]),
    }

    sent = client.post(f"/debtors/{mine['debtor_id']}/links", data=foreign)
    closed = client.post(f"/debtors/{mine['debtor_id']}/links/revoke", data={"contact": foreign["contact"]})
    listed = client.get(f"/invoices?debtor={other['debtor_id']}")
    found = client.get("/search?q=Octave")

    assert sent.status_code == 404
    assert closed.status_code == 303
    assert "411OCTAVE" not in listed.text
    assert "411OCTAVE" not in found.text
    assert changed(before, fingerprint(database)) == set()


def test_nobody_ends_a_colleagues_session_without_the_right(backoffice, town: Town):
    sit(backoffice, town, ADMIN)
    with transaction() as session:
        theirs = session.scalars(select(StaffSession.id).where(StaffSession.member_id == town.staff[ADMIN])).one()

    assert sit(backoffice, town, AGENT).post(f"/me/sessions/{theirs}/end").status_code == 404
    refused = sit(backoffice, town, MANAGER).post(f"/staff/{town.staff[ADMIN]}/sessions/{theirs}/end")
    assert refused.status_code == 403


def test_a_dangerous_act_asks_for_the_password_after_a_quarter_of_an_hour(backoffice, town: Town, database, frozen):
    client = sit(backoffice, town, ADMIN)
    frozen.advance(minutes=16)
    client.get("/")
    before = fingerprint(database)
    fresh = [route for route in GUARDED if route.guard.name.endswith(":fresh")]

    told = {
        (method, route.path): (ask(client, route, method, path_of(route, whole(town))), "prove yourself")
        for route, method in cells(fresh)
    }

    assert named(told) == {}
    assert {permission(route) for route in fresh} >= {
        "refunds.ask",
        "giving.approve",
        "receipts.undo",
        "mandates.cancel",
        "company.write",
        "staff.write",
    }
    assert changed(before, fingerprint(database)) == set()


@pytest.mark.parametrize("idle", [timedelta(hours=2), timedelta(hours=12)])
def test_a_session_ends_by_itself(backoffice, town: Town, frozen, idle):
    client = sit(backoffice, town, ADMIN)
    if idle > timedelta(hours=2):
        for _hour in range(11):
            frozen.advance(hours=1)
            assert client.get("/me").status_code == 200
        frozen.advance(hours=1)
    else:
        frozen.advance(hours=2)

    assert client.get("/me").location.startswith("/sign-in")


def test_a_visitor_of_the_portal_is_nobody_here(portal, backoffice, town: Town):
    visitor = visit(portal, town.dora, tier=2)
    with visitor.session_transaction() as cookie:
        stolen = dict(cookie)
    client = backoffice.test_client()
    with client.session_transaction() as cookie:
        cookie.update(stolen)

    assert {client.get(path).location for path in ("/", "/debtors")} == {"/sign-in?next=/", "/sign-in?next=/debtors"}


def test_an_outbox_message_is_seen_by_those_who_may(backoffice, town: Town):
    with transaction() as session:
        found = session.scalars(select(OutboxMessage.id).limit(1)).one_or_none()
    if found is None:
        pytest.fail("the town wrote no message")
    assert sit(backoffice, town, AGENT).get(f"/system/outbox/{found}").status_code == 403
    assert sit(backoffice, town, AUDITOR).get(f"/system/outbox/{found}").status_code == 200
    assert sit(backoffice, town, AUDITOR).post(f"/system/outbox/{found}/replay").status_code == 403
