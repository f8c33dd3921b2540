"""Plans by mandate: every instalment announced in time, debited once, and what becomes of debits that come back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from payments.collections.models import Collection, CollectionDecision, CollectionState
from payments.collections.reconsider import reconsider_all, reconsider_now, suspects
from payments.collections.run import run as run_collections
from payments.models import Payment
from payments.plans import progress, proposals, rules, running
from payments.plans.models import Plan
from payments.plans.queries import InstalmentState
from payments.plans.status import PlanStatus
from payments.refunds import service as refunds
from payments.status import COLLECTED, PaymentStatus
from shared.company.models import Company
from shared.debtors.models import Debtor
from shared.debtors.service import lock_debtor
from shared.invoices.models import FreezeKind, Invoice
from shared.invoices.service import cover
from shared.kit import clock, outbox
from shared.kit.actors import Actor
from shared.kit.calendars import is_target_day, next_target_day
from shared.kit.db import reading, transaction
from shared.kit.ids import new_id
from shared.ledger import service as ledger
from shared.ledger.models import Account, Kind
from tests.payments.plans.conftest import STAFF

S = PlanStatus


@pytest.fixture
def debited(planner):
    """The same debtor, with a mandate on an account that pays."""
    planner.counter.give_mandate()
    planner.counter.deliver()
    return planner


def collections_():
    with reading() as session:
        return list(session.scalars(select(Collection).order_by(Collection.id)))


def decisions():
    with reading() as session:
        return [(row.outcome.value, row.reason) for row in session.scalars(select(CollectionDecision))]


def company_id():
    with reading() as session:
        return session.scalars(select(Company.id)).one()


def test_the_acceptance_announces_every_debit_with_its_notice_and_on_bank_days(debited):
    plan = debited.agree(by_mandate=True, first_on=clock.today() + timedelta(days=2))

    found = collections_()
    assert [one.state for one in found] == [CollectionState.ANNOUNCED] * 3
    assert sum(one.amount_minor for one in found) == 60_001
    assert all(is_target_day(one.charge_on) for one in found)
    assert min(one.charge_on for one in found) >= clock.today() + timedelta(days=14)
    (mail,) = debited.mails("plan_accepted")
    assert "RUM" in mail.text_body
    with reading() as session:
        from payments.queries import next_debits

        coming = next_debits(session, debited.debtor_id)
    assert [debit.numbers for debit in coming] == [(f"{plan.reference} {n}/3",) for n in (1, 2, 3)]
    assert debited.mails("prenotification") == []


def test_a_plan_is_debited_over_months_until_it_is_paid(debited):
    plan = debited.agree(by_mandate=True)

    acts = debited.live(90)

    assert debited.plan(plan).status is S.COMPLETED
    assert debited.settled(plan) == [20_001, 20_000, 20_000]
    assert debited.counter.amounts("F-1", "F-2", "F-3") == [(0, 0)] * 3
    assert len(debited.counter.twins.objects("gocardless", "payments")) == 3
    assert acts == []
    assert debited.mails("instalment_late", "instalment_coming", "prenotification") == []
    assert ("collect", "on_the_day_announced") in decisions()
    assert debited.differences() == []


def test_runs_repeated_on_a_day_make_one_debit_an_instalment(debited):
    debited.agree(by_mandate=True)
    debited.counter.days(15)
    for _ in range(3):
        run_collections(company_id())

    assert len(debited.counter.payments()) == len(debited.counter.twins.objects("gocardless", "payments")) == 1


def test_an_instalment_paid_by_card_before_its_day_is_not_debited_again(debited):
    plan = debited.agree(by_mandate=True)
    with reading() as session:
        parts = progress.parts_for_instalment(session, plan.id)
    attempt = progress.payment_attempt(plan.id, "card-1")
    step = debited.counter.pay_by_card(*parts, attempt=attempt)
    debited.counter.twins.pay(step.url)
    debited.counter.deliver()

    assert next((one.state, one.reason) for one in collections_()) == (CollectionState.SKIPPED, "paid")
    debited.live(30)
    assert debited.counter.twins.objects("gocardless", "payments") == []
    assert debited.settled(plan) == [20_001, 0, 0]


def test_one_return_is_tried_again_reminded_and_then_the_plan_goes_on(planner):
    counter = planner.counter
    counter.give_mandate("insufficient_funds")
    plan = planner.agree(by_mandate=True, count=2)

    acts = planner.live(23)

    first = counter.payments()[0]
    assert (first.status, first.failure_code) == (PaymentStatus.FAILED, "AM04")
    assert acts.count("late") == 1
    (mail,) = planner.mails("instalment_late")
    assert "20" in mail.text_body
    assert len(planner.mails("prenotification")) == 1
    retry = [one for one in collections_() if one.attempt_no == 2]
    assert len(retry) == 1
    assert planner.plan(plan).status is S.ACTIVE
    assert planner.view(plan).instalments[0].state is InstalmentState.LATE
    assert planner.differences() == []

    with reading() as session:
        parts = progress.parts_for_instalment(session, plan.id)
    step = counter.pay_by_card(*parts, attempt=progress.payment_attempt(plan.id, "card-1"))
    counter.twins.pay(step.url)
    counter.deliver()
    assert planner.settled(plan)[0] == 30_001
    assert planner.live(5) == []
    assert planner.view(plan).instalments[0].grace_until is None


def test_a_closed_account_leads_to_the_default_and_staff_take_the_plan_up_again(planner):
    counter = planner.counter
    counter.give_mandate("account_closed")
    plan = planner.agree(by_mandate=True)

    acts = planner.live(45)

    assert acts.count("late") == 1
    assert acts.count("defaulted") == 1
    assert planner.plan(plan).status is S.IN_DEFAULT
    assert planner.frozen() == {}
    assert {one.state for one in collections_()} <= {CollectionState.CREATED, CollectionState.SKIPPED}
    assert len(planner.mails("plan_defaulted")) == 1
    with reading() as session:
        assert sum(invoice.collectable_minor for invoice in session.scalars(select(Invoice))) == 60_001
        assert proposals.facts_of(session, session.get_one(Debtor, planner.debtor_id)).broken_plans == 1
    assert planner.live(3) == []
    assert planner.differences() == []

    counter.give_mandate()
    counter.deliver()
    planner.do(running.resume, plan, first_on=clock.today() + timedelta(days=20))
    assert planner.plan(plan).status is S.ACTIVE
    assert sum(planner.frozen().values()) == 60_001
    planner.live(100)
    assert planner.plan(plan).status is S.COMPLETED
    assert planner.differences() == []


def test_a_debit_that_comes_back_months_later_opens_the_instalment_and_freezes_it_again(debited):
    plan = debited.agree(by_mandate=True, count=2)
    debited.live(60)
    assert debited.plan(plan).status is S.COMPLETED
    (first, _second) = debited.counter.twins.objects("gocardless", "payments")

    debited.counter.twins.fault("chargeback", object=first["id"])
    debited.counter.deliver()

    assert debited.plan(plan).status is S.ACTIVE
    assert debited.settled(plan) == [30_000, 0]
    assert sum(debited.frozen().values()) == 30_001
    assert debited.follow() == []  # nobody misses what a bank contests
    assert debited.differences() == []


def test_without_a_mandate_any_more_instalments_are_asked_for_by_mail_and_announced_when_one_is_back(debited):
    from payments.mandates.service import advance as advance_mandate
    from payments.models import Mandate
    from payments.status import MandateStatus

    plan = debited.agree(by_mandate=True)
    with transaction() as session:
        mandate = session.scalars(select(Mandate)).one()
        advance_mandate(session, mandate.id, MandateStatus.BLOCKED, by=Actor.provider("gocardless"), cause="")
    debited.counter.deliver()
    assert {one.reason for one in collections_()} == {"no_mandate"}

    assert debited.live(19).count("coming") == 1
    debited.counter.give_mandate()
    debited.counter.deliver()
    run_collections(company_id())
    assert [one.attempt_no for one in collections_() if one.state is CollectionState.ANNOUNCED] == [2]
    assert debited.plan(plan).status is S.ACTIVE


def test_a_paused_plan_is_not_debited(debited):
    plan = debited.agree(by_mandate=True)
    debited.do(running.pause, plan, reason="")

    debited.live(30)

    assert debited.counter.payments() == []
    assert {one.reason for one in collections_()} == {"plan_paused"}


def test_switching_autopay_off_leaves_the_plan_alone(debited):
    from payments.collections.service import withdraw

    debited.agree(by_mandate=True)
    with transaction() as session:
        withdraw(session, debited.debtor_id, reason="autopay_off")
    assert {one.state for one in collections_()} == {CollectionState.ANNOUNCED}


def test_a_debit_that_is_written_when_its_plan_is_paused_is_cancelled_at_the_provider(debited):
    plan = debited.agree(by_mandate=True)
    debited.live(15)
    (payment,) = debited.counter.payments()
    assert payment.status is PaymentStatus.SUBMITTED

    debited.do(running.pause, plan, reason="")
    debited.counter.deliver()

    assert debited.counter.payment(payment.id).status is PaymentStatus.CANCELLED
    assert [one.kind for one in debited.mails("debit_stopped")] == ["debit_stopped"]


@pytest.mark.parametrize("is_at_bank", [True, False])
@pytest.mark.parametrize(
    ("verb", "kind"),
    [(running.pause, "plan_paused"), (running.cancel, "plan_cancelled"), (running.put_in_default, "plan_defaulted")],
)
def test_a_plan_that_stops_says_when_a_debit_may_still_be_made(debited, is_at_bank, verb, kind):
    plan = debited.agree(by_mandate=True, first_on=clock.today() + timedelta(days=15))
    debited.live(10 if is_at_bank else 1)

    debited.do(verb, plan, **({} if verb is running.put_in_default else {"reason": ""}))

    (mail,) = debited.mails(kind)
    assert ("déjà transmis à votre banque" in " ".join(mail.text_body.split())) is is_at_bank


def test_a_dry_run_of_collections_names_the_instalments(debited):
    plan = debited.agree(by_mandate=True)
    debited.counter.days(15)
    report = run_collections(company_id(), dry=True)

    assert [(line.invoice, line.outcome) for line in report.lines] == [(f"{plan.reference} 1/3", "collect")]
    assert debited.counter.payments() == []


def test_no_debit_is_planned_for_a_day_that_is_no_bank_day():
    for offset in range(400):
        day = rules.date(2026, 1, 1) + timedelta(days=offset)
        days = rules.schedule(60_000, rules.Terms(day, count=3))
        charged = rules.charge_days(days, accepted_on=day - timedelta(days=1), notice_days=14)
        assert all(is_target_day(each) for each in charged.values())
        assert all(charged[due.position] >= due.on for due in days)


def refund(planner, payment, *, is_owed=True):
    with transaction() as session:
        session.scalars(select(Company)).one().four_eyes_minor = 50_000
        refunds.ask(
            session, payment_id=payment.id, minor=payment.amount_minor, reason="goodwill", by=STAFF, is_owed=is_owed
        )
    planner.counter.deliver()


def debited_in_order(planner):
    """What banks gave, in minor units; what was refunded of it is in it."""
    return [one.amount_minor for one in planner.counter.payments() if one.status in COLLECTED]


def with_its_first_debit_refunded(planner, *, is_owed=True, rhythm=rules.Rhythm.WEEKLY, count=3):
    """The first instalment was debited and given back; who is late has four months."""
    plan = planner.agree(by_mandate=True, rhythm=rhythm, count=count)
    with transaction() as session:
        session.get_one(Plan, plan.id).grace_days = 120
    planner.live(24)
    (payment,) = [one for one in planner.counter.payments() if one.status in COLLECTED]
    refund(planner, payment, is_owed=is_owed)
    return plan


def test_what_was_refunded_and_stays_owed_is_not_debited_again_within_its_plan(debited):
    plan = with_its_first_debit_refunded(debited)
    with reading() as session:
        assert suspects(session, limit=2) == [debited.debtor_id]

    debited.live(24)

    assert debited_in_order(debited) == [20_001, 20_000, 20_000]
    assert sum(debited.settled(plan)) == 40_000
    assert ("skip", "refunded") in decisions()
    assert debited.plan(plan).status is S.ACTIVE
    assert debited.differences() == []


def test_what_the_debtor_pays_again_himself_leaves_the_other_debits_of_the_plan(debited):
    plan = with_its_first_debit_refunded(debited, rhythm=rules.Rhythm.MONTHLY, count=2)
    _parts, step = debited.pay(plan)
    debited.counter.twins.pay(step.url)
    debited.counter.deliver()

    debited.live(35)

    assert debited_in_order(debited) == [30_001, 30_001, 30_000]
    assert debited.plan(plan).status is S.COMPLETED
    assert debited.differences() == []


def test_staff_who_let_the_plan_go_on_ask_for_the_refunded_money_again(debited):
    plan = with_its_first_debit_refunded(debited)
    debited.do(running.pause, plan, reason="Spoke with Dora")
    debited.counter.deliver()
    debited.do(running.resume, plan, first_on=clock.today() + timedelta(days=15))
    debited.counter.deliver()

    debited.live(45)

    assert sum(debited_in_order(debited)) == 20_001 + 60_001
    assert debited.plan(plan).status is S.COMPLETED
    assert debited.differences() == []


def test_what_was_refunded_as_not_owed_shortens_the_plan_at_its_end(debited):
    plan = with_its_first_debit_refunded(debited, is_owed=False)

    debited.live(24)

    assert sum(debited_in_order(debited)) == 60_001
    assert debited.plan(plan).status is S.COMPLETED
    assert debited.differences() == []


def lower(planner, plan, minor, number="F-2"):
    """So much less is owed of an invoice, as an import or a credit note says; the plan follows."""
    with transaction() as session:
        debtor = lock_debtor(session, planner.debtor_id)
        when = ledger.Occasion(at=clock.now(), value_on=clock.today())
        ledger.write_off(session, debtor, planner.counter.part(number, minor), when)
        progress.refresh(session, plan.id)
    planner.counter.deliver()


def test_a_cent_that_is_left_of_the_last_instalment_goes_with_the_one_before_it(debited):
    plan = debited.agree(by_mandate=True, rhythm=rules.Rhythm.WEEKLY)
    first, second, third = collections_()

    lower(debited, plan, 19_999)

    found = {one.id: (one.state, one.reason, one.amount_minor) for one in collections_()}
    assert found.pop(first.id) == (CollectionState.ANNOUNCED, "", 20_001)
    assert found.pop(second.id) == found.pop(third.id) == (CollectionState.SKIPPED, "joined", 20_000)
    assert list(found.values()) == [(CollectionState.ANNOUNCED, "", 20_001)]
    (mail,) = debited.mails("prenotification")
    assert "200,01" in mail.text_body or "200.01" in mail.text_body
    debited.live(36)
    assert debited_in_order(debited) == [20_001, 20_001]
    assert debited.plan(plan).status is S.COMPLETED
    assert debited.differences() == []


def test_a_cent_that_is_left_of_the_first_instalment_goes_with_the_next(debited):
    plan = debited.agree(by_mandate=True, rhythm=rules.Rhythm.WEEKLY, count=2)
    attempt = progress.payment_attempt(plan.id, "card-1")
    step = debited.counter.pay_by_card(debited.counter.part("F-1", 30_000), attempt=attempt)
    debited.counter.twins.pay(step.url)
    debited.counter.deliver()

    debited.live(29)

    assert debited_in_order(debited) == [30_000, 30_001]
    assert debited.plan(plan).status is S.COMPLETED
    assert debited.differences() == []


def test_a_cent_that_no_debit_can_take_any_more_is_neither_debited_nor_a_default(debited):
    plan = debited.agree(by_mandate=True, rhythm=rules.Rhythm.WEEKLY, count=2)
    debited.live(19)
    lower(debited, plan, 19_998, "F-2")
    lower(debited, plan, 10_001, "F-3")

    acts = debited.live(26)

    assert debited_in_order(debited) == [30_001]
    assert ("skip", "too_small") in decisions()
    assert not {"late", "defaulted"} & set(acts)
    assert debited.plan(plan).status is S.ACTIVE
    assert debited.differences() == []


def test_the_days_of_debit_are_those_proposed_unless_their_notice_could_not_be_given(debited):
    answered = debited.propose(by_mandate=True, first_on=clock.today() + timedelta(days=2))

    with reading() as session:
        plan = session.get_one(Plan, answered.id)
        assert plan.reasons == ["first_within_notice"]
        terms = rules.terms_from_json(plan.terms)
    assert terms.first_on == clock.today() + timedelta(days=14)
    debited.accept(answered)
    view = debited.view(answered)
    assert [one.charge_on for one in view.instalments] == [next_target_day(one.due_on) for one in view.instalments]


def books_settle(debited, number, minor):
    """What an import writes: what is free is settled at once, what a payment holds waits for it."""
    with transaction() as session:
        debtor = lock_debtor(session, debited.debtor_id)
        invoice = ledger.lock_invoices(session, [debited.counter.invoices[number]])[debited.counter.invoices[number]]
        free = min(minor, invoice.open_minor - invoice.held_minor)
        if free:
            occasion = ledger.Occasion(at=clock.now(), value_on=clock.today())
            ledger.move_elsewhere(session, debtor, invoice, free, occasion)
        invoice.elsewhere_minor = minor - free
        outbox.publish(session, "invoice.lowered", {"invoice": str(invoice.id), "debtor": str(debtor.id)})
    debited.counter.deliver()


def test_an_instalment_that_the_books_show_paid_is_not_debited_though_its_debit_is_written(debited):
    plan = debited.agree("F-1", by_mandate=True)
    debited.live(15)
    (payment,) = debited.counter.payments()
    assert payment.status is PaymentStatus.SUBMITTED

    books_settle(debited, "F-1", 10_000)

    assert debited.counter.payment(payment.id).status is PaymentStatus.CANCELLED
    assert debited.settled(plan) == [10_000, 0, 0]
    assert debited.differences() == []


def test_the_last_instalment_that_the_books_show_paid_under_its_debit_is_not_paid_twice(debited):
    plan = debited.agree("F-3", by_mandate=True, count=2)
    while len(debited.counter.payments()) < 2:
        debited.live(1)
    payment = max(debited.counter.payments(), key=lambda each: each.id)
    assert payment.status is PaymentStatus.SUBMITTED

    books_settle(debited, "F-3", payment.amount_minor)

    assert debited.counter.payment(payment.id).status is PaymentStatus.CANCELLED
    debited.live(14)
    assert debited.plan(plan).status is S.COMPLETED
    assert debited.counter.amounts("F-3") == [(0, 0)]
    with reading() as session:
        assert session.get_one(Debtor, debited.debtor_id).credit_minor == 0
    assert debited.differences() == []


def test_an_instalment_paid_elsewhere_of_which_nobody_heard_is_found_by_the_next_look(debited):
    debited.agree("F-3", by_mandate=True, count=2)
    debited.live(15)
    with reading() as session:
        assert suspects(session, limit=10) == []
    with transaction() as session:
        session.get_one(Invoice, debited.counter.invoices["F-3"]).elsewhere_minor = 1

    with reading() as session:
        assert suspects(session, limit=10) == [debited.debtor_id]


def test_a_held_part_of_one_invoice_leaves_the_others_of_its_plan_to_be_debited(debited):
    plan = debited.agree("F-1", "F-2", by_mandate=True)
    first = debited.counter.invoices["F-1"]
    with transaction() as session:
        invoice = ledger.lock_invoices(session, [first])[first]
        held = invoice.open_minor - 100
        for kind, subject, minor in ((FreezeKind.PLAN, plan.id, 100), (FreezeKind.LEGAL_HOLD, new_id(), held)):
            minors = {first: minor}
            cover(
                session,
                debtor_id=debited.debtor_id,
                kind=kind,
                subject_id=subject,
                minors=minors,
                reason="x",
                by=STAFF,
            )
        parts = progress.parts_for(session, plan.id, 10_000)

    assert [(part.invoice_id == first, part.minor) for part in parts] == [(True, 100), (False, 9_900)]


def switch_company_debits(*, on):
    with transaction() as session:
        session.scalars(select(Company)).one().takes_debits = on
    reconsider_all({})


def with_its_first_debit_stopped(planner):
    """The first debit is written; we cancel it on the eve of its day."""
    plan = planner.agree(by_mandate=True)
    while not planner.counter.payments():
        planner.live(1)
    switch_company_debits(on=False)
    planner.counter.deliver()
    (payment,) = planner.counter.payments()
    assert payment.status is PaymentStatus.CANCELLED
    return plan


def test_a_debit_that_we_stopped_and_announce_anew_is_no_missed_instalment(debited):
    plan = with_its_first_debit_stopped(debited)
    switch_company_debits(on=True)

    acts = debited.live(34)

    assert "late" not in acts
    assert "defaulted" not in acts
    assert debited.mails("instalment_late") == []
    assert debited.settled(plan)[0] == 20_001
    assert debited.differences() == []


def test_who_is_to_pay_himself_what_we_do_not_debit_after_all_has_fair_days_for_it(debited):
    plan = with_its_first_debit_stopped(debited)
    stopped, due = clock.today(), debited.view(plan).instalments[0].due_on
    fair = max(due, stopped + timedelta(days=running.FAIR_DAYS))
    while clock.today() < fair:
        assert "late" not in debited.live(1)
    assert debited.live(1) == ["late"]


def test_what_is_on_hold_of_a_plan_is_not_missed(planner):
    plan = planner.agree("F-1", count=2)
    first = planner.counter.invoices["F-1"]
    with transaction() as session:
        minor = ledger.lock_invoices(session, [first])[first].open_minor
        about = {"debtor_id": planner.debtor_id, "reason": "x", "by": STAFF}
        cover(session, kind=FreezeKind.PLAN, subject_id=plan.id, minors={first: 1}, **about)
        cover(session, kind=FreezeKind.LEGAL_HOLD, subject_id=new_id(), minors={first: minor}, **about)
    acts = planner.live(40)
    assert "late" not in acts
    assert planner.plan(plan).status is S.ACTIVE


def test_what_we_refunded_of_an_instalment_is_not_missed_the_next_morning(debited):
    plan = debited.agree(by_mandate=True)
    debited.live(30)
    (payment,) = [one for one in debited.counter.payments() if one.status in COLLECTED]
    refund(debited, payment)
    assert "late" not in debited.live(12)
    assert debited.mails("instalment_late") == []
    assert debited.plan(plan).status is S.ACTIVE


@pytest.mark.parametrize(("code", "returned"), [("AM04", 1), ("RR01", 0), ("AM05", 0)])
def test_a_debit_that_failed_for_no_reason_of_the_payer_lowers_no_score(debited, code, returned):
    debited.agree(by_mandate=True)
    while not debited.counter.payments():
        debited.live(1)
    (payment,) = debited.counter.payments()
    with transaction() as session:
        row = session.get_one(Payment, payment.id)
        row.status, row.failure_code = PaymentStatus.FAILED, code
    with reading() as session:
        facts = proposals.facts_of(session, session.get_one(Debtor, debited.debtor_id))
    assert facts.returned_debits == returned


def in_flight(debited):
    """A weekly plan by mandate of which the first two debits are with the provider, which may still cancel both."""
    while len(debited.counter.payments()) < 2:
        debited.live(1)
    first, second = sorted(debited.counter.payments(), key=lambda each: each.id)
    assert (first.status, second.status) == (PaymentStatus.SUBMITTED, PaymentStatus.SUBMITTED)
    return first, second


def looked_at(debited):
    stopped = reconsider_now(debited.debtor_id)
    debited.counter.deliver()
    return stopped


def test_a_debit_holds_while_the_next_one_of_its_plan_is_with_the_provider_too(debited):
    debited.agree(by_mandate=True, rhythm=rules.Rhythm.WEEKLY)
    in_flight(debited)

    stopped = looked_at(debited)

    assert (stopped.count, stopped.left) == (0, ())
    assert [one.reason for one in collections_()] == ["", "", ""]
    assert debited.mails("debit_stopped", "debit_left") == []
    debited.live(22)
    assert debited_in_order(debited) == [20_001, 20_000, 20_000]
    assert debited.differences() == []


def give_credit(debited, minor):
    with transaction() as session:
        debtor = lock_debtor(session, debited.debtor_id)
        when = ledger.Occasion(at=clock.now(), value_on=clock.today())
        ledger.settle_directly(
            session, debtor, account=Account.BANK, minor=minor, parts=(), occasion=when, kind=Kind.RECEIPT
        )


def test_credit_shortens_the_later_of_two_debits_on_their_way_and_leaves_the_earlier_one(debited):
    debited.agree(by_mandate=True, rhythm=rules.Rhythm.WEEKLY, count=2)
    first, second = in_flight(debited)
    give_credit(debited, 5_000)

    stopped = looked_at(debited)

    assert (stopped.count, stopped.left) == (1, ())
    assert debited.counter.payment(first.id).status is PaymentStatus.SUBMITTED
    assert debited.counter.payment(second.id).status is PaymentStatus.CANCELLED
    assert [one.reason for one in collections_()[:2]] == ["", "less"]
    assert debited.differences() == []


def test_a_page_for_the_rest_of_a_plan_stops_no_debit_of_it_that_credit_does_not_cover(debited):
    plan = debited.agree(by_mandate=True, count=2)
    give_credit(debited, 10_000)
    debited.live(15)
    (payment,) = debited.counter.payments()
    _parts, _step = debited.pay(plan, everything=True)

    looked_at(debited)

    assert debited.counter.payment(payment.id).status is PaymentStatus.SUBMITTED
    assert debited.mails("debit_stopped") == []
    assert collections_()[0].reason == ""


def test_a_debit_that_came_back_is_tried_again_though_the_next_one_of_its_plan_is_under_way(planner):
    counter = planner.counter
    counter.give_mandate("insufficient_funds")
    counter.deliver()
    planner.agree(by_mandate=True, rhythm=rules.Rhythm.WEEKLY)
    first, second = in_flight(planner)

    while counter.payment(first.id).status is not PaymentStatus.FAILED:
        planner.live(1)

    assert counter.payment(second.id).status is PaymentStatus.SUBMITTED
    again = [(one.attempt_no, one.state) for one in collections_() if one.label.endswith("1/3")]
    assert again == [(1, CollectionState.CREATED), (2, CollectionState.ANNOUNCED)]


def test_a_debit_of_a_plan_whose_money_is_on_hold_says_so_and_is_not_announced_again_and_again(debited):
    """Money of a plan went back while a hold covers the same invoice: all that the plan asks for is on hold."""
    plan = debited.agree("F-3", by_mandate=True, count=2)
    with transaction() as session:
        third, about = debited.counter.invoices["F-3"], {"debtor_id": debited.debtor_id, "reason": "x", "by": STAFF}
        cover(session, kind=FreezeKind.PLAN, subject_id=plan.id, minors={third: 0}, **about)
        cover(session, kind=FreezeKind.LEGAL_HOLD, subject_id=new_id(), minors={third: 10_001}, **about)

    debited.live(16)

    assert debited.counter.payments() == []
    assert collections_()[0].reason == "frozen"
    assert ("skip", "payment_under_way") not in decisions()
    assert debited.mails("prenotification") == []
    assert "autre paiement" not in " ".join(mail.text_body for mail in debited.mails("debit_stopped"))


def test_a_hold_over_money_of_a_plan_takes_its_announced_debits_back_at_once(debited):
    """Only the look of every ten minutes found it: what a freeze told was looked at for invoices alone."""
    plan = debited.agree("F-3", by_mandate=True, count=2)
    assert {one.state for one in collections_()} == {CollectionState.ANNOUNCED}
    with transaction() as session:
        third, about = debited.counter.invoices["F-3"], {"debtor_id": debited.debtor_id, "reason": "x", "by": STAFF}
        cover(session, kind=FreezeKind.PLAN, subject_id=plan.id, minors={third: 0}, **about)
        cover(session, kind=FreezeKind.LEGAL_HOLD, subject_id=new_id(), minors={third: 10_001}, **about)

    debited.counter.deliver()

    assert {(one.state, one.reason) for one in collections_()} == {(CollectionState.SKIPPED, "frozen")}
