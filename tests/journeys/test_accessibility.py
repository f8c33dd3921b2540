"""Every page of both doors: axe finds nothing, nothing overflows, nothing is fetched from elsewhere, and it is light."""

from __future__ import annotations

import gzip
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import axe_playwright_python
import pyotp
import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

import backoffice.urls
import portal.urls
from backoffice.access.models import StaffMember
from backoffice.imports.models import ImportRun
from backoffice.reminders.models import ReminderRun, Scenario
from payments.cards import checkout
from payments.chargebacks.models import Chargeback
from payments.collections.models import CollectionRun
from payments.declarations import service as declarations
from payments.declarations.service import DeclarationDraft
from payments.mandates import collect, setup
from payments.models import Payment
from payments.plans import accepting
from payments.plans import service as plans
from payments.plans.rules import Rhythm, Terms
from payments.webhooks.models import InboxEvent
from portal.choose.offered import Purpose
from shared.access.models import PortalSession
from shared.debtors.models import Debtor, DebtorContact
from shared.disputes.service import Claim, note, raise_dispute, say
from shared.kit import clock
from shared.kit.actors import Actor
from shared.kit.db import reading, transaction
from shared.kit.ids import new_id
from shared.kit.outbox.models import OutboxMessage
from shared.ledger.rules import Part
from shared.messages.models import Message, MessageStatus
from shared.promises import service as promises
from shared.promises.service import PromiseDraft
from shared.web.routes import Route
from tests.journeys.conftest import Visits, sign_in
from tests.support.browser_chromium import DESKTOP, PHONE, Visit
from tests.support.family import ADMIN, PASSWORD, Account, DemoFamily
from tests.support.orders import a_long_paper

pytestmark = [pytest.mark.browser, pytest.mark.timeout(1800)]

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
FILES = Path(__file__).resolve().parents[1] / "data" / "imports"
HEAVIEST = 100_000

LOOKS = {"en": ((PHONE, "light"), (DESKTOP, "dark")), "fr": ((PHONE, "dark"), (DESKTOP, "light"))}
"""Each page is seen in both languages; between them on both widths, light and dark."""

PAPERS = re.compile(
    r"/(pdf|receipt|statement|logo|file|original|html|progress|preview)\b|\.(zip|csv|xlsx|pdf|json)$|/files/|<form>|^/notices/<"
)
"""GET routes that answer with a file, a fragment or the way to another page instead of a page."""

ELSEWHERE = {"/sign-in/code", "/sign-in/set-up"}
"""Pages in the middle of a sign-in with a second factor: whoever is not there is sent away. They have a test of their own."""


@dataclass(frozen=True)
class World:
    """One of everything that has a page."""

    account: Account
    ids: dict[str, Any]


