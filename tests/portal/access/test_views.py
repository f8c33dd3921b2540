"""The entrance: what scanners, strangers, thieves and people find there."""

from __future__ import annotations

import logging
import re

import pytest
from flask import Flask
from sqlalchemy import select

from shared.access.models import MagicLink, PortalSession
from shared.access.service import revoke_links
from shared.debtors.models import DebtorContact
from shared.kit import clock
from shared.kit.actors import Actor
from shared.kit.audit import AuditLine
from shared.kit.db import transaction
from shared.kit.outbox.models import OutboxMessage
from shared.kit.outbox.relay import perform_due
from shared.messages.models import Message
from tests.portal.conftest import Dora, prove, read_code, rows, settle_in, sign_in
from tests.support.browser import Browser
from tests.support.mailbox import Mailbox


def test_the_landing_page_shows_the_company_one_sentence_and_one_button(portal: Flask, dora: Dora) -> None:
    page = Browser(portal).open(f"/l/{dora.token}")

    assert page.heading == "Atelier des Lices"
    for secret in ("Dora", "411DORA", "€", "1,234", "FA-1", "411dora@client.example"):
        assert secret not in page.response.get_data(as_text=True)
    assert len(page.tree.xpath("//button")) == 1


def test_looking_at_a_link_changes_nothing(portal: Flask, dora: Dora) -> None:
    client = portal.test_client()

    for method in ("GET", "HEAD") * 10:
        assert client.open(f"/l/{dora.token}", method=method).status_code == 200

    assert rows(PortalSession) == []
    assert rows(MagicLink)[0].use_count == 0


def test_scanners_that_press_the_button_twenty_times_do_not_burn_the_link(portal: Flask, dora: Dora) -> None:
    for _ in range(20):
        Browser(portal).open(f"/l/{dora.token}").submit("Open my account")

    page = sign_in(portal, dora).open("/")

    assert page.heading == "Your account"
    assert rows(MagicLink)[0].use_count == 21


@pytest.mark.parametrize("fate", ["wrong", "over", "revoked"])
def test_a_link_that_opens_nothing_looks_the_same_whatever_the_reason(
    portal: Flask, dora: Dora, world: clock.FrozenClock, fate: str
) -> None:
    token = dora.token
    if fate == "wrong":
        token = "A" * 43
    elif fate == "over":
        world.advance(days=46)
    else:
        with transaction() as session:
            revoke_links(session, debtor_id=dora.debtor_id, by=Actor.system("test"))
    browser = Browser(portal)

    looked = browser.open(f"/l/{token}")
    form = browser.open("/new-link").form_of("Send me a new link")
    form.action, form.fields = f"/l/{token}", form.fields
    pressed = browser.send(form, "/")

    assert looked.status == pressed.status == 404
    assert looked.heading == pressed.heading == "This link opens nothing"
    assert "Atelier" not in looked.text
    assert rows(PortalSession) == []


def test_who_tries_many_tokens_is_told_to_wait(portal: Flask, dora: Dora) -> None:
    browser = Browser(portal)
    form = browser.open("/new-link").form_of("Send me a new link")
    form.action = "/l/" + "B" * 43

    answers = [browser.send(form, "/").status for _ in range(11)]

    assert answers == [404] * 10 + [429]


def test_the_address_after_the_entrance_holds_no_token(portal: Flask, dora: Dora) -> None:
    page = Browser(portal).open(f"/l/{dora.token}").submit("Open my account")

    assert page.address == "/"
    assert dora.token not in page.response.get_data(as_text=True)


def test_the_token_is_in_no_log_and_in_no_referrer(portal: Flask, dora: Dora, caplog: pytest.LogCaptureFixture) -> None:
    from shared.kit.log import JsonFormatter

    with caplog.at_level(logging.DEBUG):
        landing = Browser(portal).open(f"/l/{dora.token}")
        sign_in(portal, dora)
        logging.getLogger("test").warning("at /l/%s", dora.token)

    assert landing.response.headers["Referrer-Policy"] == "no-referrer"
    assert landing.response.headers["Cache-Control"] == "no-store"
    assert "noindex" in landing.response.headers["X-Robots-Tag"]
    assert not any(dora.token in JsonFormatter().format(record) for record in caplog.records)


