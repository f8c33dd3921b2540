"""Looking changes nothing: every GET of both doors leaves the database as it was, but for what is named here."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from sqlalchemy import Engine

from backoffice.access.permissions import Role
from backoffice.urls import ROUTES as DESK
from portal.urls import ROUTES as PORTAL
from shared.web.routes import Route
from tests.security.conftest import Town, changed, fill, fingerprint, sit, visit

KEPT = {"document"}
"""A paper is made when it is first asked for, and kept."""

RETURNS = {
    "portal.pay.returned",
    "portal.pay.stopped",
    "portal.mandates.returned",
}
"""Where the provider sends the browser back to: what became of it is asked and written down."""


def gets(routes: list[Route]) -> list[Route]:
    return [route for route in routes if "GET" in route.methods.split() and route.endpoint not in RETURNS]


def wrote(told: dict[str, set[str]]) -> dict[str, set[str]]:
    return {path: tables for path, tables in told.items() if tables}


@pytest.mark.parametrize("tier", [1, 2])
def test_no_page_of_the_portal_writes(portal: Flask, town: Town, database: Engine, tier: int) -> None:
    client = visit(portal, town.dora, tier=tier)
    told = {}
    for route in gets(PORTAL):
        path = fill(route.path, town.dora, token=town.dora.token)
        before = fingerprint(database)
        with client.get(path) as answer:
            assert answer.status_code < 500 or answer.status_code == 503, path
        told[path] = changed(before, fingerprint(database)) - KEPT

    assert wrote(told) == {}
    assert len(told) > 30


def test_no_page_of_the_back_office_writes(backoffice: Flask, town: Town, database: Engine) -> None:
    """An export leaves an audit line: who took what out of the house."""
    client = sit(backoffice, town, Role.ADMIN)
    town.dora.ids["staff_id"] = town.staff[Role.AGENT]
    told = {}
    for route in gets(DESK):
        room = route.endpoint.split(".")[1]
        path = fill(re.sub(r"<[^>]*code>", "price", route.path), town.dora, room=room)
        before = fingerprint(database)
        with client.get(path) as answer:
            assert answer.status_code < 500 or answer.status_code == 503, path
        allowed = KEPT | ({"audit_line"} if "<form>" in route.path else set())
        told[path] = changed(before, fingerprint(database)) - allowed

    assert wrote(told) == {}
    assert len(told) > 50


def test_setting_up_a_second_factor_is_looked_at_without_a_trace(
    backoffice: Flask, town: Town, database: Engine
) -> None:
    client = sit(backoffice, town, Role.AGENT)
    before = fingerprint(database)

    assert "<svg" in client.get("/me/second-factor").text
    assert changed(before, fingerprint(database)) == set()