@pytest.fixture(scope="module")
def world(family: DemoFamily) -> World:
    account = family.open_account(
        "Tout Compris",
        [
            *((-20, "240.00"), (-3, "96.00"), (12, "60.00"), (30, "48.00")),
            *((40, "72.00"), (45, "84.00"), (50, "120.00"), (55, "150.00"), (-30, "36.00")),
        ],
    )
    invoices = list(account.invoices.values())
    by = Actor.system("journey")
    family.guichet("import", "invoices", str(FILES / "balance-agee.csv"), "--company", "atelier")
    family.guichet("collections", "run")
    with family.inside():
        with reading() as session:
            contact_id = session.scalars(
                select(DebtorContact.contact_id).where(DebtorContact.debtor_id == account.id)
            ).one()
        who: dict[str, Any] = {"debtor_id": account.id, "contact_id": contact_id, "by": by}
        back = family.url + "/pay/{payment_id}/return"
        urls = {"language": "en", "success_url": back, "cancel_url": family.url + "/pay/{payment_id}/stopped"}
        paid = checkout.begin(parts=[Part(invoices[0], 24_000)], attempt=str(uuid.uuid4()), **urls, **who)
        family.twins.pay(str(paid.url))
        checkout.look(paid.payment_id, account.id)
        asked = setup.begin(
            attempt=str(uuid.uuid4()),
            language="en",
            return_url=family.url + "/mandate/{mandate_id}/return",
            exit_url=family.url + "/mandate/{mandate_id}/return",
            evidence={},
            **who,
        )
        family.twins.authorise(str(asked.url), "success", email=account.email)
        setup.look(asked.mandate_id, account.id)
        regretted = checkout.begin(parts=[Part(invoices[8], 3_600)], attempt=str(uuid.uuid4()), **urls, **who)
        family.twins.pay(str(regretted.url))
        checkout.look(regretted.payment_id, account.id)
        with reading() as session:
            intent = session.get_one(Payment, regretted.payment_id).provider_reference
        family.twins.fault("chargeback", object=intent)
        collect.pay_now(mandate_id=asked.mandate_id, parts=[Part(invoices[1], 9_600)], attempt=str(uuid.uuid4()), **who)
        stopped = checkout.begin(parts=[Part(invoices[2], 6_000)], attempt=str(uuid.uuid4()), **urls, **who)
        with transaction() as session:
            session.execute(update(Debtor).where(Debtor.id == account.id).values(autopay=True))
            contested = contest(session, account.id, contact_id, invoices[3])
            spoken = speak(session, account.id, contact_id, *invoices[4:6])
            spoken |= agree(session, account.id, contact_id, *invoices[6:8])
            company_id = session.get_one(Debtor, account.id).company_id
            paper = a_long_paper(session, company_id=company_id, debtor_id=account.id, contact_id=contact_id)
            spoken["order_id"] = paper.id
    family.calm()
    with family.inside(), reading() as session:
        ids = {
            "dispute_id": contested,
            "reason": "price",
            "reply": "received",
            "room": "dispute",
            "purpose": Purpose.PAY.value,
            **spoken,
            "debtor_id": account.id,
            "contact_id": contact_id,
            "invoice_id": invoices[1],
            "payment_id": paid.payment_id,
            "stopped": stopped.payment_id,
            "mandate_id": asked.mandate_id,
            "staff_id": session.scalars(select(StaffMember.id).limit(1)).one(),
            "chargeback_id": session.scalars(select(Chargeback.id).where(Chargeback.debtor_id == account.id)).one(),
            "event_id": session.scalars(select(InboxEvent.id).limit(1)).one(),
            "imports": session.scalars(select(ImportRun.id).limit(1)).one(),
            "reminders": session.scalars(
                select(ReminderRun.id).where(ReminderRun.company_id == company_id).limit(1)
            ).one(),
            "collections": session.scalars(
                select(CollectionRun.id).where(CollectionRun.company_id == company_id).limit(1)
            ).one(),
            "scenario_id": session.scalars(select(Scenario.id).where(Scenario.company_id == company_id).limit(1)).one(),
            "messages": session.scalars(
                select(Message.id)
                .where(Message.debtor_id == account.id, Message.contact_id == contact_id)
                .where(Message.status != MessageStatus.DROPPED)
                .limit(1)
            ).one(),
            "outbox": session.scalars(select(OutboxMessage.id).limit(1)).one(),
        }
    return World(account, ids)


def speak(
    session: Session, debtor_id: uuid.UUID, contact_id: uuid.UUID, promised: uuid.UUID, declared: uuid.UUID
) -> dict[str, uuid.UUID]:
    """A promise, and a transfer that is looked for."""
    by, today = Actor.contact(contact_id, "Tout Compris"), clock.today()
    promise = PromiseDraft(str(uuid.uuid4()), [Part(promised, 7_200)], today + timedelta(days=5), note="On payday.")
    transfer = DeclarationDraft(str(uuid.uuid4()), 8_400, today, [Part(declared, 8_400)], "VIR TOUT COMPRIS")
    return {
        "promise_id": promises.give(session, debtor_id=debtor_id, draft=promise, by=by).id,
        "declaration_id": declarations.declare(session, debtor_id=debtor_id, draft=transfer, by=by).id,
    }


def agree(
    session: Session, debtor_id: uuid.UUID, contact_id: uuid.UUID, planned: uuid.UUID, offered: uuid.UUID
) -> dict[str, uuid.UUID]:
    """A plan that runs, with an instalment due today, and the offer of another."""
    staff, made = Actor.staff(uuid.uuid4(), "Camille Morel"), []
    for invoice_id in (planned, offered):
        terms = Terms(first_on=clock.today(), count=2, rhythm=Rhythm.WEEKLY)
        plan = plans.propose_by_staff(
            session,
            debtor_id=debtor_id,
            invoice_ids=[invoice_id],
            terms=terms,
            answer="As we said on the phone.",
            attempt=str(uuid.uuid4()),
            by=staff,
        )
        made.append(plan.id)
        if invoice_id == planned:
            evidence = accepting.Evidence(
                contact_id, "Tout Compris", "tout@compris.example", "192.0.2.7", "Firefox", "en"
            )
            accepting.accept(session, plan_id=plan.id, evidence=evidence, by=Actor.contact(contact_id, "Tout Compris"))
    return {"plan_id": made[0], "offered": made[1]}


