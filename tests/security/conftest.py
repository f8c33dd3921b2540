"""Three accounts of two companies with one of everything, and every kind of person at both doors."""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from itsdangerous import URLSafeTimedSerializer
from sqlalchemy import Engine, inspect, select, text
from sqlalchemy.orm import Session

import wsgi
from backoffice.access import service as desk
from backoffice.access.models import StaffMember, StaffSession
from backoffice.access.permissions import Role
from backoffice.disputes.models import CreditProposal
from backoffice.imports.models import ImportRun
from backoffice.imports.models import RunState as ImportState
from backoffice.reminders.models import ReminderRun, Scenario
from payments.chargebacks.models import Chargeback
from payments.chargebacks.rules import ChargebackKind, ChargebackState
from payments.collections.models import CollectionRun
from payments.declarations import service as declarations
from payments.declarations.service import DeclarationDraft
from payments.models import Mandate, Means, Provider, Refund
from payments.plans import accepting
from payments.plans import service as plans
from payments.plans.rules import Terms
from payments.receipts import service as receipts
from payments.status import MandateStatus
from payments.webhooks.models import InboxEvent
from shared.access import service as access
from shared.access.models import LinkPurpose, PortalSession
from shared.attachments.models import Attachment
from shared.attachments.rules import Checked
from shared.debtors.models import Contact, Debtor, DebtorContact
from shared.disputes import service as disputes
from shared.giving import limit
from shared.giving import service as giving
from shared.giving.models import GiftKind, GiftState
from shared.giving.service import Wish
from shared.invoices import service as invoices
from shared.invoices.models import FreezeKind
from shared.kit import clock, files, ids
from shared.kit.actors import Actor
from shared.kit.db import transaction
from shared.kit.outbox.relay import perform_due
from shared.kit.settings import Settings, use_settings
from shared.ledger.rules import Part
from shared.messages.models import Message
from shared.personal.models import RetentionRelease
from shared.promises import service as promises
from shared.promises.service import PromiseDraft
from tests.support.doors import desk_door, portal_door
from tests.support.mailbox import Mailbox, open_mailbox
from tests.support.orders import a_long_paper
from tests.support.people import SYSTEM, a_company, a_debtor, an_invoice

NOBODY = uuid.UUID(int=7)
"""The id of nothing."""

IBAN = "FR7630006000011234567890189"


@dataclass
class Account:
    """One debtor's account with one of everything; `ids` by the name that URLs give them."""

    name: str
    company_id: uuid.UUID
    debtor_id: uuid.UUID
    contact_id: uuid.UUID
    token: str
    email: str
    ids: dict[str, uuid.UUID] = field(default_factory=dict)


@dataclass
class Town:
    """Dora; Bruno, another debtor of the same company; Octave of another company."""

    dora: Account
    bruno: Account
    octave: Account
    staff: dict[Role, uuid.UUID]

    def owners(self) -> dict[str, Account]:
        return {"own": self.dora, "same company": self.bruno, "other company": self.octave}


