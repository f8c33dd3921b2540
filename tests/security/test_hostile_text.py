"""What strangers type or send: names, cells, file names, odd bytes in every place; nothing breaks, nothing runs."""

from __future__ import annotations

import csv
import hashlib
import hmac
import io
import json
import logging
import time
import zipfile

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import select

import wsgi
from backoffice.access.permissions import Role
from backoffice.urls import ROUTES as DESK
from payments.webhooks.models import EventState, InboxEvent
from payments.webhooks.views import LARGEST_BODY
from portal.urls import ROUTES as COUNTER
from shared.access.models import LinkPurpose
from shared.debtors.models import Contact, Debtor
from shared.debtors.service import searchable
from shared.invoices.models import Invoice
from shared.kit import log
from shared.kit.db import get_engine, reading, transaction
from shared.kit.outbox.relay import perform_due
from shared.kit.settings import use_settings
from shared.messages import service as messages
from tests.security.conftest import IBAN, Town, changed, fill, fingerprint, holding, sit, visit
from tests.security.test_desk_authorisation import path_of
from tests.support.keys import PROVIDER_KEYS
from tests.support.mailbox import open_mailbox

FORMULAS = ['=HYPERLINK("http://evil.example";"x")', "+1+1", "-1+1", "@SUM(A1)", "\t=1", " =1+1", "|calc"]
HEADER = "Dora\r\nBcc: spy@evil.example\r\n\r\n<script>alert(1)</script>"


def rename(town: Town, name: str, number: str = "") -> None:
    with transaction() as session:
        debtor = session.get_one(Debtor, town.dora.debtor_id)
        debtor.name, debtor.search_name = name, searchable(name) if hasattr(debtor, "search_name") else ""
        session.get_one(Contact, town.dora.contact_id).name = name
        if number:
            session.get_one(Invoice, town.dora.ids["invoice_id"]).number = number


@pytest.mark.parametrize("formula", FORMULAS)
def test_no_cell_of_an_export_is_run_by_a_spreadsheet(backoffice, town: Town, formula):
    rename(town, formula, formula[:60])
    staff = sit(backoffice, town, Role.ADMIN)
    for path in (
        "/debtors.csv",
        "/invoices.csv",
        "/payments.csv",
        "/mandates.csv",
        "/messages.csv",
        "/system/audit.csv",
    ):
        content = staff.get(path).get_data(as_text=True)
        rows = list(csv.reader(io.StringIO(content.lstrip("\ufeff")), delimiter="," if "," in content[:40] else ";"))
        live = [
            cell
            for row in rows[1:]
            for cell in row
            if cell.lstrip(" ").startswith(("=", "+", "@", "\t", "|")) or (cell.startswith("-") and "+" in cell)
        ]
        assert live == [], path


def test_no_cell_of_a_workbook_is_a_formula(backoffice, town: Town):
    rename(town, FORMULAS[0])
    content = sit(backoffice, town, Role.ADMIN).get("/debtors.xlsx").data
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        sheets = "".join(book.read(name).decode() for name in book.namelist() if "sheet" in name)

    assert "<f>" not in sheets
    assert "hyperlink" not in sheets


@pytest.mark.slow
def test_no_name_in_an_archive_or_a_download_escapes(portal, town: Town):
    rename(town, "Dora", '../../etc/pass"wd\r\nX: y\u202efdp.exe')
    client = visit(portal, town.dora)
    archive = client.get(f"/documents/invoices.zip?invoice={town.dora.ids['invoice_id']}")
    with zipfile.ZipFile(io.BytesIO(archive.data)) as found:
        names = found.namelist()
    single = client.get(f"/invoices/{town.dora.ids['invoice_id']}/pdf")

    assert len(names) == 1
    assert not [name for name in names if any(c in name for c in '/\\"\r\n\u202e') or name.startswith(".")]
    for answer in (archive, single):
        said = answer.headers["Content-Disposition"]
        assert said.startswith("attachment; filename")
        assert not any(c in said for c in "\r\n\u202e/\\")
        assert "sandbox" in answer.headers["Content-Security-Policy"]