def test_the_session_of_before_is_worth_nothing_after_the_entrance(portal: Flask, dora: Dora) -> None:
    """Fixation: a cookie that somebody planted is replaced, and what stood in it is gone."""
    browser = Browser(portal)
    landing = browser.open(f"/l/{dora.token}")
    planted = browser.client.get_cookie("guichet", domain="guichet.test")
    assert planted is not None

    landing.submit("Open my account")

    thief = Browser(portal)
    thief.client.set_cookie("guichet", planted.value, domain="guichet.test")
    assert thief.open("/").heading == "Open your account"


def test_coming_in_by_another_link_ends_the_session_before(portal: Flask, dora: Dora, octave: Dora) -> None:
    browser = sign_in(portal, dora)
    before = browser.client.get_cookie("guichet", domain="guichet.test")
    assert before is not None

    page = browser.open(f"/l/{octave.token}").submit("Open my account")

    assert "Octave" in page.response.get_data(as_text=True)
    thief = Browser(portal)
    thief.client.set_cookie("guichet", before.value, domain="guichet.test")
    assert thief.open("/").heading == "Open your account"


def test_signing_out_ends_the_session_on_the_server(portal: Flask, dora: Dora) -> None:
    browser = sign_in(portal, dora)
    kept = browser.client.get_cookie("guichet", domain="guichet.test")
    assert kept is not None

    page = browser.open("/").submit("Sign out")

    assert page.heading == "You are signed out"
    browser.client.set_cookie("guichet", kept.value, domain="guichet.test")
    assert browser.open("/").heading == "Open your account"


def test_a_revoked_link_ends_the_session_that_it_opened(portal: Flask, dora: Dora) -> None:
    browser = sign_in(portal, dora)

    with transaction() as session:
        revoke_links(session, debtor_id=dora.debtor_id, by=Actor.system("test"))

    assert browser.open("/").heading == "Open your account"


def test_the_cookie_is_for_us_alone(portal: Flask, dora: Dora) -> None:
    page = Browser(portal).open(f"/l/{dora.token}")

    cookie = page.response.headers["Set-Cookie"]

    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Path=/" in cookie
    assert "Max-Age" not in cookie
    assert "Expires" not in cookie


def test_a_form_without_its_token_or_from_another_site_is_refused(portal: Flask, dora: Dora) -> None:
    browser = sign_in(portal, dora)

    forged = browser.client.post("/sign-out", base_url="http://guichet.test")
    page = browser.open("/")
    form = page.form_of("Sign out")
    browser.headers["Sec-Fetch-Site"] = "cross-site"
    elsewhere = browser.send(form, "/", follow=False)
    browser.headers["Sec-Fetch-Site"] = "same-origin"

    assert forged.status_code == 400
    assert elsewhere.status == 403
    assert browser.open("/").heading == "Your account"


def test_forms_work_over_https_although_no_referrer_is_sent(dora: Dora, settings: object) -> None:
    import wsgi
    from shared.kit.settings import use_settings

    secure = settings.model_copy(update={"public_url": "https://guichet.test"})  # type: ignore[attr-defined]
    use_settings(secure)
    browser = Browser(wsgi.build_portal(secure), base_url="https://guichet.test")

    page = browser.open(f"/l/{dora.token}").submit("Open my account")

    assert page.heading == "Your account"
    assert browser.client.get_cookie("__Host-guichet", domain="guichet.test")
    assert "max-age=31536000" in page.response.headers["Strict-Transport-Security"]


@pytest.mark.parametrize("address", ["411dora@client.example", "nobody@client.example"])
def test_asking_for_a_link_tells_nobody_whether_an_address_exists(
    portal: Flask, dora: Dora, mail: Mailbox, address: str
) -> None:
    page = Browser(portal).open("/new-link").submit("Send me a new link", email=address)

    assert page.status == 200
    assert page.heading == "Look into your mail"
    assert address not in page.response.get_data(as_text=True)
    assert [row.job for row in rows(OutboxMessage)] == ["portal.send_links"]
    assert address not in str(rows(OutboxMessage)[0].payload)
    perform_due()
    assert [each["To"].addresses[0].addr_spec for each in mail.mails] == (
        [address] if address.startswith("411") else []
    )


