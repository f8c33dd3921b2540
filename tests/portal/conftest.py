"""The portal as a person meets it: Dora's account, a browser without scripts, real mail."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

import wsgi
from shared.access.models import LinkPurpose
from shared.access.service import make_link
from shared.debtors.models import Contact, DebtorContact
from shared.kit import clock
from shared.kit.db import reading, transaction
from shared.kit.outbox.relay import perform_due
from shared.kit.settings import Settings, use_settings
from tests.portal.shop import Shop, open_shop
from tests.support.browser import Browser, Page
from tests.support.counter import Door
from tests.support.doors import portal_door
from tests.support.keys import PROVIDER_KEYS
from tests.support.mailbox import Mailbox, open_mailbox
from tests.support.people import a_company, a_debtor, an_invoice
from tests.support.twins import TwinsProcess


@dataclass
class Dora:
    """A debtor with a contact and a link; the ids are enough to ask the database anything."""

    company_id: uuid.UUID
    debtor_id: uuid.UUID
    contact_id: uuid.UUID
    token: str
    email: str
    invoices: dict[str, uuid.UUID] = field(default_factory=dict)


@pytest.fixture
def world(database: object, settings: Settings, frozen: clock.FrozenClock) -> clock.FrozenClock:
    """An empty database, time that stands still."""
    wsgi.import_jobs()
    return frozen


@pytest.fixture
def mail(settings: Settings) -> Iterator[Mailbox]:
    """A mail server; messages go there."""
    with open_mailbox() as mailbox:
        use_settings(settings.model_copy(update={"smtp_url": mailbox.url, "mail_sender": "G <g@guichet.example>"}))
        yield mailbox
        use_settings(settings)


@pytest.fixture
def portal(world: object, settings: Settings) -> Flask:
    """The debtors' door."""
    return portal_door(settings)


@pytest.fixture
def portal_with_providers(world: object, settings: Settings) -> Flask:
    """The door of an installation that has keys, which nobody calls in these tests."""
    made = settings.model_copy(update=PROVIDER_KEYS)
    use_settings(made)
    return portal_door(made)


def settle_in(session: Session, code: str = "411DORA", name: str = "Dora Durand SARL", **facts: Any) -> Dora:
    """A debtor of a company of its own, with a link."""
    company = facts.pop("company", None) or a_company(session, code=code.lower(), siren="732829320")
    debtor = a_debtor(session, company, code=code, name=name, **facts)
    contact = session.scalars(
        select(Contact)
        .join(DebtorContact, DebtorContact.contact_id == Contact.id)
        .where(DebtorContact.debtor_id == debtor.id)
    ).one()
    token = make_link(session, debtor_id=debtor.id, contact_id=contact.id, purpose=LinkPurpose.REMINDER)
    contact.language = "en"
    return Dora(company.id, debtor.id, contact.id, token, contact.email)


@pytest.fixture
def dora(world: object) -> Dora:
    """Dora owes three invoices: one late, one due in five days, one in thirty; and has nothing else."""
    from shared.debtors.models import Debtor

    with transaction() as session:
        dora = settle_in(session)
        debtor = session.get_one(Debtor, dora.debtor_id)
        for number, minor, due_in in (("FA-1", 38_000, -12), ("FA-2", 12_450, 5), ("FA-3", 73_000, 30)):
            dora.invoices[number] = an_invoice(session, debtor, number, minor, due_in=due_in).id
        return dora


@pytest.fixture
def octave(world: object, dora: Dora) -> Dora:
    """Octave owes nothing, belongs to another company, and must see nothing of others."""
    with transaction() as session:
        return settle_in(session, code="411OCTAVE", name="Octave Conseil")


def sign_in(app: Flask, who: Dora, **options: Any) -> Browser:
    """Come in by the link of a message, as a person does."""
    browser = Browser(app, **options)
    page = browser.open(f"/l/{who.token}").submit("Open my account")
    assert page.status == 200, page.text
    return browser


@pytest.fixture
def enter(portal: Flask) -> Callable[[Dora], Browser]:
    """Come in by the link of a message."""
    return lambda who: sign_in(portal, who)


def read_code(mailbox: Mailbox) -> str:
    """Do what is due, then read the code of the last message."""
    perform_due()
    body = mailbox.mails[-1].get_body(("plain",))
    assert body is not None
    found = re.search(r"\b(\d{8})\b", body.get_content())
    assert found, body.get_content()
    return found[1]


def prove(page: Page, mailbox: Mailbox) -> Page:
    """From the page that asks for a code to the page behind it."""
    page = page.submit("Send me a code")
    return page.submit("Go on", code=read_code(mailbox))


def rows(model: Any) -> list[Any]:
    """All rows of a table."""
    with reading() as session:
        return list(session.scalars(select(model)))


@pytest.fixture
def shop(database: object, bank: TwinsProcess, door: Door, tmp_path: Path) -> Iterator[Shop]:
    """Dora owes F-1 (120.00, due tomorrow) and F-2 (80.00, due the day after)."""
    with open_shop(bank, door, tmp_path / "var", (12_000, 8_000)) as shop:
        yield shop