def test_a_name_puts_nothing_into_the_headers_or_the_html_of_a_message(town: Town, settings):
    rename(town, HEADER)
    with open_mailbox() as mailbox:
        use_settings(settings.model_copy(update={"smtp_url": mailbox.url, "mail_sender": "G <g@guichet.example>"}))
        with transaction() as session:
            messages.write(
                session,
                kind="invitation",
                debtor_id=town.dora.debtor_id,
                contact_ids=[town.dora.contact_id],
                facts={"inviter": HEADER},
                link=LinkPurpose.INVITATION,
                reason="asked",
                dedupe_key="hostile",
            )
        perform_due()
        sent = [each for each in mailbox.mails if each["To"].addresses[0].addr_spec == town.dora.email]
        use_settings(settings)

    assert sent
    for each in sent:
        assert each["Bcc"] is None
        assert len(each["To"].addresses) == 1
        assert not any("\n" in str(value) or "\r" in str(value) for value in each.values())
        page = each.get_body(("html",))
        assert page is not None
        assert "<script" not in page.get_content().lower()


def test_a_name_is_only_text_on_every_page(portal, backoffice, town: Town):
    rename(town, "<script>alert(1)</script><img src=x onerror=y>")
    visitor, staff = visit(portal, town.dora), sit(backoffice, town, Role.ADMIN)
    shown = [visitor.get(path).text for path in ("/", "/profile", "/pay", "/accounts", "/documents")]
    shown += [staff.get(path).text for path in ("/", "/debtors", "/invoices", f"/debtors/{town.dora.debtor_id}")]

    assert not [page for page in shown if "<script>alert" in page or "<img src=x" in page]
    assert any("&lt;script&gt;" in page for page in shown)


def test_logs_hold_no_token_no_address_and_no_account_number(portal, backoffice, town: Town, caplog):
    caplog.set_level(logging.DEBUG)
    client, staff = visit(portal, town.dora), sit(backoffice, town, Role.ADMIN)
    holding(portal).post(f"/l/{town.dora.token}")
    holding(portal).post("/new-link", data={"email": town.dora.email})
    client.post("/code", data={"code": "12345678"})
    staff.get(f"/search?q={IBAN}")
    staff.get(f"/search?q={town.dora.email}")
    perform_due()
    logging.getLogger("x").error("at /l/%s for %s with %s", town.dora.token, town.dora.email, IBAN)
    logging.getLogger("x").error("account %s token %s", "fr76 3000 6000 0112 3456 7890 189", town.dora.token)
    error = ValueError(f"{town.dora.email} {IBAN} {town.dora.token}")
    logging.getLogger("x").error("broken", exc_info=error)
    formatter = log.JsonFormatter()
    lines = "\n".join(formatter.format(record) for record in caplog.records)

    secrets = [town.dora.token, town.dora.email, IBAN, "3000 6000", "@client.example", "@guichet.example"]
    assert [secret for secret in secrets if secret in lines] == []
    assert "broken" in lines


# The providers' door.


@pytest.fixture
def webhooks(town: Town, settings):
    made = settings.model_copy(update=PROVIDER_KEYS)
    use_settings(made)
    yield wsgi.build_portal(made).test_client()
    use_settings(settings)


ODD_BODIES = [
    b"",
    b"{",
    b"\xff\xfe\x00",
    b'{"events": [{"id": "\xc3\x28"}]}',
    b'{"id": "evt_1", "object": "event", "type": "charge.upda',
    b"[" * 50_000,
    b'{"events": [null]}',
    b'{"id": "evt\\u0000", "object": "event", "type": "x", "created": 1, "livemode": false, "data": {"object": {}}}',
    b'{"events": [{"id": "EV\\u0000", "created_at": "2026-03-10T09:00:00.000Z", "resource_type": "payments"}]}',
    b'{"id": "evt_1", "created": 1e400}',
    json.dumps({"id": "e" * 5_000, "object": "event", "type": "t" * 5_000, "created": 1, "livemode": False}).encode(),
]
ODD_SIGNATURES = ["", "é", "t=1,v1=", "t=" + "9" * 400 + ",v1=x", "0" * 64, "t=\u0661,v1=x"]


