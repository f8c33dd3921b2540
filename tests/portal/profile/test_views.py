"""My language, and what was written to me."""

from __future__ import annotations

import io
import json
import re
import uuid
import zipfile
from dataclasses import replace
from datetime import date

from flask import Flask

from shared.access.models import LinkPurpose
from shared.access.service import make_link
from shared.debtors.models import Contact, Debtor
from shared.debtors.service import add_contact
from shared.kit import clock
from shared.kit.audit import AuditLine
from shared.kit.db import transaction
from shared.kit.money import Money
from shared.kit.outbox.relay import perform_due
from shared.messages import service as messages
from shared.messages.decision import Decision, LeftOut, Listed, Omission
from shared.messages.models import Message, MessageStatus
from shared.personal.models import ErasureRequest
from tests.portal.conftest import Dora, prove, rows, sign_in
from tests.support.browser import Browser
from tests.support.mailbox import Mailbox
from tests.support.people import SYSTEM


def test_the_language_is_kept_for_pages_and_messages(enter, dora: Dora) -> None:
    page = enter(dora).open("/profile").submit("Save", language="fr")

    assert page.heading == "Documents et réglages"
    assert rows(Contact)[0].language == "fr"
    assert rows(AuditLine)[-1].action == "contact.language_chosen"


def test_a_language_that_we_do_not_speak_changes_nothing(enter, dora: Dora) -> None:
    page = enter(dora).open("/profile").submit("Save", language="xx")

    assert page.status == 200
    assert rows(Contact)[0].language == "en"


def test_a_person_sees_what_was_written_to_her_and_why(portal: Flask, dora: Dora, mail: Mailbox) -> None:
    Browser(portal).open("/new-link").submit("Send me a new link", email=dora.email)
    perform_due()

    page = sign_in(portal, dora).open("/profile").follow("Messages to you")

    assert "Your link to Atelier des Lices" in page.text
    assert "Somebody asked for a new link with your address." in page.text


def test_the_switch_to_other_accounts_is_shown_to_whoever_has_several(enter, dora: Dora) -> None:
    assert "Your accounts" not in enter(dora).open("/profile").text


def write_to(dora: Dora, number: int, **more) -> uuid.UUID:
    """A receipt for Dora."""
    with transaction() as session:
        return messages.write(
            session,
            kind="receipt",
            debtor_id=dora.debtor_id,
            contact_ids=[dora.contact_id],
            reason=f"You get this because of payment {number}.",
            dedupe_key=f"receipt:{number}",
            facts={
                "total": Money(number),
                "reference": f"PAY-{number}",
                "paid_on": clock.today(),
                "means": "card",
                "is_provisional": False,
            },
            link=LinkPurpose.NOTICE,
            **more,
        )[0]


def test_a_message_can_be_read_again_word_by_word_without_its_link(enter, dora: Dora, mail: Mailbox) -> None:
    write_to(dora, 71)
    perform_due()

    page = (
        enter(dora).open("/profile").follow("Messages to you").follow("Your payment to Atelier des Lices is received")
    )

    assert "Why did I get this?" in page.text
    assert "You get this because of payment 71." in page.text
    assert "Payment: PAY-71" in page.text
    assert "http://guichet.test/l/•••" in page.text
    assert "411dora@client.example" in page.text


def test_a_code_is_not_shown_again(enter, dora: Dora, mail: Mailbox) -> None:
    browser = enter(dora)
    prove(browser.open("/access"), mail)

    page = browser.open("/profile/messages").follow("Your code for Atelier des Lices")

    assert re.search(r"\b\d{8}\b", page.text) is None
    assert "Your code: •••" in page.text


