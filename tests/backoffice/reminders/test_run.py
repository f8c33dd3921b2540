"""From open invoices to a mail with a link, once."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import func, select

import wsgi
from backoffice.reminders import run as reminders
from backoffice.reminders.models import Reminder, ReminderDecision, ReminderInvoice, ReminderRun, ReminderStatus
from payments.models import Mandate
from payments.status import MandateStatus
from shared.access.models import MagicLink
from shared.debtors.models import Contact, Debtor
from shared.debtors.service import add_contact
from shared.invoices.models import FreezeKind, Invoice
from shared.invoices.service import freeze
from shared.kit import clock, tokens
from shared.kit.db import transaction
from shared.kit.errors import Refused
from shared.kit.money import Money
from shared.kit.outbox.models import OutboxMessage
from shared.kit.outbox.relay import perform_due
from shared.kit.settings import use_settings
from shared.messages import decision
from shared.messages.models import Message, MessageStatus
from tests.support.mailbox import open_mailbox
from tests.support.people import SYSTEM, a_company, a_debtor, an_invoice


@pytest.fixture
def mailbox(settings):
    with open_mailbox() as mailbox:
        use_settings(settings.model_copy(update={"smtp_url": mailbox.url}))
        yield mailbox


@pytest.fixture
def world(database, frozen, mailbox):
    wsgi.import_jobs()
    with transaction() as session:
        company = a_company(session)
        dora = a_debtor(session, company)
        an_invoice(session, dora, "F-1", 12_000, due_in=-3)
        an_invoice(session, dora, "F-2", 8_000, due_in=-4)
        octave = a_debtor(session, company, "411OCTAVE", "Octave")
        return company.id, dora.id, octave.id


def count(model) -> int:
    with transaction() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


def test_a_debtor_gets_one_message_for_all_that_is_late_with_a_link_that_is_not_kept(world, mailbox):
    company, *_ = world

    reminders.run(company)
    perform_due()

    (mail,) = mailbox.mails
    text = mail.get_body(("plain",)).get_content()
    assert "F-1" in text
    assert "F-2" in text
    assert re.search(r"200[.,]00.*\bthe oldest: 4 days late|la plus ancienne\s: 4 jours de retard", text, re.DOTALL)
    token = re.search(r"/l/([\w-]{43})", text)[1]
    with transaction() as session:
        assert session.scalars(select(MagicLink.token_hash)).one() == tokens.digest(token)
        message = session.scalars(select(Message)).one()
        assert message.status is MessageStatus.SENT
        assert token not in message.text_body + message.html_body


def test_a_decision_is_kept_for_everybody_considered_also_when_nothing_is_sent(world):
    company, dora, _ = world
    with transaction() as session:
        session.get_one(
            Contact, session.scalars(select(Contact.id).where(Contact.email.like("411dora%"))).one()
        ).bounced_at = clock.now()

    report = reminders.run(company)

    assert report.reasons == {"no_address": 1}
    with transaction() as session:
        assert (
            session.scalars(select(ReminderDecision.outcome).where(ReminderDecision.debtor_id == dora)).one()
            == "no_address"
        )


def test_running_twice_and_performing_twice_sends_once(world, mailbox):
    company, *_ = world

    reminders.run(company)
    reminders.run(company)
    perform_due()
    reminders.run(company)
    with transaction() as session:
        for row in session.scalars(select(OutboxMessage)):
            row.state, row.tries = row.state.WAITING, 0
    perform_due()

    assert len(mailbox.mails) == 1
    assert count(Reminder) == 1


def test_the_next_day_says_already_and_the_next_step_speaks_when_it_comes(world, mailbox, frozen):
    company, *_ = world
    reminders.run(company)
    perform_due()
    frozen.advance(days=1)
    assert reminders.run(company).reasons == {"already": 1}

    frozen.advance(days=11)
    reminders.run(company)
    perform_due()

    assert [mail["Subject"] for mail in mailbox.mails] == ["Second reminder: your account at Atelier des Lices"] or len(
        mailbox.mails
    ) == 2


def test_a_payment_between_decision_and_sending_stops_the_message(world, mailbox):
    company, *_ = world
    reminders.run(company)
    with transaction() as session:
        for invoice in session.scalars(select(Invoice)):
            invoice.open_minor = 0

    perform_due()

    assert mailbox.mails == []
    with transaction() as session:
        reminder = session.scalars(select(Reminder)).one()
        assert (reminder.status, reminder.dropped_why) == (ReminderStatus.DROPPED, "settled")


def test_a_refused_address_is_remembered_and_written_to_no_more(world, mailbox, frozen):
    company, *_ = world
    mailbox.answers["411dora@client.example"] = "550 5.1.1 no such mailbox"

    reminders.run(company)
    perform_due()

    frozen.advance(days=12)
    assert reminders.run(company).reasons == {"no_address": 1}


def test_a_relay_that_is_away_is_waited_for(world, mailbox, frozen):
    company, *_ = world
    mailbox.answer_after_data = "451 later"
    reminders.run(company)
    perform_due()
    assert mailbox.mails == []

    mailbox.answer_after_data = "250 OK"
    frozen.advance(minutes=1)
    perform_due()

    assert len(mailbox.mails) == 1


def test_a_letter_held_over_midnight_and_dropped_as_changed_is_decided_anew(world, mailbox, frozen):
    company, dora, _octave = world
    with transaction() as session:
        an_invoice(session, session.get_one(Debtor, dora), "F-3", 5_000, due_in=0)
    mailbox.answer_after_data = "451 later"
    reminders.run(company)
    perform_due()
    frozen.advance(days=1)
    mailbox.answer_after_data = "250 OK"
    perform_due()
    with transaction() as session:
        reminder = session.scalars(select(Reminder)).one()
        assert (reminder.status, reminder.dropped_why) == (ReminderStatus.DROPPED, "changed")

    assert reminders.run(company).reasons == {"remind": 1}
    perform_due()

    (mail,) = mailbox.mails
    text = mail.get_body(("plain",)).get_content()
    assert all(number in text for number in ("F-1", "F-2", "F-3"))


def test_what_was_paid_when_its_letter_was_to_leave_is_reminded_when_the_payment_fails(world, mailbox, frozen):
    company, *_ = world
    reminders.run(company)
    with transaction() as session:
        amounts = {each.id: each.open_minor for each in session.scalars(select(Invoice))}
        for invoice in session.scalars(select(Invoice)):
            invoice.open_minor = 0
    perform_due()
    frozen.advance(days=1)
    with transaction() as session:
        for invoice in session.scalars(select(Invoice)):
            invoice.open_minor = amounts[invoice.id]

    assert reminders.run(company).reasons == {"remind": 1}
    perform_due()

    assert len(mailbox.mails) == 1


def test_a_letter_that_one_of_two_people_has_got_counts_although_the_others_is_dropped(world, mailbox, frozen):
    company, dora, _octave = world
    with transaction() as session:
        debtor = session.get_one(Debtor, dora)
        add_contact(session, debtor=debtor, email="second@client.example", name="Second", by=SYSTEM)
        an_invoice(session, debtor, "F-3", 5_000, due_in=0)
    mailbox.answers["second@client.example"] = "451 4.3.0 later"
    reminders.run(company)
    perform_due()
    assert len(mailbox.mails) == 1

    frozen.advance(days=1)
    mailbox.answers.clear()
    perform_due()

    with transaction() as session:
        assert session.scalars(select(Message.status).order_by(Message.status)).all() == [
            MessageStatus.DROPPED,
            MessageStatus.SENT,
        ]
        assert session.scalars(select(Reminder.status)).one() is ReminderStatus.WRITTEN
        assert session.scalar(select(func.count()).select_from(ReminderInvoice)) == 2
    assert "remind" not in reminders.run(company).reasons


def test_a_dry_run_writes_nothing_and_may_look_ahead(world):
    company, *_ = world

    report = reminders.run(company, run_on=clock.today() + timedelta(days=12), dry=True)

    assert report.reminded_count == 1
    assert count(ReminderRun) == count(ReminderDecision) == 0
    with pytest.raises(Refused):
        reminders.run(company, run_on=clock.today() + timedelta(days=1))


def test_a_run_that_was_cut_off_goes_on_where_it_stood(world, monkeypatch):
    company, *_ = world
    with transaction() as session:
        from shared.company.models import Company

        row = session.get_one(Company, company)
        for n in range(7):
            an_invoice(session, a_debtor(session, row, f"411X{n}", f"X{n}"), f"X-{n}", due_in=-3)
    monkeypatch.setattr(reminders, "PAGE", 3)
    real = reminders._write
    calls = []

    def cut(*args):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        real(*args)

    monkeypatch.setattr(reminders, "_write", cut)
    with pytest.raises(KeyboardInterrupt):
        reminders.run(company)

    report = reminders.run(company)

    assert report.considered_count == count(ReminderDecision) == 8
    assert report.reminded_count == count(Reminder) == 8


def test_nobody_is_told_that_we_wrote_before_when_we_did_not(database, frozen, mailbox):
    wsgi.import_jobs()
    with transaction() as session:
        company = a_company(session)
        an_invoice(session, a_debtor(session, company), "F-15", due_in=-15)

    reminders.run(company.id)
    perform_due()

    (mail,) = mailbox.mails
    assert mail["Subject"] == "Petit rappel\u00a0: votre compte chez Atelier des Lices"


def test_a_reminder_keeps_what_it_listed_and_what_it_left_out_with_the_reason(world, mailbox):
    company, dora, _octave = world
    with transaction() as session:
        debtor = session.get_one(Debtor, dora)
        an_invoice(session, debtor, "F-3", 5_000, due_in=9)
        disputed = an_invoice(session, debtor, "F-4", 7_000, due_in=-5)
        freeze(session, invoice_id=disputed.id, kind=FreezeKind.DISPUTE, minor=2_500, reason="", by=SYSTEM)
        promised = an_invoice(session, debtor, "F-5", 1_000, due_in=-5)
        freeze(session, invoice_id=promised.id, kind=FreezeKind.PROMISE, reason="", by=SYSTEM)

    reminders.run(company)
    perform_due()

    with transaction() as session:
        kept = decision.read(session.scalars(select(Message)).one().decision)
    assert kept is not None
    assert kept.offset_days == 3
    assert [(each.number, each.money) for each in kept.listed] == [
        ("F-4", Money(4_500)),
        ("F-2", Money(8_000)),
        ("F-1", Money(12_000)),
    ]
    assert [(each.number, each.money, each.why.value) for each in kept.left_out] == [
        ("F-4", Money(2_500), "dispute"),
        ("F-5", Money(1_000), "promise"),
        ("F-3", Money(5_000), "not_due"),
    ]


def test_a_debtor_on_autopay_is_reminded_only_of_what_no_debit_will_take(world, mailbox):
    company, dora, _octave = world
    with transaction() as session:
        debtor = session.get_one(Debtor, dora)
        debtor.autopay, debtor.autopay_maximum_minor = True, 50_000
        session.add(
            Mandate(
                company_id=company,
                debtor_id=dora,
                reference="MDT-1",
                attempt="a",
                status=MandateStatus.ACTIVE,
                provider_reference="MD-1",
                idempotency_key="m",
                created_at=clock.now(),
            )
        )
    report = reminders.run(company, dry=True)
    assert [line["outcome"] for line in report.lines] == ["autopay"]

    with transaction() as session:
        session.query(Invoice).filter_by(number="F-2").update({"autopay_excluded_at": clock.now()})
        an_invoice(session, session.get_one(Debtor, dora), "F-9", 60_000, due_in=-3)
    reminders.run(company)
    perform_due()

    with transaction() as session:
        message = session.scalars(select(Message)).one()
        kept = decision.read(message.decision)
    assert kept is not None
    assert [each.number for each in kept.listed] == ["F-2", "F-9"]
    assert [(each.number, each.why.value) for each in kept.left_out] == [("F-1", "by_debit")]
    assert "F-1" not in message.text_body
    assert len(mailbox.mails) == 1