def is_text(body: bytes) -> bool:
    """Stripe signs UTF-8 only; its SDK calls the signature of anything else wrong."""
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def test_no_webhook_body_or_signature_breaks_us(webhooks, town: Town):
    """What is signed is kept, whatever it says; what is not signed leaves no trace."""
    told, kept = {}, {}
    refused, taken = {"stripe": 400, "gocardless": 498}, {"stripe": 200, "gocardless": 204}
    before = fingerprint(get_engine())
    for n, body in enumerate(ODD_BODIES):
        for provider, header in (("stripe", "Stripe-Signature"), ("gocardless", "Webhook-Signature")):
            for signature in [hmac.new(b"", body, hashlib.sha256).hexdigest(), *ODD_SIGNATURES]:
                answer = webhooks.post(f"/webhooks/{provider}", data=body, headers={header: signature})
                told[provider, n, signature] = answer.status_code
    assert {where: status for where, status in told.items() if status != refused[where[0]]} == {}
    assert changed(before, fingerprint(get_engine())) == set()

    for n, body in enumerate(ODD_BODIES):
        at = int(time.time())
        right = {
            "stripe": f"t={at},v1={hmac.new(b'whsec_x', f'{at}.'.encode() + body, hashlib.sha256).hexdigest()}",
            "gocardless": hmac.new(b"secret", body, hashlib.sha256).hexdigest(),
        }
        for provider, header in (("stripe", "Stripe-Signature"), ("gocardless", "Webhook-Signature")):
            answer = webhooks.post(f"/webhooks/{provider}", data=body, headers={header: right[provider]})
            kept[provider, n] = answer.status_code
    refused_by_sdk = {("stripe", n) for n, body in enumerate(ODD_BODIES) if not is_text(body)}
    assert {where for where, status in kept.items() if status != taken[where[0]]} == refused_by_sdk
    assert {kept[where] for where in refused_by_sdk} == {refused["stripe"]}
    with reading() as session:
        states = set(session.scalars(select(InboxEvent.state).where(InboxEvent.id != town.dora.ids["event_id"])))
    assert states == {EventState.SET_ASIDE}
    assert changed(before, fingerprint(get_engine())) == {"inbox_event"}


def test_a_webhook_too_large_is_refused_whatever_it_says_of_its_length(webhooks):
    body = b"x" * (LARGEST_BODY + 1)
    for provider in ("stripe", "gocardless"):
        assert webhooks.post(f"/webhooks/{provider}", data=body).status_code == 413
        chunked = {"input_stream": io.BytesIO(body), "headers": {"Transfer-Encoding": "chunked"}}
        told = webhooks.post(f"/webhooks/{provider}", **chunked, environ_overrides={"wsgi.input_terminated": True})
        assert told.status_code == 413


# Bytes in every place.

ODD = st.one_of(
    st.text(max_size=60),
    st.binary(max_size=60).map(lambda raw: raw.decode("latin-1")),
    st.sampled_from(
        ["\x00", "'", "%00", "../" * 5, "${7*7}", "{{7*7}}", "9" * 400, "-1", "1e999", "NaN", "\u202e", "[]"]
    ),
    st.sampled_from(["eyJhIjoxfQ", "WyIyMDI2LTAxLTAxIiwgMV0", "W251bGwsIG51bGxd", "WyJcdTAwMDAiLCAxXQ", "====", "W10"]),
)
NAMES = [
    "q",
    "sort",
    "after",
    "before",
    "state",
    "since",
    "until",
    "invoice",
    "what",
    "next",
    "story",
    "debtor",
    "form",
]
NAMES += [
    "language",
    "amount",
    "least",
    "most",
    "from",
    "to",
    "on",
    "who",
    "subject",
    "age",
    "reason",
    "c",
    "why",
    "outcome",
]
FIELDS = [
    "email",
    "password",
    "code",
    "name",
    "text",
    "reason",
    "until",
    "contact",
    "attempt",
    "link",
    "company",
    "maximum",
]
FIELDS += [
    "amount",
    "received_on",
    "means",
    "memo",
    "spread",
    "version",
    "part",
    "invoice",
    "autopay",
    "language",
    "role",
]
FIELDS += [
    "iban",
    "siren",
    "accent",
    "terms_days",
    "penalty_rate",
    "next",
    "present",
    "new",
    "again",
    "minor",
    "consent",
]
BOUNDED = hypothesis_settings(
    max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), database=None
)
HEAVY = ("/pdf", ".pdf", "statement", "receipt", ".zip", ".xlsx", "sign-out", "/imports", "/password", "sign-in")