def test_the_link_that_was_asked_for_opens_the_account(portal: Flask, dora: Dora, mail: Mailbox) -> None:
    browser = Browser(portal)
    browser.open("/new-link").submit("Send me a new link", email=" 411DORA@client.example ")
    perform_due()

    body = mail.mails[-1].get_body(("plain",))
    found = re.search(r"http://guichet\.test(/l/\S+)", body.get_content())  # type: ignore[union-attr]
    assert found
    page = browser.open(found[1]).submit("Open my account")

    assert page.heading == "Your account"


def test_what_is_no_address_is_said_beside_the_field(portal: Flask, world: object) -> None:
    page = Browser(portal).open("/new-link").submit("Send me a new link", email="dora")

    assert page.status == 422
    assert "dora is not an e-mail address" in page.text


def test_a_stranger_has_three_links_an_hour_sent_to_an_address_and_does_not_lock_its_owner_out(
    portal: Flask, dora: Dora, mail: Mailbox
) -> None:
    browser = Browser(portal)

    answers = [browser.open("/new-link").submit("Send me a new link", email=dora.email).status for _ in range(21)]
    perform_due()

    assert answers == [200] * 20 + [429]
    assert len(rows(Message)) == 3
    owner = Browser(portal)
    owner.client.environ_base["REMOTE_ADDR"] = "198.51.100.7"
    assert owner.open("/new-link").submit("Send me a new link", email=dora.email).status == 200
    perform_due()
    assert len(rows(Message)) == 4


def test_a_code_lifts_the_session_and_leads_back_to_where_it_was_asked_for(
    portal: Flask, dora: Dora, mail: Mailbox
) -> None:
    browser = sign_in(portal, dora)

    asked = browser.open("/access")
    shown = prove(asked, mail)

    assert asked.heading == "Please prove that it is you"
    assert "4•••@client.example" in asked.text
    assert shown.heading == "Who has access"
    assert shown.address == "/access"
    assert "session.verified" in [line.action for line in rows(AuditLine)]


def test_a_wrong_code_is_said_and_costs_a_try(portal: Flask, dora: Dora, mail: Mailbox) -> None:
    asked = sign_in(portal, dora).open("/access").submit("Send me a code")
    code = read_code(mail)
    wrong = f"{(int(code) + 1) % 10**8:08d}"

    for _ in range(4):
        asked = asked.submit("Go on", code=wrong)
        assert "This is not the code of our last message" in asked.text
    spent = asked.submit("Go on", code=wrong)

    assert spent.status == 422
    assert "no longer valid" in spent.text
    assert "no longer valid" in spent.submit("Go on", code=code).text


def test_codes_are_sent_five_times_an_hour(portal: Flask, dora: Dora, mail: Mailbox) -> None:
    page = sign_in(portal, dora).open("/access")

    answers = []
    for _ in range(6):
        answer = page.submit("Send")
        answers.append(answer.status)
        page = answer if answer.status == 200 else page

    assert answers == [200] * 5 + [429]


def test_the_way_back_never_leads_to_another_site(portal: Flask, dora: Dora, mail: Mailbox) -> None:
    browser = sign_in(portal, dora)

    page = prove(browser.open("/code?next=https://evil.example/"), mail)

    assert page.address == "/"


def test_whoever_is_invited_gets_a_link_of_its_own(portal: Flask, dora: Dora, mail: Mailbox) -> None:
    page = prove(sign_in(portal, dora).open("/access"), mail)

    page = page.submit("Send an invitation", email="paul@client.example", name="Paul")
    perform_due()

    assert "An invitation is on its way to paul@client.example." in page.text
    assert mail.mails[-1]["To"].addresses[0].addr_spec == "paul@client.example"
    assert "contact.added" in [line.action for line in rows(AuditLine)]
    body = mail.mails[-1].get_body(("plain",)).get_content()  # type: ignore[union-attr]
    token = re.search(r"/l/(\S+)", body)[1]  # type: ignore[index]
    paul = Browser(portal)
    paul.open(f"/l/{token}").submit("Open my account")
    assert "Paul" in prove(paul.open("/access"), mail).text


