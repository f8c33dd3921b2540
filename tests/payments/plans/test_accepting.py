"""Plans are accepted: evidence, freezes, announcements and the paper, in one commit or not at all."""

from __future__ import annotations

import hashlib

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from payments.collections.models import Collection, CollectionState
from payments.collections.run import run as run_collections
from payments.plans import accepting, acknowledge, queries
from payments.plans.models import PlanConsent
from payments.plans.status import PlanStatus
from shared.company.models import Company
from shared.debtors.models import Debtor
from shared.documents.models import Document, DocumentKind
from shared.invoices.models import Invoice
from shared.kit.db import reading, transaction
from shared.kit.errors import Conflict
from tests.payments.plans.conftest import STAFF

S = PlanStatus


def test_acceptance_freezes_keeps_the_evidence_and_tells_the_schedule(planner):
    plan = planner.agree()

    assert plan.status is S.ACTIVE
    assert planner.frozen() == {"F-1": 30_000, "F-2": 20_000, "F-3": 10_001}
    view = planner.view(plan)
    assert (view.consent.name, view.consent.address, view.consent.text_version) == (
        "Dora Durand",
        "192.0.2.7",
        "2026-12",
    )
    assert [line.state for line in view.instalments] == [queries.InstalmentState.COMING] * 3
    (mail,) = planner.mails("plan_accepted")
    assert "600,01" in mail.text_body
    with reading() as session:
        assert all(invoice.collectable_minor == 0 for invoice in session.scalars(select(Invoice)))


def test_the_acknowledgement_is_made_once_with_the_amount_in_words_and_its_facts_cannot_change(planner):
    from pypdf import PdfReader

    plan = planner.agree()

    with reading() as session:
        kept = session.scalars(select(Document).where(Document.kind == DocumentKind.PLAN)).one()
        consent = session.scalars(select(PlanConsent)).one()
        shown = acknowledge.words(session, plan.id, language="fr")
    first, second = acknowledge.paper(plan.id), acknowledge.paper(plan.id)
    assert first.content == second.content
    assert kept.sha256 == first.sha256 == hashlib.sha256(first.content).hexdigest()
    assert acknowledge.digest(consent.facts) == consent.facts_sha256
    assert tuple(consent.facts["wording"]) == shown
    import io

    printed = " ".join(page.extract_text() for page in PdfReader(io.BytesIO(first.content)).pages)
    assert "six cents euros et un centime" in " ".join(printed.split())
    assert plan.reference in printed
    for table in ("plan_consent", "plan_transition"):
        with pytest.raises(DBAPIError, match="append-only"), transaction() as session:
            session.execute(text(f"DELETE FROM {table}"))


def test_accepting_twice_is_one_agreement(planner):
    plan = planner.agree()
    again = planner.accept(plan)

    assert again.status is S.ACTIVE
    assert len(planner.mails("plan_accepted")) == 1
    assert len(planner.instalments(plan)) == 3


def test_an_offer_ends_and_cannot_be_accepted_any_more(planner):
    plan = planner.propose()
    planner.counter.days(8)

    with pytest.raises(Conflict, match="ended"):
        planner.accept(plan)
    assert planner.follow() == ["expired"]
    assert planner.plan(plan).status is S.EXPIRED


def test_what_has_changed_since_the_offer_is_shown_anew_before_it_is_accepted(planner):
    plan = planner.propose()
    step = planner.counter.pay_by_card(planner.counter.part("F-2", 20_000))
    planner.counter.twins.pay(step.url)
    planner.counter.deliver()

    with pytest.raises(Conflict) as refusal:
        planner.accept(plan)
    assert refusal.value.code == "plan.changed"
    assert planner.frozen() == {}
    renewed = planner.do(accepting.renew, plan)
    assert renewed.total_minor == 40_001
    assert planner.accept(plan).status is S.ACTIVE
    assert planner.frozen() == {"F-1": 30_000, "F-3": 10_001}


def test_automatic_debits_of_an_invoice_are_withdrawn_when_it_comes_under_a_plan(counter):
    from tests.payments.plans.conftest import Planner
    from tests.support.people import an_invoice

    counter.open_account(amounts=())
    counter.give_mandate()
    with transaction() as session:
        debtor = session.get_one(Debtor, counter.debtor_id)
        debtor.autopay = True
        counter.invoices["F-1"] = an_invoice(session, debtor, "F-1", 30_000, due_in=10).id
    planner = Planner(counter)
    with reading() as session:
        company_id = session.scalars(select(Company.id)).one()
    run_collections(company_id)
    counter.deliver()

    planner.agree("F-1")

    with reading() as session:
        found = session.scalars(select(Collection).where(Collection.invoice_id.is_not(None))).all()
    assert [(one.state, one.reason) for one in found] == [(CollectionState.SKIPPED, "plan")]
    (mail,) = planner.mails("debit_stopped")
    assert "F-1" in mail.text_body
    assert planner.differences() == []


def test_the_message_of_acceptance_speaks_each_readers_language(planner):
    from shared.debtors.models import Contact
    from shared.debtors.service import add_contact

    with transaction() as session:
        debtor = session.get_one(Debtor, planner.debtor_id)
        add_contact(session, debtor=debtor, email="emma@client.example", name="Emma", by=STAFF)
        session.scalars(select(Contact).where(Contact.email == "emma@client.example")).one().language = "en"
    planner.agree()

    mails = {mail.to_address: mail.text_body for mail in planner.mails("plan_accepted")}
    assert len(mails) == 2
    assert "falls due at once" in mails["emma@client.example"].replace("\n", " ")
    assert sum("devient exigible immédiatement" in text.replace("\n", " ") for text in mails.values()) == 1
