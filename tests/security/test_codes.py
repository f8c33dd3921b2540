"""One-time codes: ten minutes, five tries, one session, one use; the second tier begins with a new cookie."""

from __future__ import annotations

import re

from sqlalchemy import select

from backoffice.access.permissions import Role
from shared.access.models import OneTimeCode
from shared.kit.db import reading
from shared.kit.outbox.relay import perform_due
from shared.web.pages import safe_next
from tests.security.conftest import Town, holding, sit, visit
from tests.support.mailbox import Mailbox

OFF_SITE = ["//evil.example", "https://evil.example", "/\\evil.example", "\\\\evil.example", "/\t/evil.example"]
OFF_SITE += [
    "//[",
    "javascript:alert(1)",
    " //evil.example",
    "///evil.example",
    "http:evil.example",
    "/\n/evil.example",
]


def ask_code(client, mailbox: Mailbox) -> str:
    assert client.post("/code/send").status_code == 303
    perform_due()
    body = mailbox.mails[-1].get_body(("plain",))
    assert body is not None
    found = re.search(r"\b(\d{8})\b", body.get_content())
    assert found
    return found[1]


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 10**8:08d}"


def may(client) -> bool:
    return client.get("/access").status_code == 200


def test_the_right_code_lifts_the_session_and_changes_its_cookie(portal, town: Town, mail):
    client = visit(portal, town.dora)
    with client.session_transaction() as cookie:
        before = cookie["_user_id"]
    assert not may(client)

    assert client.post("/code", data={"code": ask_code(client, mail)}).status_code == 303

    assert may(client)
    with client.session_transaction() as cookie:
        assert cookie["_user_id"] != before
    assert holding(portal, before).get("/").status_code == 303


def test_a_code_is_for_the_session_that_asked(portal, town: Town, mail):
    mine, other = visit(portal, town.dora), visit(portal, town.dora)
    code = ask_code(mine, mail)

    assert other.post("/code", data={"code": code}).status_code == 422
    assert not may(other)


def test_a_code_is_used_once(portal, town: Town, mail, frozen):
    client = visit(portal, town.dora)
    code = ask_code(client, mail)
    client.post("/code", data={"code": code})
    frozen.advance(minutes=16)
    assert not may(client)

    assert client.post("/code", data={"code": code}).status_code == 422
    assert not may(client)


def test_a_code_allows_five_tries(portal, town: Town, mail):
    client = visit(portal, town.dora)
    code = ask_code(client, mail)
    for _try in range(5):
        assert client.post("/code", data={"code": wrong(code)}).status_code == 422

    assert client.post("/code", data={"code": code}).status_code == 422
    assert not may(client)


def test_the_fifth_try_may_be_the_right_one(portal, town: Town, mail):
    client = visit(portal, town.dora)
    code = ask_code(client, mail)
    for _try in range(4):
        client.post("/code", data={"code": wrong(code)})

    assert client.post("/code", data={"code": code}).status_code == 303


def test_a_code_lives_ten_minutes(portal, town: Town, mail, frozen):
    early, late = visit(portal, town.dora), visit(portal, town.dora)
    codes = ask_code(early, mail), ask_code(late, mail)

    frozen.advance(seconds=599)
    assert early.post("/code", data={"code": codes[0]}).status_code == 303
    frozen.advance(seconds=1)
    assert late.post("/code", data={"code": codes[1]}).status_code == 422


def test_a_new_code_ends_the_former_one(portal, town: Town, mail, frozen):
    client = visit(portal, town.dora)
    first = ask_code(client, mail)
    frozen.advance(seconds=1)
    second = ask_code(client, mail)

    if first != second:
        assert client.post("/code", data={"code": first}).status_code == 422
    assert client.post("/code", data={"code": second}).status_code == 303


def test_a_person_gets_five_codes_an_hour_in_all_sessions_together(portal, town: Town):
    told = [visit(portal, town.dora).post("/code/send").status_code for _n in range(6)]

    assert told == [303] * 5 + [429]


def test_only_a_keyed_hash_of_a_code_is_kept(portal, town: Town, mail):
    client = visit(portal, town.dora)
    code = ask_code(client, mail)
    with reading() as session:
        row = session.scalars(select(OneTimeCode)).one()

    assert code.encode() not in row.code_hash + row.salt
    assert len(row.code_hash) == 32


def test_nobody_is_led_to_another_site(portal, backoffice, town: Town):
    """By `next`, in an address or a form; a path of ours is kept."""
    client, staff = visit(portal, town.dora, tier=2), sit(backoffice, town, Role.ADMIN)
    led = {target: client.get("/code", query_string={"next": target}).headers["Location"] for target in OFF_SITE}
    kept = {target: staff.get("/confirm", query_string={"next": target}).status_code for target in OFF_SITE}

    assert led == dict.fromkeys(OFF_SITE, "/")
    assert {safe_next(target, "/") for target in OFF_SITE} == {"/"}
    assert set(kept.values()) == {200}
    assert client.get("/code?next=/invoices").headers["Location"] == "/invoices"
