"""Looking changes nothing: every GET of both doors leaves the database as it was, but for what is named here."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
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


def look(client: FlaskClient, paths: list[str], engine: Engine, allowed: set[str]) -> dict[str, set[str]]:
    """Open every page; whatever has changed then is looked for page by page."""
    before = fingerprint(engine)
    for path in paths:
        with client.get(path) as answer:
            assert answer.status_code < 500 or answer.status_code == 503, path
    if not changed(before, fingerprint(engine)) - allowed:
        return {}
    guilty = {}
    for path in paths:
        before = fingerprint(engine)
        with client.get(path):
            guilty[path] = changed(before, fingerprint(engine)) - allowed
    return {path: tables for path, tables in guilty.items() if tables} or {"at first sight": allowed}


@pytest.mark.parametrize("tier", [1, 2])
def test_no_page_of_the_portal_writes(portal: Flask, town: Town, database: Engine, tier: int) -> None:
    paths = [fill(route.path, town.dora, token=town.dora.token) for route in gets(PORTAL)]
    exports = [path for path in paths if path.endswith("/data.zip")]
    pages = [path for path in paths if path not in exports]
    client = visit(portal, town.dora, tier=tier)

    assert len(pages) > 30
    assert look(client, pages, database, KEPT) == {}
    assert look(client, exports, database, KEPT | {"audit_line", "seal"}) == {}


def test_no_page_of_the_back_office_writes(backoffice: Flask, town: Town, database: Engine) -> None:
    """An export leaves an audit line under its seal, who took what out of the house: those are looked at apart."""
    client = sit(backoffice, town, Role.ADMIN)
    town.dora.ids["staff_id"] = town.staff[Role.AGENT]
    routes = gets(DESK)
    paths = {
        route.path: fill(re.sub(r"<[^>]*code>", "price", route.path), town.dora, room=route.endpoint.split(".")[1])
        for route in routes
    }

    assert len(paths) > 50
    leaves = [route for route in routes if "<form>" in route.path or route.path.endswith("/data.zip")]
    pages = [paths[route.path] for route in routes if route not in leaves]
    exports = [paths[route.path] for route in leaves]
    assert look(client, pages, database, KEPT) == {}
    assert look(client, exports, database, KEPT | {"audit_line", "seal"}) == {}


def test_setting_up_a_second_factor_is_looked_at_without_a_trace(
    backoffice: Flask, town: Town, database: Engine
) -> None:
    client = sit(backoffice, town, Role.AGENT)
    before = fingerprint(database)

    assert "<svg" in client.get("/me/second-factor").text
    assert changed(before, fingerprint(database)) == set()