def settle(session: Session, company: Any, code: str, name: str) -> Account:
    """An account that has everything a URL can name."""
    debtor = a_debtor(session, company, code, name)
    contact = session.scalars(
        select(Contact)
        .join(DebtorContact, DebtorContact.contact_id == Contact.id)
        .where(DebtorContact.debtor_id == debtor.id)
    ).one()
    contact.language = "en"
    account = Account(name, company.id, debtor.id, contact.id, "", contact.email)
    account.token = a_link(session, account)
    late = an_invoice(session, debtor, f"{code}-1", 12_000, due_in=-10)
    held = an_invoice(session, debtor, f"{code}-2", 8_000, due_in=5)
    session.flush()
    payment = receipts.record_receipt(
        session,
        debtor=debtor,
        means=Means.TRANSFER,
        minor=2_000,
        received_on=clock.today(),
        memo="",
        parts=[Part(late.id, 2_000)],
        attempt=f"hand:{code}",
        by=SYSTEM,
    )
    mandate = a_mandate(session, account, code)
    refund = Refund(
        id=ids.new_id(),
        payment_id=payment.id,
        amount_minor=500,
        idempotency_key=f"refund-{code}",
        created_at=clock.now(),
    )
    chargeback = Chargeback(
        id=ids.new_id(),
        company_id=company.id,
        debtor_id=debtor.id,
        payment_id=payment.id,
        opened_step=1,
        reference=f"CHB-{code}"[:24],
        kind=ChargebackKind.DEBIT,
        state=ChargebackState.TO_DECIDE,
        code="MD06",
        amount_minor=2_000,
        due_on=clock.today(),
        created_at=clock.now(),
    )
    freeze = invoices.freeze(
        session, invoice_id=held.id, kind=FreezeKind.LEGAL_HOLD, minor=1_000, reason="court", by=SYSTEM
    )
    session.add_all([refund, chargeback])
    session.flush()
    cancellation = ids.new_id()
    _ask_for(session, debtor, Wish(GiftKind.REFUND, refund.id, 500, payment_id=payment.id))
    _ask_for(
        session, debtor, Wish(GiftKind.CANCELLATION, cancellation, held.open_minor, invoices={held.id: held.open_minor})
    )
    account.ids = {
        "company_id": company.id,
        "debtor_id": debtor.id,
        "contact_id": contact.id,
        "invoice_id": held.id,
        "cancellation_id": cancellation,
        "payment_id": payment.id,
        "mandate_id": mandate.id,
        "refund_id": refund.id,
        "chargeback_id": chargeback.id,
        "freeze_id": freeze.id,
        "message_id": _a_message(session, account).id,
        "scenario_id": _a_scenario(session, account).id,
        "order_id": a_long_paper(session, company_id=company.id, debtor_id=debtor.id, contact_id=contact.id).id,
        **_papers(session, account),
        **_words(session, account, late.id, held.id),
        **_a_dispute(session, account, late.id),
        "plan_id": _a_plan(session, account, an_invoice(session, debtor, f"{code}-3", 6_000, due_in=20).id),
    }
    return account


def _words(session: Session, account: Account, late_id: uuid.UUID, held_id: uuid.UUID) -> dict[str, uuid.UUID]:
    """What the debtor said: a promise, and a declared transfer with its proof."""
    on = clock.today()
    promised = PromiseDraft(f"promise:{account.debtor_id}", [Part(held_id, 1_000)], on)
    proof = b"a transfer of " + account.name.encode()
    declared = DeclarationDraft(
        attempt=f"declaration:{account.debtor_id}",
        minor=1_000,
        paid_on=on,
        parts=[Part(late_id, 1_000)],
        files=[Checked("proof.txt", "text/plain", proof, hashlib.sha256(proof).hexdigest())],
    )
    declaration = declarations.declare(session, debtor_id=account.debtor_id, draft=declared, by=SYSTEM)
    return {
        "promise_id": promises.give(session, debtor_id=account.debtor_id, draft=promised, by=SYSTEM).id,
        "declaration_id": declaration.id,
        "attachment_id": session.scalars(select(Attachment.id).where(Attachment.subject_id == declaration.id)).one(),
    }


def _a_dispute(session: Session, account: Account, invoice_id: uuid.UUID) -> dict[str, uuid.UUID]:
    """What the debtor contests, with its proof, and a credit that waits for a second person."""
    proof = b"a photo of " + account.name.encode()
    dispute = disputes.raise_dispute(
        session,
        debtor_id=account.debtor_id,
        claims=[disputes.Claim(invoice_id, minor=1_500)],
        reason_code="price",
        text="too dear",
        attempt=f"dispute:{account.debtor_id}",
        by=SYSTEM,
        files=[Checked("photo.txt", "text/plain", proof, hashlib.sha256(proof).hexdigest())],
    )
    proposal = CreditProposal(
        id=ids.new_id(),
        company_id=account.company_id,
        dispute_id=dispute.id,
        total_minor=500,
        credit={"minors": {}, "number": "", "credit_note_id": None, "vat_rate": None},
        text="half of it",
        asked_by_id=ids.new_id(),
        asked_by_name="Somebody",
        asked_at=clock.now(),
    )
    session.add(proposal)
    session.flush()
    _ask_for(session, session.get_one(Debtor, account.debtor_id), Wish(GiftKind.CREDIT, proposal.id, 500))
    return {
        "dispute_id": dispute.id,
        "proposal_id": proposal.id,
        "disputes.attachment_id": session.scalars(
            select(Attachment.id).where(Attachment.subject_id == dispute.id)
        ).one(),
    }