def test_whoever_asked_to_be_erased_is_not_invited_and_nobody_learns_why(
    portal: Flask, dora: Dora, mail: Mailbox
) -> None:
    from shared.debtors import erased

    with transaction() as session:
        erased.bury(session, dora.company_id, "paul@client.example")
    page = prove(sign_in(portal, dora).open("/access"), mail)

    for _ in range(10):
        answer = page.submit("Send an invitation", email="Paul@client.example", name="Paul")
        assert answer.status == 422
        assert "This address cannot be invited from here." in answer.text
        assert "erased" not in answer.text
    assert page.submit("Send an invitation", email="eve@client.example").status == 429, "each try counts"
    assert [line.action for line in rows(AuditLine)].count("contact.added") == 1


def test_a_colleague_can_neither_invite_nor_remove(portal: Flask, dora: Dora, mail: Mailbox) -> None:
    from shared.debtors.models import ContactRole

    with transaction() as session:
        session.query(DebtorContact).update({"role": ContactRole.MEMBER})
    browser = sign_in(portal, dora)

    page = prove(browser.open("/access"), mail)

    assert "Invite a colleague" not in page.text
    form = page.form_of("Close this link")
    form.action = "/access"
    form.fields["email"] = "eve@client.example"
    form.fields["language"] = "en"
    assert browser.send(form, "/access").status == 403


def test_a_person_who_is_removed_is_out_at_once(portal: Flask, dora: Dora, mail: Mailbox) -> None:
    browser = sign_in(portal, dora)
    page = prove(browser.open("/access"), mail)
    page = page.submit("Send an invitation", email="paul@client.example", name="Paul")
    perform_due()
    token = re.search(r"/l/(\S+)", mail.mails[-1].get_body(("plain",)).get_content())[1]  # type: ignore[index,union-attr]
    paul = Browser(portal)
    paul.open(f"/l/{token}").submit("Open my account")

    page = browser.open("/access").submit("Remove")

    assert "This person no longer has access." in page.text
    assert paul.open("/").heading == "Open your account"
    assert paul.open(f"/l/{token}").status == 404


def test_closing_a_link_signs_out_whoever_came_in_by_it(portal: Flask, dora: Dora, mail: Mailbox) -> None:
    browser = sign_in(portal, dora)

    page = prove(browser.open("/access"), mail).submit("Close this link")

    assert page.heading == "Open your account"
    assert rows(MagicLink)[0].revoked_by == "Dora Durand SARL"


def test_another_session_can_be_ended(portal: Flask, dora: Dora, mail: Mailbox) -> None:
    other, browser = sign_in(portal, dora), sign_in(portal, dora)

    page = prove(browser.open("/access"), mail).submit("End this session")

    assert "The session is over." in page.text
    assert other.open("/").heading == "Open your account"


def test_the_second_tier_is_asked_for_again_after_a_quarter_of_an_hour_and_nothing_is_done_meanwhile(
    portal: Flask, dora: Dora, mail: Mailbox, world: clock.FrozenClock
) -> None:
    browser = sign_in(portal, dora)
    page = prove(browser.open("/access"), mail)
    world.advance(minutes=16)

    page = page.submit("Close this link")

    assert page.heading == "Please prove that it is you"
    assert page.address.startswith("/code?next=%2Faccess") or page.address.startswith("/code?next=/access")
    assert "Nothing has been done yet" in page.text
    assert rows(MagicLink)[0].revoked_at is None


def test_whoever_acts_for_two_accounts_goes_over_with_a_code(portal: Flask, dora: Dora, mail: Mailbox) -> None:
    from shared.company.models import Company
    from shared.debtors.service import add_contact
    from tests.support.people import SYSTEM, a_debtor

    with transaction() as session:
        second = a_debtor(session, session.get_one(Company, dora.company_id), "411SECOND", "Dora Transports")
        add_contact(session, debtor=second, email=dora.email, by=SYSTEM)
    browser = sign_in(portal, dora)
    page = browser.open("/accounts")
    before = browser.client.get_cookie("guichet", domain="guichet.test")

    assert page.heading == "Please prove that it is you"
    assert "Dora Transports" not in page.text, "a link names no other account"
    page = prove(page, mail).submit("Open")

    assert page.address == "/"
    assert "Dora Transports" in page.response.get_data(as_text=True)
    thief = Browser(portal)
    thief.client.set_cookie("guichet", before.value, domain="guichet.test")  # type: ignore[union-attr]
    assert thief.open("/").heading == "Open your account"


