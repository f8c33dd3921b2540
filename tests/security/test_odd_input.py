"""Whatever stands in an address or a field, no page is an error of ours, and no header is written by a visitor."""

from __future__ import annotations

import base64
import json
import re
import uuid
from urllib.parse import quote

import pytest
from flask import Flask
from sqlalchemy import Engine, select

from backoffice.access import signin
from backoffice.access.permissions import Role
from backoffice.urls import ROUTES as DESK
from portal.access.entry import prove
from portal.urls import ROUTES as PORTAL
from shared.access.queries import find_visitor
from shared.access.service import CodeCheck
from shared.kit import limits
from shared.kit.audit import AuditLine
from shared.kit.db import glance, reading
from shared.kit.tokens import digits_of
from tests.security.conftest import Town, fill, holding, sit, visit


def key(*values: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(list(values)).encode()).decode().rstrip("=")


NESTED = base64.urlsafe_b64encode(b"[" * 100_000).decode()[:3000]
NAMES = [
    "q",
    "sort",
    "after",
    "before",
    "state",
    "page",
    "form",
    "since",
    "until",
    "debtor",
    "who",
    "what",
    "group",
    "room",
    "story",
    "moment",
    "on",
    "day",
    "count",
    "every",
    "first",
    "language",
    "next",
    "invoice",
    "part",
    "totals",
    "dispute",
    "contact",
    "step",
    "reason",
    "kind",
    "month",
    "of",
    "company",
    "code",
    "subject",
]
VALUES = [
    key(5, 5),
    key(None, None),
    key("\ud800", "x"),
    key({"a": 1}, []),
    key("x", 12),
    key(10**30, str(uuid.UUID(int=1))),
    key("0001-01-01T00:00:00+14:00", str(uuid.UUID(int=1))),
    key("2026-01-01T00:00:00", str(uuid.UUID(int=1))),
    key("2026-13-45", "é"),
    key(True, False),
    NESTED,
    "²²²²²²",
    "٣٤٥",
    "0001-01-01",
    "9999-12-31",
    "99999999999999999999",
    "-1",
    "/\r\nX-Y: z",
    "\u202e<>'\"%00",
    "[",
    "//[",
    "x" * 900,
]


def addresses(routes, account) -> list[str]:
    return [
        fill(route.path, account)
        for route in routes
        if "GET" in route.methods.split()
        and not route.path.endswith((".pdf", ".zip", ".csv"))
        and "<form>" not in route.path
    ]


@pytest.mark.parametrize("door", ["desk", "portal", "nobody"])
def test_no_parameter_of_any_page_is_an_error_of_ours(portal: Flask, backoffice: Flask, town: Town, door: str) -> None:
    clients = {
        "desk": lambda: sit(backoffice, town, Role.ADMIN),
        "portal": lambda: visit(portal, town.dora, tier=2),
        "nobody": lambda: holding(portal),
    }
    client = clients[door]()
    wrong = []
    for path in addresses(DESK if door == "desk" else PORTAL, town.dora):
        for turn in range(0, len(VALUES), 3):
            pairs = [(name, VALUES[(turn + place) % len(VALUES)]) for place, name in enumerate(NAMES)]
            query = "&".join(f"{name}={quote(value[:300])}" for name, value in pairs if name != "language")
            answer = client.get(f"{path}?{query}"[:3900])
            answer.close()
            if (answer.status_code >= 500 and answer.status_code != 503) or "X-Y" in answer.headers:
                wrong.append((path, turn, answer.status_code))

    assert wrong == []


@pytest.mark.parametrize(
    "target", ["/\r\nX-Y: z", "//evil.example", "/\\evil.example", "https://evil.example", "/\x7f", "//["]
)
def test_where_to_go_on_is_a_path_of_ours_or_nothing(portal: Flask, town: Town, target: str) -> None:
    client = holding(portal)

    answer = client.post(f"/l/{town.dora.token}", data={"next": target})

    assert answer.status_code == 303
    assert answer.headers["Location"] == "/"
    assert "X-Y" not in answer.headers


@pytest.mark.parametrize("code", ["²²²²²²", "٠١٢٣٤٥", "½½½½½½", "①②③④⑤⑥", "\ud800"])
def test_digits_of_any_script_are_digits_and_the_rest_is_nothing(
    database: Engine, town: Town, portal: Flask, code: str
) -> None:
    assert re.fullmatch(r"[0-9]*", digits_of(code))
    assert signin.check_code(town.staff[Role.ADMIN], code) is False
    client = visit(portal, town.dora)
    with client.session_transaction() as cookie:
        token = cookie["_user_id"]
    with glance() as reader:
        visitor = find_visitor(reader, token)
    assert visitor is not None
    assert prove(visitor, code) is CodeCheck.SPENT


def test_a_redirect_does_not_go_to_the_host_that_was_named(backoffice: Flask, portal: Flask) -> None:
    for app in (backoffice, portal):
        answer = app.test_client().get("//invoices", headers={"Host": "evil.example"})
        assert "evil" not in answer.headers.get("Location", "")
    bare = backoffice.test_client().get(
        "", headers={"Host": "evil.example"}, environ_overrides={"SCRIPT_NAME": "/backoffice", "PATH_INFO": ""}
    )
    assert bare.status_code in (303, 308)
    assert "evil" not in bare.headers["Location"]
    assert bare.headers["Location"].startswith("/")


@pytest.mark.parametrize("behind", [".", ")", ">", ",", "%22", ").", "%C2%BB", "]%0A"])
def test_a_link_with_what_stood_behind_it_in_the_mail_opens(portal: Flask, town: Town, behind: str) -> None:
    client = holding(portal)

    assert client.get(f"/l/{town.dora.token}{behind}").status_code == 200
    assert client.post(f"/l/{town.dora.token}{behind}").status_code == 303


def test_right_sign_ins_lock_no_office_out(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signin.passwords, "fits", lambda _stored, password: password == "right")
    email = "admin@guichet.example"

    for _turn in range(signin.TRIES_PER_ADDRESS + 10):
        assert signin.check_password(email, "right", address="192.0.2.1") is not None
    for _turn in range(signin.TRIES_PER_PERSON_AND_ADDRESS):
        assert signin.check_password(email, "wrong", address="192.0.2.1") is None
    with pytest.raises(signin.TooManyTries):
        signin.check_password(email, "right", address="192.0.2.1")
    assert signin.check_password("manager@guichet.example", "right", address="192.0.2.1") is not None
    assert signin.check_password(email, "right", address="192.0.2.9") is not None


def test_failed_sign_ins_and_codes_leave_a_line(town: Town) -> None:
    signin.check_password("admin@guichet.example", "wrong", address="192.0.2.1")
    signin.check_password("nobody@guichet.example", "wrong", address="192.0.2.1")
    signin.check_again(town.staff[Role.ADMIN], "wrong")
    signin.check_code(town.staff[Role.ADMIN], "000000")

    with reading() as session:
        lines = session.execute(
            select(AuditLine.action, AuditLine.subject_id)
            .where(AuditLine.action.like("%failed"))
            .order_by(AuditLine.id)
        ).all()
    admin = town.staff[Role.ADMIN]
    assert [tuple(line) for line in lines] == [
        ("staff.sign_in_failed", admin),
        ("staff.sign_in_failed", None),
        ("staff.proof_failed", admin),
        ("staff.code_failed", admin),
    ]


@pytest.mark.parametrize(
    ("address", "caller"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("unix:", "unix:"),
    ],
)
def test_an_ipv6_customer_is_one_caller(address: str, caller: str) -> None:
    assert limits.caller(address) == caller