def _ask_for(session: Session, debtor: Debtor, wish: Wish) -> None:
    """Somebody wants to give something away, and a second person must agree."""
    giving.note(session, debtor, wish, state=GiftState.ASKED, by=Actor.staff(ids.new_id(), "Somebody"))


def _a_plan(session: Session, account: Account, invoice_id: uuid.UUID) -> uuid.UUID:
    """A payment plan that was agreed to."""
    plan = plans.propose_by_staff(
        session,
        debtor_id=account.debtor_id,
        invoice_ids=[invoice_id],
        terms=Terms(first_on=clock.today() + timedelta(days=7), count=2),
        answer="",
        attempt=f"plan:{account.debtor_id}",
        by=SYSTEM,
    )
    evidence = accepting.Evidence(account.contact_id, account.name, account.email, "192.0.2.1", "Firefox", "en")
    accepting.accept(session, plan_id=plan.id, evidence=evidence, by=SYSTEM)
    return plan.id


def a_link(session: Session, account: Account) -> str:
    return access.make_link(
        session, debtor_id=account.debtor_id, contact_id=account.contact_id, purpose=LinkPurpose.REMINDER
    )


def a_mandate(session: Session, account: Account, code: str) -> Mandate:
    mandate = Mandate(
        id=ids.new_id(),
        company_id=account.company_id,
        debtor_id=account.debtor_id,
        contact_id=account.contact_id,
        reference=f"MDT-{code}",
        attempt=f"attempt-{code}",
        status=MandateStatus.ACTIVE,
        idempotency_key=f"mandate-{code}",
        provider_reference=f"MD-{code}",
        scheme_reference=f"RUM-{code}",
        holder_name=account.name,
        iban_ending="0189",
        iban_country="FR",
        created_at=clock.now(),
        given_at=clock.now(),
    )
    session.add(mandate)
    session.flush()
    return mandate


def _a_message(session: Session, account: Account) -> Message:
    stored = files.get_store().put(b"%PDF-1.7 of " + account.name.encode())
    message = Message(
        id=ids.new_id(),
        company_id=account.company_id,
        debtor_id=account.debtor_id,
        contact_id=account.contact_id,
        kind="link",
        language="en",
        to_name=account.name,
        to_address=account.email,
        subject="Your account",
        text_body="See PERSONAL-LINK",
        html_body="<p>See</p>",
        attachments=[{"name": "invoice.pdf", "sha256": stored.sha256, "media_type": "application/pdf"}],
        reason="",
        dedupe_key=f"security:{account.debtor_id}",
        created_at=clock.now(),
    )
    session.add(message)
    session.flush()
    return message


def _a_scenario(session: Session, account: Account) -> Scenario:
    """A ladder of the account's company, beside the default one."""
    scenario = Scenario(
        id=ids.new_id(), company_id=account.company_id, name=f"For {account.name}", created_at=clock.now()
    )
    session.add(scenario)
    session.flush()
    return scenario


