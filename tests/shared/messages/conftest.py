"""Dora with news that may wait, a mail server, time that stands still."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import select

import wsgi
from shared.access.models import LinkPurpose
from shared.debtors.models import Contact, Debtor
from shared.debtors.service import add_contact
from shared.kit.db import reading, transaction
from shared.kit.money import Money
from shared.kit.settings import Settings, use_settings
from shared.messages import service
from shared.messages.models import Message
from tests.support.mailbox import Mailbox, open_mailbox
from tests.support.people import SYSTEM, a_company, a_debtor


@pytest.fixture
def mail(settings: Settings) -> Iterator[Mailbox]:
    """A mail server; messages go there."""
    with open_mailbox() as mailbox:
        use_settings(settings.model_copy(update={"smtp_url": mailbox.url, "mail_sender": "G <g@guichet.example>"}))
        yield mailbox
        use_settings(settings)


@dataclass
class Reader:
    """One person of one account."""

    company_id: uuid.UUID
    debtor_id: uuid.UUID
    contact_id: uuid.UUID

    def hear(self, number: int, *, is_news: bool = True, debtor_id: uuid.UUID | None = None) -> None:
        """A receipt is written to this person."""
        with transaction() as session:
            service.write(
                session,
                kind="receipt",
                debtor_id=debtor_id or self.debtor_id,
                contact_ids=[self.contact_id],
                reason="You get this because you paid.",
                dedupe_key=f"receipt:{number}",
                facts={
                    "total": Money(1000 + number),
                    "reference": f"PAY-{number}",
                    "paid_on": None,
                    "means": "card",
                    "is_provisional": False,
                }
                | {"paid_on": _day()},
                link=LinkPurpose.NOTICE,
                is_news=is_news,
            )

    def letters(self, count: int, *, kind: str = "invitation", at_most_once: bool = True) -> list[uuid.UUID]:
        """So many messages that wait, each to a person of its own: `p0@client.example` and so on."""
        with transaction() as session:
            debtor = session.get_one(Debtor, self.debtor_id)
            written = []
            for number in range(count):
                person = add_contact(
                    session, debtor=debtor, email=f"p{number}@client.example", language="en", by=SYSTEM
                )
                written += service.write(
                    session,
                    kind=kind,
                    debtor_id=self.debtor_id,
                    contact_ids=[person.id],
                    reason="a test",
                    facts={"inviter": "Dora"},
                    link=LinkPurpose.INVITATION,
                    dedupe_key=f"letter:{kind}:{number}",
                    at_most_once=at_most_once,
                )
            return written

    def choose(self, *, wants: bool) -> None:
        with transaction() as session:
            service.choose_digest(session, self.contact_id, wants=wants, debtor_id=self.debtor_id, by=SYSTEM)

    def change(self, **facts: Any) -> None:
        with transaction() as session:
            contact = session.get_one(Contact, self.contact_id)
            for name, value in facts.items():
                setattr(contact, name, value)

    def messages(self) -> list[Message]:
        with reading() as session:
            return list(session.scalars(select(Message).order_by(Message.id)))


def _day():
    from shared.kit import clock

    return clock.today()


@pytest.fixture
def dora(database, frozen, settings) -> Reader:
    """Dora wants one message a week, in English."""
    wsgi.metadata()
    wsgi.import_jobs()
    with transaction() as session:
        company = a_company(session)
        debtor = a_debtor(session, company)
        contact = session.scalars(select(Contact)).one()
        contact.wants_digest = True
        contact.language = "en"
        return Reader(company.id, debtor.id, contact.id)
