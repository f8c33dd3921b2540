"""T15: scanners open links and press buttons before people do; a link is never burnt, never shown, never kept."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import func, select, text

from shared.access.models import LinkPurpose, MagicLink, PortalSession
from shared.debtors.models import Contact
from shared.kit.db import get_engine, reading, transaction
from shared.kit.limits import RateCounter
from shared.kit.outbox.models import OutboxMessage
from shared.kit.outbox.relay import perform_due
from shared.messages import service as messages
from shared.messages.models import Message
from tests.security.conftest import Town, changed, fingerprint, holding, revoked_visit, visit
from tests.support.browser import Browser

SCANNERS = [f"198.51.100.{n}" for n in range(1, 13)]


def count(model: type) -> int:
    with reading() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


def test_looking_at_a_link_changes_nothing(portal, town: Town):
    before = fingerprint(get_engine())
    for address in SCANNERS:
        for method in ("HEAD", "GET", "OPTIONS"):
            answer = portal.test_client().open(
                f"/l/{town.dora.token}", method=method, environ_overrides={"REMOTE_ADDR": address}
            )
            assert answer.status_code == 200
            assert "_user_id" not in answer.headers.get("Set-Cookie", "")

    assert changed(before, fingerprint(get_engine())) == set()


def test_a_link_that_twelve_scanners_pressed_still_opens_for_its_owner(portal, town: Town):
    for n, address in enumerate([*SCANNERS, *SCANNERS[:8]]):
        scanner = portal.test_client()
        found = scanner.get(f"/l/{town.dora.token}", environ_overrides={"REMOTE_ADDR": address}).text
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', found)
        assert token is not None
        pressed = scanner.post(
            f"/l/{town.dora.token}",
            data={"csrf_token": token[1]},
            headers={"User-Agent": f"Scanner {n}"},
            environ_overrides={"REMOTE_ADDR": address},
        )
        assert pressed.status_code == 303

    page = Browser(portal).open(f"/l/{town.dora.token}").submit("Open my account")

    assert page.status == 200
    assert "Dora Durand SARL" in page.text
    assert count(PortalSession) == 21


def test_a_pressed_link_leads_to_an_address_without_the_token(portal, town: Town):
    client = holding(portal)
    answer = client.post(f"/l/{town.dora.token}")

    assert answer.headers["Location"] == "/"
    assert town.dora.token not in answer.text
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cache-Control"] == "no-store"


def test_the_landing_page_sends_no_referrer_loads_nothing_foreign_and_is_not_kept(portal, town: Town):
    answer = portal.test_client().get(f"/l/{town.dora.token}")
    addresses = re.findall(r'(?:src|href|action)="([^"]+)"', answer.text)

    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "noindex" in answer.headers["X-Robots-Tag"]
    assert [address for address in addresses if "//" in address] == []


def test_every_link_pressed_is_a_new_session_and_ends_the_former_one_of_the_browser(portal, town: Town):
    client = holding(portal)
    client.post(f"/l/{town.dora.token}")
    with client.session_transaction() as cookie:
        first = cookie["_user_id"]
        cookie["csrf_token"] = "c" * 40
    client.post(f"/l/{town.octave.token}")
    with client.session_transaction() as cookie:
        second = cookie["_user_id"]

    assert first != second
    assert len(second) >= 43
    assert holding(portal, first).get("/").location.startswith("/new-link?why=ended")
    assert holding(portal, second).get("/").status_code == 200


def test_a_session_planted_beforehand_is_not_lifted(portal, town: Town):
    """Session fixation: what an attacker put into the browser is worth nothing after the link was pressed."""
    planted = "A" * 43
    client = holding(portal, planted)
    client.post(f"/l/{town.dora.token}")

    with client.session_transaction() as cookie:
        assert cookie["_user_id"] != planted
    assert holding(portal, planted).get("/").status_code == 303


def test_a_revoked_link_an_ended_link_and_a_wrong_one_look_alike(portal, town: Town, frozen):
    revoked_visit(portal, town.dora)
    with transaction() as session:
        session.execute(text("UPDATE magic_link SET revoked_at = now()"))
    frozen.advance(seconds=1)
    tokens = (town.dora.token, "B" * 43)
    shown = {re.sub(r'(nonce|value|action|href)="[^"]*"', "", holding(portal).get(f"/l/{t}").text) for t in tokens}
    pressed = {holding(portal).post(f"/l/{t}").status_code for t in tokens}

    assert len(shown) == 1
    assert pressed == {404}


def test_a_link_ends_by_itself(portal, town: Town, frozen):
    frozen.advance(days=45)

    assert holding(portal).get(f"/l/{town.dora.token}").status_code == 404
    assert holding(portal).post(f"/l/{town.dora.token}").status_code == 404


@pytest.mark.parametrize(("idle", "still"), [(29, 200), (30, 303)])
def test_a_session_ends_when_nobody_uses_it(portal, town: Town, frozen, idle, still):
    client = visit(portal, town.dora)
    frozen.advance(minutes=idle)

    assert client.get("/").status_code == still


def test_the_second_tier_ends_sooner_than_the_first(portal, town: Town, frozen):
    client = visit(portal, town.dora, tier=2)
    frozen.advance(minutes=15)

    assert client.get("/").status_code == 200
    assert client.get("/access").location.startswith("/code?next=")


def test_a_session_ends_after_twelve_hours_of_use(portal, town: Town, frozen):
    client = visit(portal, town.dora)
    for _step in range(35):
        frozen.advance(minutes=20)
        assert client.get("/").status_code == 200
    frozen.advance(minutes=20)

    assert client.get("/").status_code == 303


def test_wrong_tokens_are_counted_in_the_database_whatever_the_caller_says_of_itself(portal, town: Town):
    told = [
        holding(portal)
        .post(f"/l/{n:043d}", headers={"X-Forwarded-For": f"203.0.113.{n}", "X-Real-IP": f"203.0.113.{n}"})
        .status_code
        for n in range(12)
    ]

    assert told == [404] * 10 + [429] * 2
    assert count(RateCounter) == 1
    assert holding(portal).post(f"/l/{town.dora.token}").status_code == 303


def test_no_token_and_no_code_is_kept_in_a_message_or_in_the_outbox(portal, town: Town, mail):
    with transaction() as session:
        messages.write(
            session,
            kind="link",
            debtor_id=town.dora.debtor_id,
            contact_ids=[town.dora.contact_id],
            link=LinkPurpose.STAFF,
            reason="asked",
            dedupe_key="one",
        )
    client = visit(portal, town.dora)
    assert client.post("/code/send").status_code == 303
    perform_due()
    sent = "\n".join(str(part) for each in mail.mails for part in [each.get_body(("plain",)).get_content()])
    token = re.search(r"/l/([\w-]{43})", sent)
    code = re.search(r"\b(\d{8})\b", sent)
    assert token is not None
    assert code is not None

    kept = {}
    with get_engine().connect() as connection:
        for table in ("message", "outbox_message", "audit_line", "magic_link", "one_time_code", "portal_session"):
            rows = "\n".join(connection.execute(text(f'SELECT CAST(t AS text) FROM "{table}" t')).scalars())
            kept[table] = [secret for secret in (token[1], code[1]) if secret in rows]

    assert {table for table, found in kept.items() if found} == set()
    assert holding(portal).post(f"/l/{token[1]}").status_code == 303


def test_asking_for_a_link_tells_nobody_whether_an_address_is_known(portal, town: Town):
    with transaction() as session:
        session.get_one(Contact, town.bruno.contact_id).bounced_at = session.get_one(
            Contact, town.bruno.contact_id
        ).created_at
    addresses = [town.dora.email, town.bruno.email, "nobody@nowhere.example"]
    told, work = set(), set()
    for address in addresses:
        before = fingerprint(get_engine())
        messages_before, jobs_before = count(Message), count(OutboxMessage)
        client = holding(portal)
        answer = client.post("/new-link", data={"email": address})
        page = client.get(answer.headers["Location"])
        told.add((answer.status_code, answer.headers["Location"], re.sub(r'(nonce|value)="[^"]*"', "", page.text)))
        touched = changed(before, fingerprint(get_engine()))
        work.add((frozenset(touched), count(Message) - messages_before, count(OutboxMessage) - jobs_before))
        assert address not in page.text

    assert len(told) == 1
    assert work == {(frozenset({"rate_counter", "outbox_message"}), 0, 1)}


def test_only_the_known_address_gets_a_link_three_for_one_asker_and_twenty_in_all(portal, town: Town, mail):
    """A stranger who asks and asks does not take the links away from whoever owns the address."""
    asked = []
    for n in range(8):
        for _time in range(4):
            for address in (town.dora.email, "nobody@nowhere.example"):
                holding(portal).post(
                    "/new-link", data={"email": address}, environ_overrides={"REMOTE_ADDR": f"203.0.113.{n}"}
                )
        perform_due()
        asked.append(len(mail.mails))

    assert asked == [3, 6, 9, 12, 15, 18, 20, 20]
    assert {str(each["To"]) for each in mail.mails} == {str(mail.mails[0]["To"])}
    assert town.dora.email in str(mail.mails[0]["To"])


def test_one_caller_asks_for_twenty_links_an_hour(portal, town: Town, frozen):
    told = [holding(portal).post("/new-link", data={"email": f"a{n}@b.example"}).status_code for n in range(21)]
    frozen.advance(hours=1)

    assert told == [303] * 20 + [429]
    assert holding(portal).post("/new-link", data={"email": "a@b.example"}).status_code == 303


def test_an_address_that_no_message_can_carry_is_no_address(portal, town: Town):
    odd = [
        "a..b@c.example",
        ".a@c.example",
        "é@c.example",
        "a@c..example",
        "a@c.example\r\nBcc: x@y.example",
        "a b@c.d",
    ]

    assert {holding(portal).post("/new-link", data={"email": each}).status_code for each in odd} == {422}


def test_the_access_log_holds_no_token(town: Town):
    from gunicorn.config import Config

    from shared.kit.gunicorn_conf import DiscreetLogger, access_log_format

    logger = DiscreetLogger(Config())

    class Answer:
        status, sent, headers = "200 OK", 1, ()

    class Asked:
        headers = ()

    token = town.dora.token
    lines = []
    for path in (f"/l/{token}", f"/l/{token[:20]}%2D{token[20:]}", f"/x?next=/l/{token}", f"/a/{token}/b"):
        environ = {
            "RAW_URI": path,
            "REQUEST_METHOD": "GET",
            "HTTP_REFERER": f"https://guichet.test/l/{token}",
            "QUERY_STRING": path.partition("?")[2],
            "SERVER_PROTOCOL": "HTTP/1.1",
        }
        atoms = logger.atoms(Answer(), Asked(), environ, timedelta(0))
        lines.append(access_log_format % logger.atoms_wrapper_class(atoms))

    assert [line for line in lines if token[:20] in line or token[20:] in line] == []


def test_a_link_row_holds_a_hash(town: Town):
    with reading() as session:
        hashes = list(session.scalars(select(MagicLink.token_hash)))

    assert {len(each) for each in hashes} == {32}
