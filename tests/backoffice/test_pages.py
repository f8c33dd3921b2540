"""The pages of the back-office in a real browser: nothing that axe, the console or a narrow screen complains of."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from sqlalchemy import select
from werkzeug.serving import make_server

import wsgi
from backoffice.access import service
from backoffice.access.permissions import Role
from backoffice.reminders.run import run as remind
from payments.models import Means
from payments.receipts.service import record_receipt
from shared.access.models import LinkPurpose
from shared.access.service import make_link
from shared.debtors.models import Debtor, DebtorContact
from shared.debtors.service import add_note
from shared.invoices.models import FreezeKind
from shared.invoices.service import freeze
from shared.kit import clock
from shared.kit.db import transaction
from shared.ledger.rules import Part
from shared.messages import service as messages
from tests.backoffice.conftest import PASSWORD, World
from tests.support.browser_chromium import DESKTOP, PHONE, chromium
from tests.support.people import SYSTEM

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PAGES = (
    "/",
    "/search?q=F-2026",
    "/debtors",
    "/debtors?q=nobody",
    "/debtors/{dora}",
    "/debtors/{dora}/links",
    "/debtors/{dora}/people/new",
    "/debtors/{dora}/receipts/new",
    "/debtors/{dora}/credit",
    "/invoices",
    "/invoices/{late}",
    "/invoices/{coming}",
    "/payments",
    "/mandates",
    "/collections",
    "/collections/try-out",
    "/reminders",
    "/reminders/try-out",
    "/reminders/scenarios",
    "/reminders/scenarios/new",
    "/reminders/debtors/{dora}",
    "/notices",
    "/me/notices",
    "/messages",
    "/imports",
    "/system",
    "/system/webhooks",
    "/system/outbox",
    "/system/audit",
    "/setup",
    "/setup/bank",
    "/setup/new",
    "/staff",
    "/staff/new",
    "/me",
    "/me/second-factor",
)
FOUND = (
    ("/payments", r'href="(/payments/[0-9a-f-]{36})"'),
    ("/messages", r'href="(/messages/[0-9a-f-]{36})"'),
    ("/reminders", r'href="(/reminders/[0-9a-f-]{36})"'),
    ("/reminders/scenarios", r'href="(/reminders/scenarios/[0-9a-f-]{36})"'),
    ("/reminders/scenarios", r'href="(/reminders/scenarios/[0-9a-f-]{36}/preview)"'),
    ("/system/outbox", r'href="(/system/outbox/[0-9a-f-]{36})"'),
    ("/staff", r'href="(/staff/[0-9a-f-]{36})"'),
    ("/debtors/{dora}", r'href="(/debtors/[0-9a-f-]{36}/people/[0-9a-f-]{36})"'),
)


@pytest.fixture
def lively(world: World, frozen, settings, hashed) -> World:
    """Dora's account with something of everything."""
    for name in wsgi.JOBS:
        __import__(name)
    with transaction() as session:
        service.add_member(
            session, email="ines@guichet.example", name="Inès", role=Role.ADMIN, password_hash=hashed, by=SYSTEM
        )
        debtor = session.get_one(Debtor, world.dora)
        add_note(session, debtor_id=world.dora, text="Called.", by=SYSTEM)
        record_receipt(
            session,
            debtor=debtor,
            means=Means.CHEQUE,
            minor=5_000,
            received_on=clock.today(),
            memo="",
            parts=[Part(world.late, 2_000)],
            attempt="h1",
            by=SYSTEM,
        )
        freeze(session, invoice_id=world.coming, kind=FreezeKind.LEGAL_HOLD, reason="At the lawyer's", by=SYSTEM)
        contact = session.scalars(select(DebtorContact.contact_id).where(DebtorContact.debtor_id == world.dora)).one()
        make_link(session, debtor_id=world.dora, contact_id=contact, purpose=LinkPurpose.STAFF)
        messages.write(session, kind="link", debtor_id=world.dora, reason="x", dedupe_key="m", link=LinkPurpose.STAFF)
    remind(world.company)
    return world


@pytest.fixture
def served(lively: World, settings) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, wsgi.build_backoffice(settings), threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()


@pytest.mark.parametrize(("scheme", "size"), [("light", DESKTOP), ("dark", DESKTOP), ("light", PHONE)])
def test_no_page_is_hard_to_use(served, lively, scheme, size):
    complaints: list[str] = []
    with chromium() as browser:
        page = browser.new_context(viewport=size, color_scheme=scheme, locale="fr-FR").new_page()
        page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
        page.goto(served + "/sign-in")
        faults = {"/sign-in": look(page)}
        page.fill("[name=email]", "ines@guichet.example")
        page.fill("[name=password]", PASSWORD)
        page.click("button[type=submit]")
        page.wait_for_url(served + "/")
        for address in [*PAGES, *follow(page, served, lively)]:
            answer = page.goto(served + address.format(dora=lively.dora, late=lively.late, coming=lively.coming))
            assert answer.status == 200, address
            faults[address] = look(page)

    assert {address: found for address, found in faults.items() if found} == {}
    assert complaints == []


def follow(page, served: str, world: World) -> list[str]:
    """The pages of single things, found where a person finds them."""
    addresses = []
    for start, pattern in FOUND:
        page.goto(served + start.format(dora=world.dora))
        found = re.search(pattern, page.content())
        assert found, start
        addresses.append(found[1])
    return addresses


def look(page) -> list[str]:
    faults = [each["id"] for each in Axe().run(page).response["violations"]]
    if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
        faults.append("wider than the screen")
    return faults