def test_nobody_sees_or_touches_the_people_of_another_account(
    portal: Flask, dora: Dora, octave: Dora, mail: Mailbox
) -> None:
    sign_in(portal, dora)
    theirs = next(row for row in rows(PortalSession) if row.debtor_id == dora.debtor_id)
    link = next(row for row in rows(MagicLink) if row.debtor_id == dora.debtor_id)
    browser = sign_in(portal, octave)
    page = prove(browser.open("/access"), mail)
    assert "411dora" not in page.text
    form = page.form_of("Close this link")

    for path in (
        f"/access/links/{link.id}/revoke",
        f"/access/sessions/{theirs.id}/end",
        f"/access/people/{dora.contact_id}/remove",
        f"/accounts/{dora.debtor_id}",
    ):
        form.action = path
        assert browser.send(form, "/access").status == 404, path
    assert next(row for row in rows(MagicLink) if row.id == link.id).revoked_at is None


def test_two_companies_do_not_mix_although_the_person_is_one(portal: Flask, dora: Dora, mail: Mailbox) -> None:
    with transaction() as session:
        other = settle_in(session, code="411OTHER", name="Other")
        from shared.debtors.models import Contact

        session.get_one(Contact, other.contact_id).email = dora.email
    Browser(portal).open("/new-link").submit("Send me a new link", email=dora.email)
    perform_due()

    assert len(mail.mails) == 2
    assert {row.debtor_id for row in rows(Message)} == {dora.debtor_id, other.debtor_id}


def test_an_invitation_does_not_tell_the_name_of_somebody_known(portal: Flask, dora: Dora, mail: Mailbox) -> None:
    from shared.company.models import Company
    from shared.debtors.service import add_contact
    from tests.support.people import SYSTEM, a_debtor

    with transaction() as session:
        other = a_debtor(session, session.get_one(Company, dora.company_id), "411OTHER", "Other SARL")
        add_contact(session, debtor=other, email="known@client.example", name="Gisèle Secret", by=SYSTEM)
    browser = sign_in(portal, dora)
    browser.open("/access")
    people = prove(browser.open("/access"), mail)

    told = people.submit("Send an invitation", email="known@client.example", name="FOO", language="en")

    assert "FOO" in told.text
    assert "Gisèle" not in told.text


def test_another_language_in_the_middle_of_a_form_loses_nothing(portal: Flask, dora: Dora) -> None:
    browser = sign_in(portal, dora)
    page = browser.open(f"/disputes/new?invoice={dora.invoices['FA-1']}")
    form = next(each for each in page.forms() if "text" in each.fields)
    form.action = f"{page.address}{'&' if '?' in page.address else '?'}speak=fr"

    french = browser.send(form, page.address, text="Two boxes were empty.")

    kept = next(each for each in french.forms() if "text" in each.fields)
    assert kept.fields["text"] == "Two boxes were empty."
    assert "n’a pas encore été envoyée" in french.text
    assert 'lang="fr"' in french.response.get_data(as_text=True)


def test_a_form_sent_after_the_session_ended_is_there_again_behind_the_link(portal: Flask, dora: Dora) -> None:
    browser = sign_in(portal, dora)
    page = browser.open(f"/disputes/new?invoice={dora.invoices['FA-1']}")
    form = next(each for each in page.forms() if "text" in each.fields)
    with transaction() as session:
        for row in session.scalars(select(PortalSession)):
            row.ended_at = clock.now()

    answer = browser.send(form, page.address, text="Two boxes were empty.")

    assert answer.address.startswith("/new-link")
    assert "kept for two hours" in answer.text
    back = browser.open(f"/l/{dora.token}").submit("Open")
    assert back.address.startswith("/disputes/new")
    assert any(each.fields.get("text") == "Two boxes were empty." for each in back.forms())
