"""Every form of both doors whose session ended while somebody typed stands filled in again after coming back."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qsl, urljoin, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from lxml import html
from sqlalchemy import update

from backoffice.access import service as desk
from backoffice.access.models import StaffSession
from backoffice.access.permissions import Role
from backoffice.urls import ROUTES as DESK_ROUTES
from portal.urls import ROUTES as PORTAL_ROUTES
from shared.access import service as access
from shared.access.models import PortalSession
from shared.company.models import Company
from shared.kit import clock
from shared.kit.db import reading, transaction
from shared.web.unsent import SECRET
from tests.security.conftest import Town, a_link, fill, holding
from tests.security.test_desks import browser_of

TYPED = (
    ".//textarea[@name]|.//input[@name][not(@type) or not(contains(' hidden password file checkbox radio ', @type))]"
)
SHOWN = re.compile(r"\btyped-\d+\b")


def forms_of(client: FlaskClient, path: str) -> Iterator[tuple[str, str, dict[str, str], set[str]]]:
    """Each form of a page that takes words: its page, its action, what it sends, and the words that were typed."""
    answer = client.get(path)
    is_page = answer.status_code == 200 and answer.mimetype == "text/html"
    text = answer.get_data(as_text=True) if is_page else "<html></html>"
    answer.close()
    for form in html.document_fromstring(text).iter("form"):
        names = [each.get("name") for each in form.xpath(TYPED)]
        if (form.get("method") or "get").lower() != "post" or not names or SECRET & set(names):
            continue
        kept = {each.get("name"): each.get("value") or "" for each in form.xpath(".//input[@type='hidden'][@name]")}
        words = {name: f"typed-{number}" for number, name in enumerate(dict.fromkeys(names))}
        yield path, urlsplit(urljoin(path, form.get("action") or path)).path, kept | words, set(words.values())


def lost(
    app: Flask, routes: Any, never: frozenset[str], town: Town, come: Callable[[FlaskClient], None]
) -> tuple[list[str], int]:
    """What is not there again after coming back, and how many forms were tried. `come` ends all sessions and opens one."""
    client = holding(app)
    del client.environ_base["HTTP_X_CSRFTOKEN"]  # its forms bring their own
    with client.session_transaction() as cookie:
        del cookie["csrf_token"]
    come(client)
    missing, tried = [], set()
    map_ = app.url_map.bind("")
    for route in routes:
        if "GET" not in route.methods or "<form>" in route.path:
            continue
        for page, action, sent, words in list(forms_of(client, fill(route.path, town.dora))):
            endpoint = map_.match(action, method="POST")[0]
            if endpoint in never or endpoint in tried:
                continue
            tried.add(endpoint)
            end_all()
            answer = client.post(action, data=sent)
            answer.close()
            back = dict(parse_qsl(urlsplit(answer.headers.get("Location", "")).query)).get("next", page)
            come(client)
            place = client.get(page)
            again = place.get_data(as_text=True)
            place.close()
            gone = sorted(words - set(SHOWN.findall(again)))
            if answer.status_code != 303 or gone or urlsplit(back).path != urlsplit(page).path:
                missing.append(f"{page} -> {action}: {answer.status_code}, back to {back}, without {gone}")
    return missing, len(tried)


def end_all() -> None:
    with transaction() as session:
        for row in (StaffSession, PortalSession):
            session.execute(update(row).where(row.ended_at.is_(None)).values(ended_at=clock.now()))


def put(client: FlaskClient, token: str) -> None:
    with client.session_transaction() as cookie:
        cookie["_user_id"], cookie["_fresh"] = token, True


def test_every_form_of_the_desk_is_there_again_after_the_session_ended(backoffice: Flask, town: Town) -> None:
    def come(client: FlaskClient) -> None:
        with transaction() as session:
            token = desk.open_session(session, town.staff[Role.ADMIN], user_agent="Firefox", address="192.0.2.2")
        put(client, token)

    never = backoffice.extensions["guichet.unsent.never"]
    missing, tried = lost(backoffice, DESK_ROUTES, never, town, come)

    assert missing == []
    assert tried > 30


def test_every_form_of_the_portal_is_there_again_after_the_session_ended(portal: Flask, town: Town) -> None:
    def come(client: FlaskClient) -> None:
        with transaction() as session:
            link = a_link(session, town.dora)
            opened = access.redeem(session, token=link, address="192.0.2.1", user_agent="Firefox")
            assert opened is not None
            session.get_one(PortalSession, opened.session_id).verified_at = clock.now()
        put(client, opened.token)

    never = portal.extensions["guichet.unsent.never"]
    missing, tried = lost(portal, PORTAL_ROUTES, never, town, come)

    assert missing == []
    assert tried > 8


@pytest.mark.parametrize(
    ("routes", "everywhere"),
    [(DESK_ROUTES, {"/sign-out", "/company", "/language"}), (PORTAL_ROUTES, {"/sign-out"})],
    ids=["desk", "portal"],
)
def test_every_act_has_a_page_above_it_to_come_back_to(routes: Any, everywhere: set[str]) -> None:
    pages = {route.path for route in routes if "GET" in route.methods}
    acts = [route.path for route in routes if "POST" in route.methods]

    assert {each for each in acts if each not in pages and not is_below(each, pages)} == everywhere


def is_below(path: str, pages: set[str]) -> bool:
    steps = path.split("/")
    return any("/".join(steps[:count]) in pages for count in range(2, len(steps)))


def test_a_form_that_is_filled_in_again_reverts_nothing_that_a_colleague_saved_meanwhile(
    backoffice: Flask, town: Town
) -> None:
    browser = browser_of(backoffice, town)
    page = browser.open("/setup")
    with transaction() as session:
        session.get_one(Company, town.dora.company_id).phone = "02 99 00 00 00"
    end_all()
    page.submit("Save", city="Rouen")

    with transaction() as session:
        put(
            browser.client,
            desk.open_session(session, town.staff[Role.ADMIN], user_agent="Firefox", address="192.0.2.2"),
        )
    again = browser.open("/setup")
    assert again.form_of("Save").fields["city"] == "Rouen"
    again.submit("Save")

    with reading() as session:
        company = session.get_one(Company, town.dora.company_id)
        assert (company.phone, company.city) == ("02 99 00 00 00", "Rouen")


def test_two_forms_that_came_too_late_wait_beside_each_other(backoffice: Flask, town: Town) -> None:
    browser = browser_of(backoffice, town)
    account, setup = browser.open(f"/debtors/{town.dora.debtor_id}"), browser.open("/setup")
    end_all()
    account.submit("Keep the note", text="Rings back on Tuesday.")
    setup.submit("Save", city="Rouen")
    setup.submit("Save", city="Rouen")

    with transaction() as session:
        put(
            browser.client,
            desk.open_session(session, town.staff[Role.ADMIN], user_agent="Firefox", address="192.0.2.2"),
        )
    again = browser.open("/setup")
    assert again.form_of("Save").fields["city"] == "Rouen"
    again.submit("Save")
    assert "has not been sent yet" not in browser.open("/setup").text

    account = browser.open(f"/debtors/{town.dora.debtor_id}")
    assert account.form_of("Keep the note").fields["text"] == "Rings back on Tuesday."
    assert "Rings back on Tuesday." in account.submit("Keep the note").text
    assert "has not been sent yet" not in browser.open(f"/debtors/{town.dora.debtor_id}").text


def test_what_is_mended_twice_before_it_is_taken_does_not_wait_any_more(backoffice: Flask, town: Town) -> None:
    browser = browser_of(backoffice, town)
    page = browser.open(f"/debtors/{town.dora.debtor_id}")
    for text in ("x" * 4_001, "y" * 4_001):
        page = page.submit("Keep the note", text=text)
    page.submit("Keep the note", text="shorter")

    assert "has not been sent yet" not in browser.open(page.address).text