def test_a_reminder_says_what_it_listed_what_it_left_out_and_why(enter, dora: Dora) -> None:
    decision = Decision(
        decided_on=clock.today(),
        offset_days=3,
        listed=[Listed("FA-1", date(2026, 2, 26), Money(30_000))],
        left_out=[
            LeftOut("FA-1", Money(8_000), Omission.DISPUTE),
            LeftOut("FA-2", Money(12_450), Omission.NOT_DUE),
        ],
    )
    identity = write_to(dora, 1, decision=decision.as_json())

    page = enter(dora).open(f"/profile/messages/{identity}")

    assert "3 days after the due day of an invoice that is still open" in page.text
    assert "FA-1 · due on 26 February 2026" in page.text
    assert "FA-1 · you dispute it €80.00" in page.text
    assert "FA-2 · not due yet €124.50" in page.text


def test_nobody_reads_the_messages_of_another_account_or_another_person(enter, dora: Dora, octave: Dora) -> None:
    identity = write_to(dora, 1)
    with transaction() as session:
        debtor = session.get_one(Debtor, dora.debtor_id)
        other = add_contact(session, debtor=debtor, email="max@client.example", name="Max", language="en", by=SYSTEM)
        session.flush()
        token = make_link(session, debtor_id=debtor.id, contact_id=other.id, purpose=LinkPurpose.REMINDER)
        max_ = replace(dora, contact_id=other.id, token=token)

    assert enter(octave).open(f"/profile/messages/{identity}").status == 404
    assert enter(max_).open(f"/profile/messages/{identity}").status == 404
    assert "Your payment" not in enter(max_).open("/profile/messages").text


def test_long_lists_of_messages_are_paged_both_ways(enter, dora: Dora) -> None:
    for number in range(1, 61):
        write_to(dora, number)
    first = enter(dora).open("/profile/messages")
    second = first.follow("Next")
    third = second.follow("Next")

    assert [f"payment {n}." in first.text for n in (60, 36, 35)] == [True, True, False]
    assert [f"payment {n}." in second.text for n in (36, 35, 11, 10)] == [False, True, True, False]
    assert "payment 1." in third.text
    assert "Next" not in third.text
    assert third.follow("Previous").follow("Previous").text == first.text
    assert enter(dora).open("/profile/messages?before=rubbish").status == 200


def test_news_may_come_once_a_week(enter, dora: Dora) -> None:
    browser = enter(dora)
    browser.open("/profile").submit("Save this choice", digest="weekly")
    identity = write_to(dora, 5, is_news=True)

    assert rows(Contact)[0].wants_digest
    assert "Kept for your weekly message" in browser.open(f"/profile/messages/{identity}").text

    page = browser.open("/profile").submit("Save this choice", digest="single")

    assert "News will come to you at once." in page.text
    assert rows(Message)[0].status is MessageStatus.WAITING


def test_a_rhythm_that_does_not_exist_changes_nothing(enter, dora: Dora) -> None:
    enter(dora).open("/profile").submit("Save this choice", digest="yearly")

    assert not rows(Contact)[0].wants_digest


def test_a_person_who_proved_it_reads_and_takes_along_what_is_held_about_her(
    portal: Flask, dora: Dora, mail: Mailbox
) -> None:
    visitor = sign_in(portal, dora)
    asked = visitor.open("/profile/data")
    assert "Data about you" not in asked.text

    page = prove(asked, mail)

    assert page.heading == "Data about you"
    assert dora.email in page.text
    assert "Visits to the portal" in page.text
    with zipfile.ZipFile(io.BytesIO(visitor.open("/profile/data.zip").content)) as archive:
        page_name, json_name = archive.namelist()
        assert dora.email in archive.read(page_name).decode()
        assert json.loads(archive.read(json_name))["about"]["address"] == dora.email
    assert rows(AuditLine)[-1].action == "contact.exported"


def test_whoever_asks_to_be_erased_is_told_until_when_and_asks_once(portal: Flask, dora: Dora, mail: Mailbox) -> None:
    visitor = sign_in(portal, dora)
    page = prove(visitor.open("/profile/data"), mail).submit("Ask to be erased")

    assert "We have written down your wish, and answer within a month." in page.text
    assert "We answer by 9 April 2026." in page.text
    assert "Ask to be erased" not in page.text
    assert rows(ErasureRequest)[0].contact_id == rows(Contact)[0].id