def contest(session: Session, debtor_id: uuid.UUID, contact_id: uuid.UUID, invoice_id: uuid.UUID) -> uuid.UUID:
    """A dispute with words of both sides, waiting for the debtor."""
    staff = Actor.staff(uuid.uuid4(), "Camille Morel")
    made = raise_dispute(
        session,
        debtor_id=debtor_id,
        claims=[Claim(invoice_id, minor=1_200)],
        reason_code="price",
        text="The price is not the one of the offer.",
        attempt=str(uuid.uuid4()),
        contact_id=contact_id,
        by=Actor.contact(contact_id, "Tout Compris"),
    )
    say(session, dispute_id=made.id, text="Could you send us the offer?", asks=True, by=staff)
    note(session, dispute_id=made.id, text="Ask sales.", by=staff)
    return made.id


def addresses(routes: list[Route], ids: dict[str, Any]) -> Iterator[str]:
    """The path of every GET route that shows a page, with ids of our world."""
    for route in routes:
        if "GET" in route.methods and not PAPERS.search(route.path) and "<token>" not in route.path:
            room = route.path.split("/")[1]
            known = ids | {
                "run_id": ids.get(room),
                "message_id": ids["messages"] if room in ("messages", "profile") else ids["outbox"],
                "plan_id": ids["offered"] if route.path.endswith(("/offer", "/accept")) else ids["plan_id"],
                "payment_id": ids["stopped"] if route.path.endswith("/stopped") else ids["payment_id"],
            }
            path = route.path
            for name in re.findall(r"<(?:\w+:)?(\w+)>", path):
                path = re.sub(rf"<(?:\w+:)?{name}>", str(known[name]), path)
            yield path


def inspect(visit: Visit, url: str, language: str, status: int = 200) -> list[str]:
    """What is wrong with a page, in the looks of this language."""
    answer = visit.page.goto(url)
    assert answer is not None
    faults = []
    if answer.status != status:
        return [f"{url}: {answer.status}"]
    if visit.page.locator("html").get_attribute("lang") != language:
        faults.append(f"{url}: not in {language}")
    weight = len(gzip.compress(answer.body())) + visit.page.evaluate(
        "performance.getEntriesByType('resource').reduce((sum, one) => sum + one.encodedBodySize, 0)"
    )
    if weight > HEAVIEST:
        faults.append(f"{url}: {weight} bytes")
    return faults + look(visit, url, language)


def look(visit: Visit, url: str, language: str) -> list[str]:
    """What is wrong with the page that is open, in the looks of this language."""
    faults = []
    for size, scheme in LOOKS[language]:
        visit.page.set_viewport_size(size)  # type: ignore[arg-type]
        visit.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        wide = visit.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        if wide > 0:
            faults.append(f"{url}: {wide} px too wide at {size['width']}")
        visit.page.evaluate(AXE)
        found = visit.page.evaluate("rules => axe.run(document, {runOnly: rules, resultTypes: ['violations']})", RULES)
        faults += [
            f"{url} at {size['width']} {scheme}: {one['id']}: {one['nodes'][0]['html'][:200]}"
            f" {one['nodes'][0]['failureSummary'][-160:]}"
            for one in found["violations"]
        ]
    visit.page.emulate_media(color_scheme="light")
    return faults


