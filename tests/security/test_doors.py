"""What surrounds every page: cookies, cross-site protection, headers; looking changes nothing."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import text

import wsgi
from backoffice.access.permissions import Role
from backoffice.urls import ROUTES as DESK
from payments.urls import ROUTES as MONEY
from portal.urls import ROUTES as COUNTER
from shared.kit.db import get_engine
from shared.web.routes import Route
from tests.security.conftest import Town, changed, fill, fingerprint, holding, sit, visit
from tests.security.people import link_and_session
from tests.security.test_desk_authorisation import path_of

SIGNED = {"payments.webhooks.stripe", "payments.webhooks.gocardless"}
PAGES = [route for route in COUNTER if route.methods == "GET"]
DESK_PAGES = [route for route in DESK if "GET" in route.methods.split()]


def posts(routes: list[Route]) -> list[Route]:
    return [route for route in routes if "POST" in route.methods.split() and route.endpoint not in SIGNED]


@pytest.fixture
def secure(town: Town, settings) -> dict[str, Flask]:
    """Both doors as they stand behind TLS."""
    made = settings.model_copy(update={"public_url": "https://guichet.test"})
    return {"portal": wsgi.build_portal(made), "backoffice": wsgi.build_backoffice(made)}


@pytest.mark.parametrize(
    ("door", "path", "name"),
    [("portal", "/new-link", "__Host-guichet"), ("backoffice", "/sign-in", "__Host-guichet_desk")],
)
def test_a_cookie_is_for_this_host_over_tls_and_not_for_scripts(secure, door, path, name):
    answer = secure[door].test_client().get(path, base_url="https://guichet.test")
    cookies = answer.headers.getlist("Set-Cookie")

    assert len(cookies) == 1
    first, *flags = [part.strip() for part in cookies[0].split(";")]
    assert first.startswith(f"{name}=")
    assert set(flags) == {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"}
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"


def test_a_person_comes_in_over_tls_without_a_referrer(secure, town: Town):
    """The landing page forbids referrers, so that no check may ask for one."""
    client, at = secure["portal"].test_client(), {"base_url": "https://guichet.test"}
    page = client.get(f"/l/{town.dora.token}", **at)
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.text)
    assert token is not None

    pressed = client.post(f"/l/{town.dora.token}", data={"csrf_token": token[1]}, headers={"Origin": "null"}, **at)

    assert pressed.status_code == 303
    assert client.get("/", **at).status_code == 200


def test_a_post_without_our_token_is_refused_everywhere_and_changes_nothing(portal, backoffice, town: Town):
    visitor, staff = visit(portal, town.dora, tier=2), sit(backoffice, town, Role.ADMIN)
    for client in (visitor, staff):
        client.environ_base.pop("HTTP_X_CSRFTOKEN")
    owned = link_and_session(town.dora)
    before = fingerprint(get_engine())
    told = {}
    for client, routes in ((visitor, [*COUNTER, *MONEY]), (staff, DESK)):
        for route in posts(routes):
            path = fill(route.path, owned, token=town.dora.token) if client is visitor else path_of(route, owned)
            for data in ({}, {"csrf_token": "forged"}):
                told[route.endpoint, bool(data)] = client.post(path, data=data).status_code

    assert {where: status for where, status in told.items() if status != 400} == {}
    assert len(told) > 120
    assert changed(before, fingerprint(get_engine())) == set()


def test_a_post_from_another_site_is_refused_even_with_a_token(portal, backoffice, town: Town):
    clients = ((visit(portal, town.dora, tier=2), COUNTER), (sit(backoffice, town, Role.ADMIN), DESK))
    owned = link_and_session(town.dora)
    before = fingerprint(get_engine())
    told = {
        route.endpoint: client.post(path_of(route, owned), headers={"Sec-Fetch-Site": "cross-site"}).status_code
        for client, routes in clients
        for route in posts(routes)
    }

    assert {where: status for where, status in told.items() if status != 403} == {}
    assert changed(before, fingerprint(get_engine())) == set()


def test_a_token_of_another_browser_is_refused(portal, town: Town):
    client = visit(portal, town.dora)
    with client.session_transaction() as cookie:
        cookie["csrf_token"] = "d" * 40

    assert client.post("/profile", data={"language": "fr"}).status_code == 400


def test_every_answer_carries_the_headers(portal, backoffice, town: Town):
    asked = [(visit(portal, town.dora, tier=2), route) for route in PAGES]
    asked += [(sit(backoffice, town, Role.ADMIN), route) for route in DESK_PAGES]
    faults = {}
    for client, route in asked:
        path = fill(route.path, town.dora, token=town.dora.token) if route in PAGES else path_of(route, town.dora)
        answer = client.get(path)
        answer.close()
        faults[route.endpoint] = wrong_headers(answer, path)
    for client in (portal.test_client(), backoffice.test_client()):
        for path in ("/nothing-here", "/assets/x/nothing.js"):
            faults[path] = wrong_headers(client.get(path), path)

    assert {where: found for where, found in faults.items() if found} == {}
    assert len(faults) > 80


def wrong_headers(answer, path: str) -> list[str]:
    headers = answer.headers
    policy = headers.get("Content-Security-Policy", "")
    wanted = {
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer" if path.startswith("/l/") else "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "X-Robots-Tag": "noindex, nofollow",
    }
    faults = [name for name, value in wanted.items() if headers.get(name) != value]
    is_file = headers.get("Content-Disposition", "").startswith("attachment")
    if "default-src 'none'" not in policy or "unsafe-eval" in policy or "script-src *" in policy:
        faults.append("policy")
    if answer.mimetype == "text/html" and "/html" not in path:
        parts = {part.split(" ")[0]: part for part in policy.split("; ")}
        if parts.get("frame-ancestors") != "frame-ancestors 'none'" or parts.get("base-uri") != "base-uri 'none'":
            faults.append("frames")
        if "unsafe-inline" in policy or "form-action 'self'" not in policy:
            faults.append("policy of forms")
        if re.search(r"<script(?![^>]*(?:src=|nonce=|type=\"application/json\"))", answer.text):
            faults.append("a script without nonce")
    if answer.status_code == 200 and "no-store" not in headers.get("Cache-Control", "") and "/logo/" not in path:
        faults.append(f"kept by caches: {headers.get('Cache-Control')}")
    if is_file and not re.search(r'filename="?[^"/\\\r\n]+', headers["Content-Disposition"]):
        faults.append("file name")
    return faults


MADE_ONCE = {"staff_member", "scenario", "scenario_step"}
"""What the first look makes and every later one finds: the salt of a second factor that is being set up, and the default
ladder of a company that has none."""


def test_looking_changes_nothing_but_paper_that_is_kept_and_exports_that_are_noted(portal, backoffice, town: Town):
    """GET and HEAD of every page: a hash of all tables before and after."""
    visitor, staff = visit(portal, town.dora, tier=2), sit(backoffice, town, Role.ADMIN)
    told = {}
    for client, routes in ((visitor, PAGES), (staff, DESK_PAGES)):
        for route in routes:
            path = (
                fill(route.path, town.dora, token=town.dora.token) if client is visitor else path_of(route, town.dora)
            )
            if is_paper(path) or is_export(path) or ".<form>" in route.path:
                continue
            told[route.endpoint] = path, client
    before = fingerprint(get_engine())
    for method in ("HEAD", "GET"):
        for path, client in told.values():
            client.open(path, method=method).close()

    assert changed(before, fingerprint(get_engine())) <= MADE_ONCE
    assert len(told) > 60


def is_paper(path: str) -> bool:
    """Paper is made once and kept; the first to look at it makes it."""
    return bool(re.search(r"(?:/pdf|\.pdf|\.zip|/receipt|\.xlsx)$", path)) or "/documents/statement" in path


def is_export(path: str) -> bool:
    """What one person's data are, as a file: who took it is noted."""
    return path.endswith("/data.zip")


