"""Plans are proposed, answered at once, accepted with evidence; money is frozen from that commit on and from no other."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from payments.collections.models import Collection, CollectionState
from payments.collections.run import run as run_collections
from payments.models import Means
from payments.plans import accepting, acknowledge, progress, proposals, queries, rules, running, service, statistics
from payments.plans.models import Plan, PlanConsent, PlanTransition
from payments.plans.rules import Limit
from payments.plans.status import PlanStatus
from payments.receipts.service import record_receipt
from shared.company.models import Company
from shared.debtors.models import Debtor, DebtorKind
from shared.documents.models import Document, DocumentKind
from shared.invoices.models import FreezeKind, Invoice
from shared.invoices.service import freeze
from shared.kit import clock
from shared.kit.actors import Actor
from shared.kit.db import reading, transaction
from shared.kit.errors import Conflict, Invalid, NotFound
from shared.ledger.rules import Part
from tests.payments.plans.conftest import STAFF

S = PlanStatus


def test_a_plan_within_the_policy_is_offered_at_once_and_freezes_nothing_yet(planner):
    plan = planner.propose()

    assert (plan.status, plan.total_minor, plan.reasons) == (S.OFFERED, 60_001, [])
    assert planner.frozen() == {}
    view = planner.view(plan)
    assert [due.minor for due in view.days] == [20_001, 20_000, 20_000]
    assert not view.is_counter_offer
    assert [step.after for step in view.steps] == [S.PROPOSED, S.OFFERED]


def test_a_proposal_sent_twice_is_one_plan(planner):
    first, second = planner.propose(), planner.propose()

    assert first.id == second.id
    assert len(planner.view(first).steps) == 2


def test_too_many_instalments_get_the_nearest_terms_as_a_counter_offer(planner):
    plan = planner.propose(count=40)

    view = planner.view(plan)
    assert plan.status is S.OFFERED
    assert view.is_counter_offer
    assert Limit.TOO_LONG in view.reasons
    assert sum(due.minor for due in view.days) == 60_001
    assert min(due.minor for due in view.days) >= rules.FOR_BUSINESS.smallest_instalment_minor


def test_the_preview_says_what_the_proposal_would_be_answered_and_writes_nothing(planner):
    with reading() as session:
        shown = proposals.preview(session, planner.debtor_id, invoice_ids=None, wish=planner.wish(count=40))
    plan = planner.propose(count=40)

    assert isinstance(shown.answer, rules.CounterOffer)
    assert planner.view(plan).terms == shown.terms
    assert planner.view(plan).days == shown.days


def test_above_the_policy_a_person_decides_and_reminders_rest_a_few_days(planner):
    with transaction() as session:
        company = session.scalars(select(Company)).one()
        policy = replace(rules.FOR_BUSINESS, largest_total_minor=50_000)
        service.set_policy(session, company_id=company.id, kind=DebtorKind.BUSINESS, policy=policy, by=STAFF)

    plan = planner.propose(count=3)

    assert (plan.status, plan.reasons) == (S.NEEDS_PERSON, ["total_too_large"])
    with reading() as session:
        until = session.get_one(Debtor, planner.debtor_id).reminders_paused_until
    assert until == clock.today() + timedelta(days=5)
    assert planner.frozen() == {}

    offered = planner.do(
        service.offer, plan, terms=planner.wish(count=2, first_minor=40_000), answer="In two parts, please."
    )
    assert offered.status is S.OFFERED
    (mail,) = planner.mails("plan_offered")
    assert "In two parts, please." in mail.text_body
    assert planner.accept(offered).status is S.ACTIVE
    assert planner.instalments(plan) == [(40_000, 0, 0), (20_001, 0, 0)]


def test_a_company_that_offers_no_plans_refuses_with_the_reason(planner):
    with transaction() as session:
        company = session.scalars(select(Company)).one()
        policy = replace(rules.FOR_BUSINESS, is_offered=False)
        service.set_policy(session, company_id=company.id, kind=DebtorKind.BUSINESS, policy=policy, by=STAFF)

    plan = planner.propose()

    assert (plan.status, plan.reasons, plan.end_reason) == (S.DECLINED, ["not_offered"], "not_offered")


def test_values_that_cannot_be_are_no_policy(planner):
    with reading() as session:
        company_id = session.scalars(select(Company.id)).one()
    for values in ({"share_up_front": 95}, {"longest_months": 0}, {"grace_days": 0}, {"minimum_score": 101}):
        policy = replace(rules.FOR_BUSINESS, **values)
        with pytest.raises(Invalid), transaction() as session:
            service.set_policy(session, company_id=company_id, kind=DebtorKind.BUSINESS, policy=policy, by=STAFF)


def test_consumers_have_defaults_of_their_own_and_no_plan_has_a_fee(planner):
    with reading() as session:
        company_id = session.scalars(select(Company.id)).one()
        assert proposals.policy_of(session, company_id, DebtorKind.CONSUMER) == rules.FOR_CONSUMERS
    assert not any("fee" in column.name or "interest" in column.name for column in Plan.__table__.columns)
    plan = planner.agree()
    assert sum(amount for amount, _credited, _settled in planner.instalments(plan)) == 60_001


def test_acceptance_freezes_keeps_the_evidence_and_tells_the_schedule(planner):
    plan = planner.agree()

    assert plan.status is S.ACTIVE
    assert planner.frozen() == {"F-1": 30_000, "F-2": 20_000, "F-3": 10_001}
    view = planner.view(plan)
    assert (view.consent.name, view.consent.address, view.consent.text_version) == (
        "Dora Durand",
        "192.0.2.7",
        "2026-11",
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


def test_disputed_money_and_money_under_way_are_never_part_of_a_plan(planner):
    planner.counter.pay_by_card(planner.counter.part("F-2", 5_000))
    with transaction() as session:
        freeze(
            session,
            invoice_id=planner.counter.invoices["F-1"],
            kind=FreezeKind.DISPUTE,
            minor=12_000,
            reason="broken",
            by=STAFF,
        )

    plan = planner.agree("F-1", "F-2")

    assert plan.total_minor == 18_000 + 15_000
    assert planner.frozen() == {"F-1": 18_000, "F-2": 15_000}


def test_money_under_way_before_the_plan_settles_what_is_outside_it(planner):
    step = planner.counter.pay_by_card(planner.counter.part("F-2", 5_000))
    plan = planner.agree("F-2")
    planner.counter.twins.pay(step.url)
    planner.counter.deliver()

    assert planner.settled(plan) == [0, 0, 0]
    assert planner.frozen() == {"F-2": 15_000}
    assert planner.counter.amounts("F-2") == [(15_000, 0)]


def test_a_second_plan_is_refused_while_one_runs(planner):
    planner.agree("F-1")
    second = planner.propose("F-2", attempt="form-2")

    assert (second.status, second.reasons[0]) == (S.DECLINED, "too_many_plans")


def test_an_invoice_in_a_plan_cannot_be_put_into_another(planner):
    planner.agree("F-1")

    with pytest.raises(Conflict):
        planner.propose("F-1", attempt="form-2")


def test_a_new_proposal_takes_the_place_of_the_one_before(planner):
    first = planner.propose(count=40)
    second = planner.propose(attempt="form-2")

    assert planner.plan(first).status is S.CANCELLED
    assert planner.plan(first).end_reason == "superseded"
    assert second.status is S.OFFERED


def test_the_debtor_may_prefer_a_person_to_the_counter_offer(planner):
    plan = planner.propose(count=40)
    asked = planner.do(service.ask_person, plan, message="It must be forty.")

    assert (asked.status, asked.terms, asked.message) == (S.NEEDS_PERSON, None, "It must be forty.")
    declined = planner.do(service.decline, plan, answer="Forty is too many for us.")
    assert declined.status is S.DECLINED
    (mail,) = planner.mails("plan_declined")
    assert "Forty is too many" in mail.text_body


def test_another_debtors_plan_does_not_exist(planner):
    plan = planner.propose()
    stranger = planner.counter.debtor_id.__class__(int=1)
    with reading() as session, pytest.raises(NotFound):
        queries.plan_of(session, stranger, plan.id)
    with reading() as session, pytest.raises(NotFound):
        queries.get_plan(session, stranger, plan.id)


# Money -------------------------------------------------------------------------------------------------------------------


def pay(planner, plan, *, everything=False):
    with reading() as session:
        parts = progress.parts_for_instalment(session, plan.id, everything=everything)
    attempt = progress.payment_attempt(plan.id, planner.counter.new_attempt())
    step = planner.counter.pay_by_card(*parts, attempt=attempt)
    return parts, step


def test_the_instalment_due_is_paid_from_the_portal_oldest_invoice_first(planner):
    plan = planner.agree(count=2)
    parts, step = pay(planner, plan)
    assert [(part.minor) for part in parts] == [30_000, 1]

    assert planner.view(plan).instalments[0].state is queries.InstalmentState.UNDER_WAY
    with reading() as session:
        assert progress.payable(session, plan.id) == 30_000
    planner.counter.twins.pay(step.url)
    planner.counter.deliver()

    assert planner.settled(plan) == [30_001, 0]
    assert planner.frozen() == {"F-2": 19_999, "F-3": 10_001}
    assert planner.view(plan).line.settled_count == 1


def test_paying_all_the_rest_completes_the_plan_and_a_chargeback_opens_it_again_in_the_same_commit(planner):
    plan = planner.agree()
    parts, step = pay(planner, plan, everything=True)
    planner.counter.twins.pay(step.url)
    planner.counter.deliver()
    assert sum(part.minor for part in parts) == 60_001
    assert planner.plan(plan).status is S.COMPLETED
    assert planner.frozen() == {}
    assert len(planner.mails("plan_completed")) == 1

    (payment,) = planner.counter.payments()
    from payments.service import Facts, advance
    from payments.status import PaymentStatus

    with transaction() as session:
        by = Actor.provider("stripe")
        facts = Facts(object_reference="dp_1", amount_minor=60_001)
        advance(session, payment.id, PaymentStatus.CHARGED_BACK, by=by, facts=facts)

    assert planner.plan(plan).status is S.ACTIVE
    assert planner.settled(plan) == [0, 0, 0]
    assert planner.frozen() == {"F-1": 30_000, "F-2": 20_000, "F-3": 10_001}
    with reading() as session:
        assert all(invoice.collectable_minor == 0 for invoice in session.scalars(select(Invoice)))


def test_a_transfer_recorded_by_hand_counts_and_undone_counts_no_more(planner):
    from payments.receipts.service import undo_receipt

    plan = planner.agree()
    with transaction() as session:
        payment = record_receipt(
            session,
            debtor=session.get_one(Debtor, planner.debtor_id),
            means=Means.TRANSFER,
            minor=25_000,
            received_on=clock.today(),
            memo="VIR DORA",
            parts=[Part(planner.counter.invoices["F-1"], 25_000)],
            attempt="by-hand",
            by=STAFF,
        )
    assert planner.settled(plan) == [20_001, 4_999, 0]
    assert planner.frozen()["F-1"] == 5_000

    with transaction() as session:
        undo_receipt(session, payment_id=payment.id, reason="another customer", by=STAFF)
    assert planner.settled(plan) == [0, 0, 0]
    assert planner.frozen()["F-1"] == 30_000


def test_a_credit_note_shortens_the_plan_at_its_end(planner):
    from shared.invoices.models import InvoiceKind
    from shared.ledger import service as ledger
    from tests.support.people import an_invoice

    plan = planner.agree()
    with transaction() as session:
        from shared.debtors.service import lock_debtor

        debtor = lock_debtor(session, planner.debtor_id)
        note = an_invoice(session, debtor, "A-1", 25_000, kind=InvoiceKind.CREDIT_NOTE)
        occasion = ledger.Occasion(at=clock.now(), value_on=clock.today())
        part = Part(planner.counter.invoices["F-1"], 25_000)
        ledger.apply_credit_note(session, debtor, credit_note_id=note.id, parts=[part], occasion=occasion)
        progress.refresh(session, plan.id)

    assert planner.instalments(plan) == [(20_001, 0, 0), (20_000, 5_000, 0), (20_000, 20_000, 0)]
    assert planner.frozen() == {"F-1": 5_000, "F-2": 20_000, "F-3": 10_001}
    planner.follow()
    assert planner.instalments(plan)[2] == (20_000, 20_000, 0)


def test_more_than_is_left_cannot_be_paid_on_a_plan(planner):
    plan = planner.agree()
    pay(planner, plan, everything=True)

    with reading() as session:
        assert progress.parts_for_instalment(session, plan.id) == []
        with pytest.raises(Conflict):
            progress.parts_for(session, plan.id, 1)


# Staff -------------------------------------------------------------------------------------------------------------------


def test_a_plan_rests_and_goes_on_with_new_days(planner):
    plan = planner.agree()
    planner.do(running.pause, plan, reason="the customer is in hospital")
    planner.counter.days(40)
    assert planner.follow() == []
    assert planner.frozen()["F-1"] == 30_000
    assert planner.plan(plan).status is S.PAUSED

    first_on = clock.today() + timedelta(days=5)
    planner.do(running.resume, plan, first_on=first_on)
    days = [line.due_on for line in planner.view(plan).instalments]
    assert days == rules.due_days(first_on, rules.Rhythm.MONTHLY, 3)
    assert len(planner.mails("plan_paused")) == len(planner.mails("plan_resumed")) == 1
    with pytest.raises(Conflict):
        planner.do(running.resume, plan, first_on=first_on)


def test_a_day_in_the_past_is_no_first_day(planner):
    plan = planner.agree()
    planner.do(running.pause, plan, reason="")
    with pytest.raises(Invalid):
        planner.do(running.resume, plan, first_on=clock.today() - timedelta(days=1))


def test_cancelling_frees_the_money_and_says_so(planner):
    plan = planner.agree()
    planner.do(running.cancel, plan, reason="by agreement")

    assert planner.plan(plan).status is S.CANCELLED
    assert planner.frozen() == {}
    assert len(planner.mails("plan_cancelled")) == 1
    assert {line.state for line in planner.view(plan).instalments} == {queries.InstalmentState.VOID}


def test_a_change_is_a_plan_of_its_own_that_takes_over_when_it_is_accepted(planner):
    plan = planner.agree(count=2)
    _parts, step = pay(planner, plan)
    planner.counter.twins.pay(step.url)
    planner.counter.deliver()

    new = planner.do(service.change, plan, terms=planner.wish(count=3), answer="As we said.", attempt="change-1")
    assert (new.status, new.total_minor, new.replaces_id) == (S.OFFERED, 30_000, plan.id)
    assert planner.plan(plan).status is S.ACTIVE
    planner.accept(new)

    assert planner.plan(plan).status is S.CANCELLED
    assert planner.plan(plan).end_reason == "replaced"
    assert planner.instalments(new) == [(10_000, 0, 0)] * 3
    assert planner.frozen() == {"F-2": 19_999, "F-3": 10_001}


def test_a_step_that_the_table_does_not_have_is_refused(planner):
    plan = planner.propose()
    for verb, given in ((running.pause, {"reason": ""}), (running.cancel, {"reason": ""})):
        with pytest.raises(Conflict):
            planner.do(verb, plan, **given)
    with reading() as session:
        assert len(session.scalars(select(PlanTransition)).all()) == 2


def test_statistics_and_the_story_of_a_debtor(planner):
    plan = planner.agree()
    with reading() as session:
        company_id = session.scalars(select(Company.id)).one()
        since = clock.now() - timedelta(days=1)
        figures = statistics.statistics(session, company_id, since=since)
        events = queries.events_of(session, planner.debtor_id)
        card = queries.live_plan_of(session, planner.debtor_id)
        on_invoice = queries.plans_on_invoice(session, planner.debtor_id, planner.counter.invoices["F-1"])
    assert (figures.accepted, figures.defaulted, figures.answered_at_once, figures.under_plan.minor) == (
        1,
        0,
        1,
        60_001,
    )
    assert [event.after for event in events] == [S.ACTIVE, S.OFFERED]
    assert card.id == on_invoice[0].id == plan.id


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

    planner.agree("F-1")

    with reading() as session:
        found = session.scalars(select(Collection).where(Collection.invoice_id.is_not(None))).all()
    assert [(one.state, one.reason) for one in found] == [(CollectionState.SKIPPED, "plan")]


def test_staff_offer_a_plan_by_themselves_look_after_it_and_take_it_back(planner):
    with transaction() as session:
        plan = service.propose_by_staff(
            session,
            debtor_id=planner.debtor_id,
            invoice_ids=[planner.counter.invoices["F-1"]],
            terms=planner.wish(count=10),
            answer="As agreed on the telephone.",
            attempt="desk-1",
            by=STAFF,
        )
    assert (plan.status, plan.total_minor, plan.assignee_id) == (S.OFFERED, 30_000, STAFF.id)
    (mail,) = planner.mails("plan_offered")
    assert "As agreed on the telephone." in mail.text_body
    assert planner.do(service.assign, plan, staff_id=None).assignee_id is None
    planner.do(service.withdraw, plan)
    assert planner.plan(plan).status is S.CANCELLED
    with pytest.raises(Conflict):
        planner.accept(plan)


def test_terms_that_make_no_schedule_cannot_be_offered(planner):
    plan = planner.propose()
    for terms in ({"count": 0}, {"first_on": clock.today() - timedelta(days=1)}, {"by_mandate": True}):
        with pytest.raises(Invalid):
            planner.do(service.offer, plan, terms=planner.wish(**terms))


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


def test_a_plan_in_default_whose_money_is_disputed_meanwhile_is_not_resumed_but_offered_anew(planner):
    plan = planner.agree("F-1")
    planner.do(running.put_in_default, plan)
    with transaction() as session:
        invoice_id = planner.counter.invoices["F-1"]
        freeze(session, invoice_id=invoice_id, kind=FreezeKind.DISPUTE, minor=10_000, reason="", by=STAFF)

    with pytest.raises(Conflict) as refusal:
        planner.do(running.resume, plan, first_on=clock.today())
    assert refusal.value.code == "plan.changed"
    assert planner.plan(plan).status is S.IN_DEFAULT
    assert planner.frozen() == {}
    new = planner.do(service.change, plan, terms=planner.wish(), answer="", attempt="anew")
    assert planner.accept(new).total_minor == 20_000
    assert planner.plan(plan).status is S.CANCELLED
