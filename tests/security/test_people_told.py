"""Whoever loses an access hears of it where it was written to, and comes in by nothing of it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from sqlalchemy import select

from backoffice.access.permissions import Role
from shared.access.models import MagicLink
from shared.debtors.models import Contact
from shared.debtors.service import remove_contact
from shared.kit.db import reading, transaction
from shared.kit.settings import Settings, use_settings
from shared.messages import erasures
from shared.messages.deliver import send_what_waits
from shared.messages.models import Message, MessageStatus
from tests.security.conftest import Account, Town, sit
from tests.security.people import colleague
from tests.support.mailbox import Mailbox, open_mailbox
from tests.support.people import SYSTEM

NEW = "agent@guichet.example"


@pytest.fixture(name="mail")
def _mail(settings: Settings, town: Town) -> Iterator[Mailbox]:
    with open_mailbox() as mailbox:
        use_settings(settings.model_copy(update={"smtp_url": mailbox.url, "mail_sender": "G <g@guichet.example>"}))
        yield mailbox
        use_settings(settings)


def arrived(mail: Mailbox) -> dict[str, str]:
    """Who got which words of a change of people."""
    send_what_waits()
    found = {}
    for each in mail.mails:
        body = each.get_body(preferencelist=("plain",))
        assert body is not None
        if re.search("has access|a accès", str(each["Subject"])):
            found[str(each["To"])] = body.get_content()
    return {re.sub(r".*<|>", "", to): words for to, words in found.items()}


def links_of(account: Account) -> list[MagicLink]:
    with reading() as session:
        return list(
            session.scalars(
                select(MagicLink)
                .join(Message, Message.id == MagicLink.message_id)
                .where(MagicLink.contact_id == account.contact_id, Message.kind == "people_changed")
            )
        )


def change_address(backoffice, town: Town) -> None:
    form = {"email": NEW, "name": "Dora", "language": "en", "role": "owner", "is_reminded": "y"}
    answer = sit(backoffice, town, Role.AGENT).post(
        f"/debtors/{town.dora.debtor_id}/people/{town.dora.contact_id}", data=form
    )
    assert answer.status_code == 303


def test_the_old_address_hears_that_it_was_changed_and_the_new_one_gets_no_such_link(backoffice, town, mail) -> None:
    change_address(backoffice, town)

    found = arrived(mail)

    assert list(found) == [town.dora.email]
    assert NEW in found[town.dora.email]
    assert "/l/" not in found[town.dora.email]
    assert links_of(town.dora) == []


def test_whoever_is_removed_hears_it_and_comes_in_by_nothing(backoffice, town, mail) -> None:
    colleague(town.dora)
    client = sit(backoffice, town, Role.AGENT)
    client.post(f"/debtors/{town.dora.debtor_id}/people/{town.dora.contact_id}/remove")

    found = arrived(mail)

    assert set(found) == {town.dora.email, "colleague@client.example"}
    assert "/l/" not in found[town.dora.email]
    assert "/l/" in found["colleague@client.example"], "who stays may look"
    assert links_of(town.dora) == []


def test_a_notice_that_still_waits_goes_where_it_was_written_to_but_opens_nothing_there(backoffice, town, mail) -> None:
    form = {"email": "third@client.example", "name": "", "language": "en", "role": "owner", "is_reminded": "y"}
    sit(backoffice, town, Role.AGENT).post(f"/debtors/{town.dora.debtor_id}/people/new", data=form)
    change_address(backoffice, town)

    send_what_waits()

    to_old = [
        each.get_body(preferencelist=("plain",)).get_content() for each in mail.mails if town.dora.email in each["To"]
    ]
    assert len(to_old) == 2
    assert any("third@client.example" in words for words in to_old)
    assert all("/l/" not in words and "link-" not in words for words in to_old)
    assert links_of(town.dora) == []


def test_an_old_address_that_refuses_the_notice_says_nothing_of_the_new_one(backoffice, town, mail) -> None:
    mail.answers[town.dora.email] = "550 5.1.1 no such user"
    change_address(backoffice, town)

    send_what_waits()

    with reading() as session:
        contact = session.get_one(Contact, town.dora.contact_id)
        assert (contact.email, contact.bounced_at) == (NEW, None)


def test_an_answer_that_the_law_wants_reaches_whoever_was_removed_meanwhile(town, mail) -> None:
    with transaction() as session:
        erasures.ask(session, town.dora.contact_id, company_id=town.dora.company_id, by=SYSTEM)
        remove_contact(session, debtor_id=town.dora.debtor_id, contact_id=town.dora.contact_id, by=SYSTEM)

    send_what_waits()

    with reading() as session:
        message = session.scalars(select(Message).where(Message.kind == "erasure_asked")).one()
        assert (message.status, message.to_address) == (MessageStatus.SENT, town.dora.email)