def test_ones_data_as_a_file_are_noted_and_change_nothing_else(portal, backoffice, town: Town):
    visitor, staff = visit(portal, town.dora, tier=2), sit(backoffice, town, Role.ADMIN)
    taken = [(visitor, fill(route.path, town.dora)) for route in PAGES]
    taken += [(staff, path_of(route, town.dora)) for route in DESK_PAGES]
    taken = [(client, path) for client, path in taken if is_export(path)]
    before = fingerprint(get_engine())
    for client, path in taken:
        answer = client.get(path)
        assert answer.status_code == 200, path
        with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
            assert {Path(name).suffix for name in archive.namelist()} == {".html", ".json"}, path

    assert len(taken) == 2
    assert changed(before, fingerprint(get_engine())) == {"audit_line", "seal"}


def test_an_export_is_noted_and_changes_nothing_else(backoffice, town: Town):
    staff = sit(backoffice, town, Role.AUDITOR)
    before = fingerprint(get_engine())
    for route in DESK_PAGES:
        if ".<form>" in route.path and "statement" not in route.path:
            answer = staff.get(path_of(route, town.dora))
            assert answer.status_code == 200
            assert len(answer.data) > 3

    assert changed(before, fingerprint(get_engine())) == {"audit_line", "seal"}


def test_the_audit_trail_and_the_ledger_cannot_be_rewritten(town: Town):
    for statement in ("UPDATE audit_line SET action = 'x'", "DELETE FROM audit_line", "DELETE FROM ledger_transfer"):
        with get_engine().connect() as connection, pytest.raises(Exception, match=r"append|only|never|not allowed"):
            connection.execute(text(statement))


def test_a_page_of_staff_is_not_reached_through_the_portals_address(portal, town: Town):
    client = holding(portal)

    assert client.get("/backoffice/").status_code == 404
    assert client.get("/staff").status_code == 404