def _papers(session: Session, account: Account) -> dict[str, uuid.UUID]:
    """The runs of the account's company."""
    about = {"company_id": account.company_id, "run_on": clock.today(), "started_at": clock.now()}
    found: dict[str, uuid.UUID] = {}
    for name, model in (("collections", CollectionRun), ("reminders", ReminderRun)):
        run = session.scalar(select(model).where(model.company_id == account.company_id))
        if run is None:
            run = model(id=ids.new_id(), **about)
            session.add(run)
        found[f"{name}.run_id"] = run.id
    release = session.scalar(select(RetentionRelease).where(RetentionRelease.company_id == account.company_id))
    if release is None:
        release = RetentionRelease(
            id=ids.new_id(),
            company_id=account.company_id,
            kinds=["contacts"],
            counts={},
            asked_by="test",
            asked_at=clock.now(),
        )
        session.add(release)
    found["release_id"] = release.id
    higher = limit.waiting(session, account.company_id)
    if higher is None:
        somebody = Actor.staff(ids.new_id(), "Somebody")
        higher = limit.ask(session, account.company_id, 900_000, by=somebody, has_second=True)
    found["raise_id"] = higher.id
    stored = files.get_store().put(b"number;amount\n")
    imported = ImportRun(
        id=ids.new_id(),
        company_id=account.company_id,
        state=ImportState.CANCELLED,
        file_name="invoices.csv",
        file_sha256=stored.sha256,
        file_size=14,
        created_at=clock.now(),
    )
    session.add(imported)
    session.flush()
    return found | {"imports.run_id": imported.id}


@pytest.fixture
def town(database: Engine, settings: Settings, frozen: clock.FrozenClock) -> Town:
    """Everybody and everything."""
    wsgi.import_jobs()
    with transaction() as session:
        ours = a_company(session)
        theirs = a_company(session, "other", trade_name="Other house", created_at=clock.now() + timedelta(seconds=1))
        dora = settle(session, ours, "411DORA", "Dora Durand SARL")
        bruno = settle(session, ours, "411BRUNO", "Bruno Blanc SARL")
        octave = settle(session, theirs, "411OCTAVE", "Octave Conseil")
        staff = {
            role: desk.add_member(
                session,
                email=f"{role.value}@guichet.example",
                name=role.value,
                role=role,
                password_hash="-",
                language="en",
                by=SYSTEM,
            ).id
            for role in Role
        }
        event = InboxEvent(
            id=ids.new_id(),
            provider=Provider.STRIPE,
            event_id="evt_1",
            kind="charge.updated",
            raw="{}",
            source="webhook",
            happened_at=clock.now(),
            received_at=clock.now(),
        )
        session.add(event)
        for account in (dora, bruno, octave):
            account.ids["event_id"] = event.id
    return Town(dora, bruno, octave, staff)


@pytest.fixture
def portal(town: Town, settings: Settings) -> Flask:
    """The debtors' door with the webhooks."""
    return portal_door(settings)


@pytest.fixture
def backoffice(town: Town, settings: Settings) -> Flask:
    """The staff's door."""
    return desk_door(settings)


def visit(app: Flask, account: Account, *, tier: int = 1) -> FlaskClient:
    """A browser with a live session that came by a link of its own."""
    with transaction() as session:
        opened = access.redeem(session, token=a_link(session, account), address="192.0.2.1", user_agent="Firefox")
        assert opened is not None
        if tier == 2:
            session.get_one(PortalSession, opened.session_id).verified_at = clock.now()
    return holding(app, opened.token)


def end_visit(app: Flask, account: Account) -> FlaskClient:
    """A browser whose tier-2 session was ended on the server."""
    client = visit(app, account, tier=2)
    with transaction() as session:
        for row in session.scalars(select(PortalSession).where(PortalSession.ended_at.is_(None))):
            row.ended_at = clock.now()
    return client


def revoked_visit(app: Flask, account: Account) -> FlaskClient:
    """A browser whose link was revoked after it had come in."""
    with transaction() as session:
        link = a_link(session, account)
        opened = access.redeem(session, token=link, address="192.0.2.1", user_agent="Firefox")
        assert opened is not None
        row = session.get_one(PortalSession, opened.session_id)
        row.verified_at = clock.now()
        session.flush()
        access.revoke_links(session, debtor_id=account.debtor_id, link_id=row.link_id, by=SYSTEM)
    return holding(app, opened.token)


