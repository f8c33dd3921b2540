"""My language, and what was written to me."""

from __future__ import annotations

from flask import Flask

from shared.debtors.models import Contact
from shared.kit.audit import AuditLine
from shared.kit.outbox.relay import perform_due
from tests.portal.conftest import Dora, rows, sign_in
from tests.support.browser import Browser
from tests.support.mailbox import Mailbox


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
