"""Every URL of the back-office asks who you are, what you may, and whose things these are."""

from __future__ import annotations

import uuid

import pytest

from backoffice.access.permissions import PERMISSIONS, Role, may
from backoffice.urls import ROUTES
from shared.web.routes import Route

OPEN = {"anyone", "half-way"}
WORDS = {
    "form": "csv",
    "position": 0,
    "decision": "approve",
    "answer": "owed",
    "act": "disable",
    "reason": "price",
    "reply": "photo",
    "room": "plan",
}
GUARDED = [route for route in ROUTES if route.guard.name not in OPEN]


def address(route: Route, *, identity: uuid.UUID | None = None) -> str:
    from werkzeug.routing import Map, Rule

    rule = Rule(route.path, endpoint="it")
    adapter = Map([rule]).bind("guichet.test")
    values = {}
    for argument in rule.arguments:
        if argument.endswith("_id"):
            values[argument] = identity or uuid.UUID(int=7)
        else:
            values[argument] = WORDS[argument]
    return adapter.build("it", values)


def permission(route: Route) -> str:
    return route.guard.name.split(":")[1]


def test_a_stranger_is_sent_to_the_door(desk, world):
    inside = {}
    for route in GUARDED:
        for method in route.methods.split():
            path = address(route)
            answer = desk.get(path) if method == "GET" else desk.post(path, page="/sign-in")
            inside[f"{method} {path}"] = (answer.status_code, (answer.location or "").split("?")[0])

    assert {where: seen for where, seen in inside.items() if seen != (303, "/sign-in")} == {}


def test_every_permission_guards_something():
    used = {permission(route) for route in GUARDED}

    assert used == set(PERMISSIONS)


def test_only_the_door_is_open():
    assert {route.path for route in ROUTES if route.guard.name in OPEN} == {
        "/sign-in",
        "/sign-in/code",
        "/sign-in/set-up",
        "/welcome/<token>",
    }


def test_a_link_that_nobody_was_sent_opens_nothing(desk, world):
    shown = desk.get(f"/welcome/{'x' * 43}")

    assert shown.status_code == 404
    assert "<form" not in shown.text.partition("<main")[2].partition("</main>")[0]


@pytest.mark.parametrize("role", Role, ids=lambda role: role.value)
def test_each_role_passes_where_it_may_and_nowhere_else(desk, world, role):
    desk.add(role=role)
    desk.sign_in()

    refused = {}
    for route in GUARDED:
        if route.endpoint in ("backoffice.access.sign_out", "backoffice.access.end_session"):
            continue
        for method in route.methods.split():
            path = address(route)
            answer = desk.get(path) if method == "GET" else desk.post(path)
            refused[f"{method} {path}"] = (answer.status_code == 403, permission(route))

    assert {path for path, (is_refused, wanted) in refused.items() if is_refused == may(role, wanted)} == set()


def test_the_auditor_changes_nothing():
    changing = [
        permission(route)
        for route in GUARDED
        if "POST" in route.methods and permission(route) not in ("desk.enter", "staff.read")
    ]

    assert not [wanted for wanted in changing if may(Role.AUDITOR, wanted)]


def test_what_is_not_there_is_not_found(ines):
    found = {}
    for route in GUARDED:
        if "<uuid:" not in route.path:
            continue
        for method in route.methods.split():
            path = address(route)
            answer = (
                ines.get(path) if method == "GET" else ines.post(path, {"text": "x", "reason": "x", "until": "31/12"})
            )
            found[f"{method} {path}"] = answer.status_code

    assert {where: status for where, status in found.items() if status != 404} == {}


@pytest.mark.parametrize("path", ["", "/links", "/statement.pdf", "/people/new", "/receipts/new", "/credit"])
def test_a_debtor_of_another_company_is_not_found(ines, world, path):
    assert ines.get(f"/debtors/{world.foreign_debtor}{path}").status_code == 404


@pytest.mark.parametrize("path", ["links", "links/revoke", "notes", "pause", "resume", "people/new", "receipts/new"])
def test_nothing_is_done_to_a_debtor_of_another_company(ines, world, path):
    data = {"text": "x", "until": "31/12/2026", "reason": "x", "contact": uuid.UUID(int=1), "attempt": uuid.UUID(int=2)}

    assert ines.post(f"/debtors/{world.foreign_debtor}/{path}", data).status_code == 404


def test_an_invoice_of_another_company_is_not_found(ines, world):
    assert ines.get(f"/invoices/{world.foreign_invoice}").status_code == 404
    assert ines.get(f"/invoices/{world.foreign_invoice}.pdf").status_code == 404
    assert ines.post(f"/invoices/{world.foreign_invoice}/hold", {"reason": "x"}).status_code == 404