def sit(app: Flask, town: Town, role: Role) -> FlaskClient:
    """A browser of staff, signed in a moment ago, with the first company on the desk."""
    with transaction() as session:
        token = desk.open_session(session, town.staff[role], user_agent="Firefox", address="192.0.2.2")
    return holding(app, token, place=town.dora.company_id)


def disabled_sit(app: Flask, town: Town, role: Role) -> FlaskClient:
    """A browser of staff whose account was disabled; the session row itself is left open."""
    client = sit(app, town, role)
    with transaction() as session:
        session.get_one(StaffMember, town.staff[role]).disabled_at = clock.now()
    return client


def ended_sit(app: Flask, town: Town, role: Role) -> FlaskClient:
    """A browser of staff whose session was ended."""
    client = sit(app, town, role)
    with transaction() as session:
        for row in session.scalars(select(StaffSession).where(StaffSession.ended_at.is_(None))):
            row.ended_at = clock.now()
    return client


def holding(app: Flask, token: str | None = None, *, place: uuid.UUID | str = "") -> FlaskClient:
    """A browser whose cookie holds a session's token, and whose POSTs prove that they come from our forms.

    `place`: the company that was on the desk when those forms were shown.
    """
    client = app.test_client()
    with client.session_transaction() as cookie:
        cookie["csrf_token"] = "c" * 40
        if token is not None:
            cookie["_user_id"], cookie["_fresh"] = token, True
    signer = URLSafeTimedSerializer(app.secret_key or "", salt="wtf-csrf-token")
    client.environ_base["HTTP_X_CSRFTOKEN"] = f"{signer.dumps('c' * 40)}~{place}~"
    return client


def fingerprint(engine: Engine, *, but: frozenset[str] = frozenset()) -> dict[str, str]:
    """A hash of every table's rows, by table."""
    with engine.connect() as connection:
        names = [
            name for name in inspect(connection).get_table_names() if name != "alembic_version" and name not in but
        ]
        digests = {}
        for name in names:
            rows = connection.execute(text(f'SELECT CAST(t AS text) FROM "{name}" t ORDER BY 1')).scalars()
            digests[name] = hashlib.sha256("\n".join(rows).encode()).hexdigest()
        return digests


def changed(before: dict[str, str], after: dict[str, str]) -> set[str]:
    """The tables that differ."""
    return {name for name in before if before[name] != after[name]}


def fill(path: str, account: Account | None, *, room: str = "", **words: str) -> str:
    """A URL with an account's ids in it, or with the id of nothing."""

    def put(found: re.Match[str]) -> str:
        name = found[1].rpartition(":")[2]
        if not name.endswith("_id"):
            offered = re.findall(r"\w+", found[1].partition("(")[2].partition(")")[0])
            word = words.get(name, WORDS[name])
            return word if not offered or word in offered else offered[0]
        if account is None:
            return str(NOBODY)
        below = account.ids.get(f"disputes.{name}") if path.startswith("/disputes/") else None
        return str(below or account.ids.get(name) or account.ids.get(f"{room}.{name}") or NOBODY)

    return re.sub(r"<([^>]+)>", put, path)


WORDS = {
    "form": "csv",
    "position": "0",
    "decision": "approve",
    "answer": "owed",
    "act": "enable",
    "reason": "price",
    "purpose": "pay",
    "reply": "received",
    "room": "dispute",
    "token": "A" * 43,
}


@pytest.fixture
def mail(town: Town, settings: Settings) -> Iterator[Mailbox]:
    """Where mails arrive, empty at first."""
    with open_mailbox() as mailbox:
        use_settings(settings.model_copy(update={"smtp_url": mailbox.url, "mail_sender": "G <g@guichet.example>"}))
        perform_due()
        mailbox.mails.clear()
        yield mailbox
        use_settings(settings)
