"""Money that a bank contests: frozen from the commit in which it is learned, until its case is closed."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import case, func, select, text

import wsgi
from payments import service as payments
from payments.chargebacks import jobs, service
from payments.chargebacks.models import Chargeback, ChargebackTransition
from payments.chargebacks.rules import ChargebackKind, ChargebackState
from payments.collections.models import Collection
from payments.collections.run import run
from payments.collections.standing import standing_of
from payments.follow import follow
from payments.models import Mandate, Means, PaymentTransition, Provider
from payments.reconcile.sweep import sweep
from payments.reconcile.verify import verify
from payments.status import MandateStatus, PaymentStatus
from shared.company.models import Company
from shared.debtors.models import Debtor
from shared.debtors.service import lock_debtor
from shared.giving import service as giving
from shared.giving.models import Gift, GiftKind, GiftState
from shared.giving.service import Wish
from shared.invoices.models import Freeze, FreezeKind, Invoice
from shared.kit import clock, seals
from shared.kit.actors import Actor
from shared.kit.db import reading, transaction
from shared.kit.errors import Conflict, Invalid
from shared.kit.ids import new_id
from shared.kit.outbox.models import OutboxMessage
from shared.kit.outbox.relay import perform_due
from shared.ledger.models import Account, Kind, Transfer
from shared.ledger.rules import Part
from shared.messages.models import Message
from tests.support.people import a_witness, an_invoice
from tests.support.spoil import spoiling

C = ChargebackState
SAM = Actor.staff(new_id(), "Sam")
SUE = Actor.staff(new_id(), "Sue")


@pytest.fixture
def dora(counter):
    """Dora pays by direct debit on the due date; F-1 (120.00) is due in 20 days."""
    wsgi.import_jobs()
    counter.open_account(amounts=())
    counter.mandate_id = counter.give_mandate()
    with transaction() as session:
        debtor = session.get_one(Debtor, counter.debtor_id)
        debtor.autopay = True
        counter.invoices["F-1"] = an_invoice(session, debtor, "F-1", 12_000, due_in=20).id
    counter.deliver()
    return counter


def pay_card(counter, minor=12_000, number="F-1"):
    step = counter.pay_by_card(Part(counter.invoices[number], minor))
    counter.twins.pay(step.url)
    counter.deliver()
    assert counter.payment(step.payment_id).status is PaymentStatus.CONFIRMED
    return counter.payment(step.payment_id)


def contest(counter, payment, kind="chargeback", **more):
    counter.twins.advance(seconds=2)
    counter.twins.fault(kind, object=payment.provider_reference, **more)
    counter.deliver()


def befall_dispute(counter, kind):
    with reading() as session:
        reference = session.scalars(select(Chargeback.provider_reference)).one()
    counter.twins.advance(seconds=2)
    counter.twins.fault(kind, object=reference)
    counter.deliver()


def case_of(counter):
    with reading() as session:
        return session.scalars(
            select(Chargeback).where(Chargeback.debtor_id == counter.debtor_id).order_by(Chargeback.id.desc())
        ).first()


def invoice(counter, number="F-1"):
    with reading() as session:
        return session.get_one(Invoice, counter.invoices[number])


def told(counter):
    with reading() as session:
        return list(
            session.scalars(select(Message.kind).where(Message.debtor_id == counter.debtor_id).order_by(Message.id))
        )


def run_days(counter, days):
    with reading() as session:
        company_id = session.scalars(select(Company.id)).one()
    for _ in range(days):
        run(company_id)
        perform_due()
        counter.days(1)


def debits(counter):
    return [one for one in counter.twins.objects("gocardless", "payments") if one["status"] != "cancelled"]


def assert_clean():
    assert verify(with_providers=True).differences == []


def test_contested_money_is_frozen_in_the_commit_in_which_it_is_learned(dora):
    payment = pay_card(dora)
    contest(dora, payment)

    case = case_of(dora)
    assert (case.kind, case.state, case.code, case.amount_minor) == (ChargebackKind.CARD, C.OPEN, "fraudulent", 12_000)
    assert case.provider_reference.startswith("du_")
    assert case.answer_by is not None
    assert timedelta(days=7) < case.answer_by - clock.now() < timedelta(days=10)
    found = invoice(dora)
    assert (found.open_minor, found.paused_minor, found.collectable_minor) == (12_000, 12_000, 0)
    assert_clean()


def test_what_a_bank_contests_is_never_debited_and_counts_again_when_it_is_won(dora):
    payment = pay_card(dora)
    contest(dora, payment)
    run_days(dora, 4)
    befall_dispute(dora, "dispute_answered")
    assert case_of(dora).state is C.ANSWERED
    run_days(dora, 4)
    befall_dispute(dora, "dispute_won")
    run_days(dora, 25)

    assert debits(dora) == []
    with reading() as session:
        assert session.scalars(select(Collection)).all() == []
        debtor = session.get_one(Debtor, dora.debtor_id)
        assert (debtor.open_minor, debtor.credit_minor) == (0, 0)
        assert session.scalars(select(Freeze).where(Freeze.lifted_at.is_(None))).all() == []
    assert dora.payment(payment.id).status in (PaymentStatus.CONFIRMED, PaymentStatus.SETTLED)
    assert case_of(dora).state is C.WON
    assert told(dora).count("payment_returned") == 1
    assert told(dora).count("chargeback_won") == 1
    assert_clean()


def test_a_lost_case_stays_frozen_until_a_person_decides_and_then_it_is_asked_for(dora):
    payment = pay_card(dora)
    contest(dora, payment)
    befall_dispute(dora, "dispute_lost")
    case = case_of(dora)
    assert case.state is C.TO_DECIDE
    assert invoice(dora).collectable_minor == 0

    with pytest.raises(Invalid), transaction() as session:
        service.owe(session, chargeback_id=case.id, text=" ", by=SAM)
    for _ in range(2):
        with transaction() as session:
            service.owe(session, chargeback_id=case.id, text="The goods were delivered.", by=SAM)
    dora.deliver()

    assert invoice(dora).collectable_minor == 12_000
    assert told(dora).count("chargeback_owed") == 1
    assert_clean()


def test_giving_up_above_the_limit_needs_a_second_person_and_writes_off_what_is_open(dora):
    payment = pay_card(dora)
    contest(dora, payment)
    befall_dispute(dora, "dispute_lost")
    case = case_of(dora)
    with transaction() as session:
        session.scalars(select(Company)).one().four_eyes_minor = 10_000

    for _ in range(2):
        with transaction() as session:
            assert not service.give_up(session, chargeback_id=case.id, text="Agreed by phone.", by=a_witness(SAM))
    with transaction() as session:
        assert service.give_up(session, chargeback_id=case.id, text="Agreed by phone.", by=a_witness(SUE))
    dora.deliver()

    found = invoice(dora)
    assert (found.open_minor, found.paused_minor) == (0, 0)
    assert told(dora).count("chargeback_given_up") == 1
    with reading() as session:
        assert len(session.scalars(select(ChargebackTransition)).all()) == 4
    assert_clean()


def test_what_was_given_to_the_debtor_before_counts_when_a_case_is_given_up(dora):
    payment = pay_card(dora)
    contest(dora, payment)
    befall_dispute(dora, "dispute_lost")
    case = case_of(dora)
    with transaction() as session:
        session.scalars(select(Company)).one().four_eyes_minor = 15_000
        debtor = session.get_one(Debtor, dora.debtor_id)
        giving.note(session, debtor, Wish(GiftKind.CREDIT, new_id(), 9_000), state=GiftState.ALONE, by=SAM)

    with transaction() as session:
        assert not service.give_up(session, chargeback_id=case.id, text="Agreed by phone.", by=a_witness(SAM))
    with transaction() as session:
        assert service.give_up(session, chargeback_id=case.id, text="Agreed by phone.", by=a_witness(SUE))

    with reading() as session:
        gift = session.scalars(select(Gift).where(Gift.subject_id == case.id)).one()
        assert (gift.kind, gift.minor, gift.state) == (GiftKind.CHARGEBACK, 12_000, GiftState.SEEN)


def test_nobody_decides_while_the_bank_has_not(dora):
    contest(dora, pay_card(dora))
    with pytest.raises(Conflict), transaction() as session:
        service.owe(session, chargeback_id=case_of(dora).id, text="Pay.", by=SAM)


@pytest.mark.parametrize("code", ["MD06", "MD01"])
def test_a_debit_given_back_by_the_bank_is_a_case_at_once(dora, code):
    payment = dora.pay_by_debit(dora.mandate_id, dora.part("F-1", 12_000))
    dora.days(8, bank=True)
    contest(dora, dora.payment(payment.id), reason=code)

    case = case_of(dora)
    assert (case.kind, case.state, case.code) == (ChargebackKind.DEBIT, C.TO_DECIDE, code)
    assert invoice(dora).collectable_minor == 0
    blocked = dora.mandate(dora.mandate_id).status is MandateStatus.BLOCKED
    assert blocked is (code == "MD01")
    contest(dora, dora.payment(payment.id), kind="chargeback_cancelled")
    assert case_of(dora).state is C.WON
    assert dora.amounts("F-1") == [(0, 0)]
    assert_clean()


def test_a_refused_debit_is_a_case_and_is_not_presented_again(dora):
    payment = dora.pay_by_debit(dora.mandate_id, dora.part("F-1", 12_000))
    dora.days(1, bank=True)
    contest(dora, dora.payment(payment.id), kind="failure", reason="MS02")

    case = case_of(dora)
    assert (case.kind, case.state) == (ChargebackKind.REFUSAL, C.TO_DECIDE)
    found = invoice(dora)
    assert (found.open_minor, found.held_minor, found.paused_minor, found.collectable_minor) == (12_000, 0, 12_000, 0)
    assert_clean()


def test_what_was_paid_otherwise_needs_no_decision(dora):
    contest(dora, pay_card(dora))
    befall_dispute(dora, "dispute_lost")
    pay_card(dora)
    dora.deliver()

    assert case_of(dora).state is C.SETTLED
    with reading() as session:
        live = select(Freeze).where(Freeze.kind == FreezeKind.CHARGEBACK, Freeze.lifted_at.is_(None))
        assert session.scalars(live).all() == []
    assert_clean()


def test_staff_are_warned_once_of_a_deadline(dora):
    contest(dora, pay_card(dora))
    with transaction() as session:
        assert not service.warn(session, chargeback_id=case_of(dora).id)
    dora.twins.advance(8)
    for expected in (True, False):
        with transaction() as session:
            assert service.warn(session, chargeback_id=case_of(dora).id) is expected


def test_the_watch_is_safe_to_run_twice(dora):
    contest(dora, pay_card(dora))
    jobs.watch({})
    jobs.watch({})


def test_a_death_stops_everything_and_nothing_is_written_to_the_dead(dora):
    payment = dora.pay_by_debit(dora.mandate_id, dora.part("F-1", 12_000))
    dora.days(1, bank=True)
    before = len(told(dora))
    contest(dora, dora.payment(payment.id), kind="failure", reason="MD07")
    dora.deliver()

    assert dora.mandate(dora.mandate_id).status is MandateStatus.BLOCKED
    assert told(dora)[before:] == []
    with reading() as session:
        debtor = session.get_one(Debtor, dora.debtor_id)
        assert not debtor.autopay
        assert debtor.reminders_paused_until is not None
        topics = set(session.scalars(select(OutboxMessage.topic)))
    assert "payment.holder_deceased" in topics
    run_days(dora, 3)
    assert len(debits(dora)) == 1
    assert_clean()


@pytest.mark.parametrize(
    ("code", "topic", "is_blocked"),
    [
        ("AM05", "payment.debited_twice", False),
        ("SL01", "payment.blocked_at_bank", False),
        ("AC06", "payment.needs_details", True),
        ("FF01", "payment.not_processed", False),
    ],
)
def test_each_reason_does_what_the_table_says_and_tells_who_must_act(dora, code, topic, is_blocked):
    payment = dora.pay_by_debit(dora.mandate_id, dora.part("F-1", 12_000))
    dora.days(1, bank=True)
    contest(dora, dora.payment(payment.id), kind="failure", reason=code)

    assert (dora.mandate(dora.mandate_id).status is MandateStatus.BLOCKED) is is_blocked
    with reading() as session:
        assert topic in set(session.scalars(select(OutboxMessage.topic)))
    assert told(dora).count("payment_failed") == 1
    assert case_of(dora) is None


def test_a_mandate_that_the_bank_ends_tells_which_debit_falls_away_and_staff_hear_of_it(dora):
    dora.pay_by_debit(dora.mandate_id, dora.part("F-1", 12_000))
    reference = dora.mandate(dora.mandate_id).provider_reference
    dora.twins.advance(seconds=2)
    dora.twins.fault("mandate_cancelled_by_bank", object=reference)
    dora.deliver()

    assert dora.amounts("F-1") == [(12_000, 0)]
    assert told(dora).count("mandate_ended") == 1
    assert told(dora).count("payment_failed") == 1
    with reading() as session:
        assert "mandate.lost" in set(session.scalars(select(OutboxMessage.topic)))


def test_an_automatic_debit_that_falls_away_with_its_mandate_is_named(dora):
    run_days(dora, 14)
    assert [one["status"] for one in dora.twins.objects("gocardless", "payments")] == ["pending_submission"]
    dora.twins.advance(seconds=2)
    dora.twins.fault("mandate_cancelled_by_bank", object=dora.mandate(dora.mandate_id).provider_reference)
    dora.deliver()

    assert dora.amounts("F-1") == [(12_000, 0)]
    with reading() as session:
        said = session.scalars(select(Message.text_body).where(Message.kind == "debit_stopped")).all()
    assert len(said) == 1
    assert "F-1" in said[0]


def test_a_mandate_of_somebody_who_died_ends_without_a_word_to_his_address(dora):
    dora.give_mandate("deceased")
    dora.deliver()
    newest = dora.payments()
    assert newest == []
    payment = dora.pay_by_debit(_newest_mandate(dora), dora.part("F-1", 12_000))
    before = told(dora)
    dora.days(9, bank=True)

    assert dora.payment(payment.id).failure_code == "MD07"
    assert told(dora)[len(before) :] == []


def _newest_mandate(counter):
    with reading() as session:
        query = select(Mandate.id).where(Mandate.debtor_id == counter.debtor_id).order_by(Mandate.id.desc())
        return session.scalars(query.limit(1)).one()


def test_a_banks_question_moves_nothing_and_is_told_to_staff_once(dora):
    payment = pay_card(dora)
    contest(dora, payment, kind="inquiry")
    follow(payment.id)
    dora.deliver()

    assert case_of(dora) is None
    assert dora.amounts("F-1") == [(0, 0)]
    with reading() as session:
        topics = list(session.scalars(select(OutboxMessage.topic).where(OutboxMessage.topic == "payment.asked_about")))
    assert len(topics) == 1
    assert_clean()


def test_a_freeze_that_is_missing_or_left_over_is_found(dora):
    contest(dora, pay_card(dora))
    with transaction() as session:
        freeze = session.scalars(select(Freeze)).one()
        freeze.lifted_at = clock.now()
        session.get_one(Invoice, dora.invoices["F-1"]).paused_minor = 0
    assert "contested by a bank" in {one.check for one in verify(with_providers=False).differences}

    with transaction() as session:
        session.scalars(select(Freeze)).one().lifted_at = None
        session.get_one(Invoice, dora.invoices["F-1"]).paused_minor = 12_000
        session.scalars(select(Chargeback)).one().state = C.OWED
    found = {one.check for one in verify(with_providers=False).differences}
    assert {"contested by a bank", "frozen for what has ended"} <= found


def test_a_plan_neither_debits_nor_misses_what_a_bank_contests(dora):
    from payments.plans import accepting, contents, progress
    from payments.plans import service as plans
    from payments.plans.accepting import Evidence
    from payments.plans.rules import Terms
    from shared.debtors.models import Contact

    with transaction() as session:
        session.get_one(Debtor, dora.debtor_id).autopay = False
        contact = session.scalars(select(Contact)).first()
        plan = plans.propose_by_staff(
            session,
            debtor_id=dora.debtor_id,
            invoice_ids=[dora.invoices["F-1"]],
            terms=Terms(first_on=clock.today() + timedelta(days=7), count=2),
            answer="",
            attempt="p",
            by=SAM,
        )
        evidence = Evidence(contact.id, "Dora", contact.email, "192.0.2.1", "Firefox", "en")
        accepting.accept(session, plan_id=plan.id, evidence=evidence, by=SAM)
        attempt = progress.payment_attempt(plan.id, "now")
    step = dora.pay_by_card(Part(dora.invoices["F-1"], 6_000), attempt=attempt)
    dora.twins.pay(step.url)
    dora.deliver()
    contest(dora, dora.payment(step.payment_id))

    with reading() as session:
        assert contents.contested(session, plan.id) == 6_000
        assert progress.payable(session, plan.id) == 6_000  # what the bank contests is offered to nobody
        assert progress.debitable(session, plan.id, until=date.max) == 6_000
        first = contents.instalments_of(session, plan.id)[0]
        assert progress.debitable(session, plan.id, until=first.due_on) == 0
    assert_clean()


def before_there_were_cases(counter):
    """The same world as a version without cases left it: the bank took money back, and nothing was frozen for it."""
    with spoiling() as session:
        for table in ("chargeback_transition", "chargeback_part", "chargeback"):
            keys = session.scalars(text(f"DELETE FROM {table} RETURNING id")).all()
            if table in seals.SEALED:
                seals.renew(session, table, keys)
        session.execute(text("DELETE FROM invoice_freeze WHERE kind = 'chargeback'"))
        session.execute(text("UPDATE invoice SET paused_minor = 0"))
    with reading() as session:
        debtor = session.get_one(Debtor, counter.debtor_id)
        assert standing_of(session, debtor).contested == {counter.invoices["F-1"]}
    assert_clean()


def test_what_was_contested_before_there_were_cases_is_a_case_that_its_bank_is_asked_about(dora):
    contest(dora, pay_card(dora))
    name = case_of(dora).provider_reference
    before_there_were_cases(dora)

    jobs.watch({})
    jobs.watch({})

    made = case_of(dora)
    assert (made.state, made.kind, made.amount_minor) == (C.OPEN, ChargebackKind.CARD, 12_000)
    assert made.provider_reference == name
    assert invoice(dora).paused_minor == 12_000
    assert_clean()

    dora.days(1)
    sweep()
    assert case_of(dora).answer_by is not None
    assert_clean()


def test_what_was_lost_before_there_were_cases_is_for_a_person_to_decide_and_then_debited(dora):
    contest(dora, pay_card(dora))
    befall_dispute(dora, "dispute_lost")
    before_there_were_cases(dora)
    jobs.watch({})
    dora.days(1)
    sweep()
    made = case_of(dora)
    assert made.state is C.TO_DECIDE
    run_days(dora, 1)
    assert debits(dora) == []

    with transaction() as session:
        service.owe(session, chargeback_id=made.id, text="It is yours to pay.", by=SAM)
    run_days(dora, 25)

    assert len(debits(dora)) == 1
    assert_clean()


def test_what_was_contested_and_paid_otherwise_before_there_were_cases_is_closed(dora):
    contest(dora, pay_card(dora))
    befall_dispute(dora, "dispute_lost")
    before_there_were_cases(dora)
    pay_card(dora)

    jobs.watch({})

    made = case_of(dora)
    assert made.state is C.SETTLED
    assert made.ended_at is not None
    assert invoice(dora).paused_minor == 0
    assert_clean()


def give_up(case_id):
    for who in (SAM, SUE):
        with transaction() as session:
            if service.give_up(session, chargeback_id=case_id, text="Agreed by phone.", by=a_witness(who)):
                return


def money(counter):
    """What the account owes, what we owe it, and what is written off, in minor units."""
    with reading() as session:
        debtor = session.get_one(Debtor, counter.debtor_id)
        sign = case((Transfer.debit_account == Account.WRITE_OFF, 1), else_=-1)
        given_up = select(func.sum(sign * Transfer.amount_minor)).where(Transfer.kind == Kind.WRITE_OFF)
        return debtor.open_minor, debtor.credit_minor, int(session.scalar(given_up) or 0)


@pytest.mark.parametrize("limit", [20_000, 1_000])
def test_money_that_comes_back_after_it_was_given_up_settles_what_was_written_off(dora, limit):
    """A debit of 120 taken back, given up by one or by two people, and then the bank cancels the chargeback."""
    with transaction() as session:
        session.scalars(select(Company)).one().four_eyes_minor = limit
    payment = dora.pay_by_debit(dora.mandate_id, dora.part("F-1", 12_000))
    dora.days(8, bank=True)
    contest(dora, dora.payment(payment.id), reason="MD06")
    give_up(case_of(dora).id)
    assert money(dora) == (0, 0, 12_000)

    contest(dora, dora.payment(payment.id), kind="chargeback_cancelled")

    assert case_of(dora).state is C.WON
    assert money(dora) == (0, 0, 0)
    assert invoice(dora).settled_on is not None
    with reading() as session:
        assert session.scalars(select(Gift.state)).all() == [GiftState.UNDONE]
    assert_clean()


def test_of_a_case_that_was_given_up_in_part_only_that_part_is_open_again(dora):
    """50 of the 120 were paid by card meanwhile, 70 were given up; the bank cancels: the 50 that are too many are credit."""
    payment = dora.pay_by_debit(dora.mandate_id, dora.part("F-1", 12_000))
    dora.days(8, bank=True)
    contest(dora, dora.payment(payment.id), reason="MD06")
    pay_card(dora, 5_000)
    give_up(case_of(dora).id)
    assert money(dora) == (0, 0, 7_000)

    contest(dora, dora.payment(payment.id), kind="chargeback_cancelled")

    assert money(dora) == (0, 5_000, 0)
    assert_clean()


def test_what_was_given_up_before_its_movements_were_marked_is_open_again_too(dora):
    payment = dora.pay_by_debit(dora.mandate_id, dora.part("F-1", 12_000))
    dora.days(8, bank=True)
    contest(dora, dora.payment(payment.id), reason="MD06")
    give_up(case_of(dora).id)
    with spoiling() as session:
        marked = text(
            "UPDATE ledger_transfer SET provider = NULL, provider_reference = NULL WHERE kind = 'write_off' RETURNING id"
        )
        seals.renew(session, "ledger_transfer", session.scalars(marked).all())

    contest(dora, dora.payment(payment.id), kind="chargeback_cancelled")

    assert money(dora) == (0, 0, 0)
    assert_clean()


def credit_that_waits(counter):
    """A transfer that was given up, whose invoice was paid by debit meanwhile, and that came after all: credit, meant for F-1."""
    with transaction() as session:
        debtor = lock_debtor(session, counter.debtor_id)
        parts = [counter.part("F-1", 12_000)]
        draft = payments.PaymentDraft(attempt="late", means=Means.TRANSFER, provider=Provider.HAND, parts=parts)
        late = payments.start(session, debtor, draft, by=SAM).id
        payments.advance(session, late, PaymentStatus.CANCELLED, by=SAM)
    payment = counter.pay_by_debit(counter.mandate_id, counter.part("F-1", 12_000))
    counter.days(8, bank=True)
    with transaction() as session:
        payments.advance(session, late, PaymentStatus.CONFIRMED, by=SAM)
    return payment


def test_a_case_of_which_credit_settles_everything_in_the_same_commit_is_closed_in_it_and_asks_nobody(dora):
    payment = credit_that_waits(dora)
    assert money(dora) == (0, 12_000, 0)

    contest(dora, dora.payment(payment.id), reason="MD06")

    assert money(dora) == (0, 0, 0)
    case = case_of(dora)
    assert (case.state, case.ended_at is None) == (C.SETTLED, False)
    with reading() as session:
        steps = session.scalars(select(ChargebackTransition).order_by(ChargebackTransition.step)).all()
        opened = session.scalars(select(PaymentTransition.at).order_by(PaymentTransition.id.desc()).limit(1)).one()
    assert steps[-1].at - opened < timedelta(seconds=5)
    assert_clean()


def test_of_a_case_of_which_nothing_is_open_nobody_says_that_it_is_owed(dora):
    """As an earlier version left it: for a person to decide, with nothing frozen."""
    payment = credit_that_waits(dora)
    contest(dora, dora.payment(payment.id), reason="MD06")
    with transaction() as session:
        case = session.scalars(select(Chargeback)).one()
        case.state, case.ended_at = C.TO_DECIDE, None

    with pytest.raises(Conflict), transaction() as session:
        service.owe(session, chargeback_id=case.id, text="Pay.", by=SAM)
    jobs.watch({})

    assert case_of(dora).state is C.SETTLED
    assert told(dora).count("chargeback_owed") == 0


def test_the_letter_about_what_is_owed_says_that_it_is_being_paid_when_it_is(dora):
    contest(dora, pay_card(dora))
    befall_dispute(dora, "dispute_lost")
    dora.pay_by_card(dora.part("F-1", 12_000))
    case = case_of(dora)
    with pytest.raises(Conflict), transaction() as session:
        service.give_up(session, chargeback_id=case.id, text="Agreed by phone.", by=a_witness(SAM))

    with transaction() as session:
        service.owe(session, chargeback_id=case.id, text="The goods were delivered.", by=SAM)

    text_of = said(dora, "chargeback_owed")
    assert "En cours" in text_of
    assert "0,00" not in text_of.replace("120,00", "")
    assert "comme toute autre facture" not in text_of


def test_the_letter_about_what_is_given_up_names_what_is_written_off(dora):
    payment = dora.pay_by_debit(dora.mandate_id, dora.part("F-1", 12_000))
    dora.days(8, bank=True)
    contest(dora, dora.payment(payment.id), reason="MD06")
    pay_card(dora, 5_000)
    give_up(case_of(dora).id)

    assert "70,00" in said(dora, "chargeback_given_up")
    assert "120,00" not in said(dora, "chargeback_given_up")


def said(counter, kind):
    """The text of the only message of a kind, in Dora's French."""
    counter.deliver()
    with reading() as session:
        return session.scalars(select(Message.text_body).where(Message.kind == kind)).one()