@pytest.fixture
def people(portal, backoffice, town: Town):
    return {
        "portal": [visit(portal, town.dora, tier=2)],
        "backoffice": [sit(backoffice, town, Role.ADMIN)],
    }


@BOUNDED
@given(data=st.data())
def test_odd_text_in_an_address_never_breaks_a_page(people, town: Town, data):
    for door, routes in (("portal", COUNTER), ("backoffice", DESK)):
        route = data.draw(st.sampled_from([each for each in routes if "GET" in each.methods]))
        query = data.draw(st.dictionaries(st.sampled_from(NAMES), st.lists(ODD, min_size=1, max_size=2), max_size=5))
        path = fill(route.path, town.dora, token="A" * 43) if door == "portal" else path_of(route, town.dora)
        if any(sign in path for sign in HEAVY):
            continue
        answer = people[door][0].get(path, query_string=query)
        answer.close()
        assert answer.status_code < 500 or answer.status_code == 503, f"{path} {query}"


@BOUNDED
@given(data=st.data())
def test_odd_text_in_a_form_never_breaks_a_page(people, town: Town, data):
    for door, routes in (("portal", COUNTER), ("backoffice", DESK)):
        posted = [each for each in routes if "POST" in each.methods and not any(s in each.path for s in HEAVY)]
        route = data.draw(st.sampled_from([each for each in posted if "/staff" not in each.path]))
        form = data.draw(st.dictionaries(st.sampled_from(FIELDS), ODD, min_size=1, max_size=8))
        path = fill(route.path, town.dora, token="A" * 43) if door == "portal" else path_of(route, town.dora)
        answer = people[door][0].post(path, data=form)
        assert answer.status_code < 500 or answer.status_code == 503, f"{path} {form}"


@hypothesis_settings(BOUNDED, max_examples=25)
@given(tail=ODD, raw=st.binary(min_size=1, max_size=20))
def test_odd_text_in_a_path_or_a_raw_query_never_breaks_a_page(people, tail, raw):
    clients = people["portal"] + people["backoffice"]
    for client in clients:
        for path in (
            "/l/",
            "/invoices/",
            "/payments/",
            "/assets/x/",
            "/debtors/",
            "/logo/",
            "/debtors.",
            "/brand.css?c=",
        ):
            given_path = path + tail.replace("#", "").replace("?", "").replace("\r", "").replace("\n", "")
            assert client.get(given_path).status_code < 500, given_path
        odd_query = raw.decode("latin-1").replace("\r", "").replace("\n", "")
        for path in ("/", "/invoices", "/mandate/new", "/confirm"):
            answer = client.get(path, environ_overrides={"QUERY_STRING": odd_query})
            assert answer.status_code < 500, odd_query


@pytest.mark.parametrize("field", ["email", "password", "next"])
def test_a_nul_at_the_staffs_door_is_a_bad_request(backoffice, town: Town, field):
    form = {"email": "a@b.example", "password": "x" * 12, "next": "/"}
    form[field] += "\x00"

    assert holding(backoffice).post("/sign-in", data=form).status_code == 400


@pytest.mark.parametrize("referrer", ["http://[", "https://guichet.test//evil.example/", "javascript:x", "\\\\evil"])
def test_an_odd_referrer_leads_nowhere_else(backoffice, town: Town, frozen, referrer):
    client = sit(backoffice, town, Role.ADMIN)
    frozen.advance(minutes=20)
    answer = client.post("/setup/bank", headers={"Referer": referrer})

    assert answer.headers["Location"].startswith("/confirm?next=/")
    assert "evil" not in answer.headers["Location"]


def test_a_query_of_raw_bytes_is_a_bad_request_at_both_doors(portal, backoffice, town: Town):
    odd = {"QUERY_STRING": "q=\xff\xfe"}

    told = {
        client.get(path, environ_overrides=odd).status_code
        for client in (holding(backoffice), holding(portal))
        for path in ("/", "/nothing", "/brand.css")
    }

    assert told == {400}
    assert holding(portal).post("/new-link", environ_overrides=odd).status_code == 400