@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_page_of_the_portal_is_clean(family: DemoFamily, world: World, visits: Visits, language: str):
    visit = visits(size=DESKTOP, language=language)
    link = family.link(world.account)
    faults = inspect(visit, link, language)
    faults += inspect(visit, re.sub("/l/.*", "/l/" + "x" * 43, link), language, status=404)
    faults += inspect(visit, f"{family.url}/new-link", language)
    faults += inspect(visit, f"{family.url}/new-link/sent", language)
    visit.enter(f"{link}?language={language}")
    faults += inspect(visit, f"{family.url}/code?language={language}", language)
    with family.inside(), transaction() as session:
        session.execute(
            update(PortalSession).where(PortalSession.debtor_id == world.account.id).values(verified_at=clock.now())
        )
    more = [
        "/invoices?state=all",
        "/pay?what=all",
        "/pay/transfer?what=all",
        "/pay/parts?what=all",
        "/mandate/autopay?on=1",
        "/plans/new?first_on=&split=each&each=x",
        f"/plans/{world.ids['offered']}",
        f"/pay?what=plan&plan={world.ids['plan_id']}&part=rest",
        f"/disputes/new?invoice={world.ids['invoice_id']}",
        *(f"/choose/{purpose.value}" for purpose in Purpose if purpose is not Purpose.PAY),
        "/choose/pay?q=nothing-has-this-number",
    ]
    seen = [*addresses(portal.urls.ROUTES, world.ids), *more]
    for path in seen:
        faults += inspect(visit, family.url + path, language)
    faults += inspect(visit, f"{family.url}/nothing-here", language, status=404)
    print(f"portal, {language}: {len(seen) + 6} pages")  # noqa: T201 - a figure for the report
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_page_of_the_back_office_is_clean(family: DemoFamily, world: World, visits: Visits, language: str):
    more = ["/debtors?q=vidal", "/invoices?state=late", "/search?q=vidal", "/search?q=nobody-has-this-name"]
    more += ["/plans?state=all", f"/plans/{world.ids['offered']}"]
    more += [f"/debtors/{family.debtor_id('411VIDAL')}", f"/debtors/{family.debtor_id('411HUGO')}/credit"]
    seen = [*(path for path in addresses(backoffice.urls.ROUTES, world.ids) if path not in ELSEWHERE), *more]
    visit = visits(size=DESKTOP, language=language)
    faults = inspect(visit, f"{family.desk}/sign-in", language)
    try:
        with family.inside(), transaction() as session:
            session.execute(update(StaffMember).values(language=language))
        sign_in(visit, family)
        for path in seen:
            faults += inspect(visit, family.desk + path, language)
        faults += inspect(visit, f"{family.desk}/nothing-here", language, status=404)
    finally:
        with family.inside(), transaction() as session:
            session.execute(update(StaffMember).values(language="en"))
    print(f"back-office, {language}: {len(seen) + 2} pages")  # noqa: T201 - a figure for the report
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_page_of_a_sign_in_with_a_second_factor_is_clean(family: DemoFamily, visits: Visits, language: str):
    email = f"factor-{language}@atelier-des-lices.example"
    with family.inside(), transaction() as session:
        known = session.scalars(select(StaffMember).where(StaffMember.email == ADMIN)).one()
        session.add(
            StaffMember(
                id=new_id(),
                email=email,
                name="Fatou Second",
                language=language,
                password_hash=known.password_hash,
                role=known.role,
                created_at=clock.now(),
            )
        )
    visit = visits(size=DESKTOP, language=language)
    faults = []

    def see(part: str) -> None:
        assert part in visit.page.url
        faults.extend(look(visit, visit.page.url, language))

    def enter_code() -> None:
        secret = re.sub(r"\s", "", visit.page.locator(".enrol-picture + * input").input_value())
        visit.page.locator("input[name=code]").fill(pyotp.TOTP(secret).now())
        visit.page.locator("main form button[type=submit]").last.click()

    sign_in(visit, family, email)
    visit.go(f"{family.desk}/me/second-factor")
    see("/me/second-factor")
    enter_code()
    see("/me/second-factor")
    assert visit.page.locator(".enrol-picture").count() == 0, "the recovery codes"
    visit.page.context.clear_cookies()
    visit.go(f"{family.desk}/sign-in?language={language}")
    visit.page.locator("input[name=email]").fill(email)
    visit.page.locator("input[name=password]").fill(PASSWORD)
    visit.page.locator("main form button[type=submit]").first.click()
    visit.page.wait_for_url("**/sign-in/code**")
    see("/sign-in/code")
    with family.inside(), transaction() as session:
        session.execute(
            update(StaffMember).where(StaffMember.email == email).values(totp_confirmed_at=None, totp_salt=None)
        )
    visit.go(f"{family.desk}/sign-in/set-up")
    see("/sign-in/set-up")
    assert not faults, "\n".join(faults)
