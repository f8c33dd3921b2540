"""A reminder asks for nothing that is contested, and says so."""

from __future__ import annotations

import uuid

import pytest
from sqlalchemy import select

import wsgi
from backoffice.reminders.models import Reminder, ReminderStatus
from backoffice.reminders.run import run
from backoffice.reminders.write import still_due, write
from shared.disputes.service import Claim, raise_dispute, reject
from shared.invoices.models import FreezeKind
from shared.kit.actors import Actor
from shared.kit.db import reading, transaction
from shared.kit.outbox.relay import perform_due
from shared.messages.decision import Omission, read
from shared.messages.models import Message
from tests.support.people import SYSTEM, a_company, a_debtor, an_invoice

STAFF = Actor.staff(uuid.uuid4(), "Clara")


@pytest.fixture
def ids(database, settings, frozen):
    wsgi.import_jobs()
    with transaction() as session:
        company = a_company(session)
        debtor = a_debtor(session, company, language="en")
        late = an_invoice(session, debtor, "F-1", 12_000, due_in=-7)
        other = an_invoice(session, debtor, "F-2", 8_000, due_in=-7)
        return {"company": company.id, "debtor": debtor.id, "F-1": late.id, "F-2": other.id, "clock": frozen}


def contest(ids, *claims):
    with transaction() as session:
        return raise_dispute(
            session,
            debtor_id=ids["debtor"],
            claims=claims,
            reason_code="price",
            text="No.",
            attempt=str(uuid.uuid4()),
            by=SYSTEM,
        )


def reminders():
    with reading() as session:
        return list(session.scalars(select(Message).where(Message.kind == "reminder")))


def remind(ids):
    run(ids["company"])
    perform_due()


def test_a_reminder_leaves_the_contested_part_out_and_says_so(ids):
    contest(ids, Claim(ids["F-1"], minor=2_000))

    remind(ids)

    (mail,) = reminders()
    assert "€180.00" in mail.text_body
    assert "Not included: €20.00 that you contest (F-1)." in mail.text_body


def test_without_a_dispute_it_says_nothing_of_one(ids):
    remind(ids)

    assert "Not included" not in reminders()[0].text_body


def test_nobody_is_reminded_of_what_is_all_contested(ids):
    contest(ids, Claim(ids["F-1"]), Claim(ids["F-2"]))

    remind(ids)

    assert reminders() == []


def test_a_reminder_written_before_the_dispute_does_not_leave(ids):
    run(ids["company"])
    with reading() as session:
        waiting = list(session.scalars(select(Reminder.id)))
    for identity in waiting:
        write(identity)
    contest(ids, Claim(ids["F-1"]))

    (mail,) = reminders()
    with transaction() as session:
        assert still_due(session, [mail]) == {mail.id: "changed"}

    with reading() as session:
        (reminder,) = session.scalars(select(Reminder))
    assert (reminder.status, reminder.dropped_why) == (ReminderStatus.DROPPED, "changed")


def test_what_was_rejected_is_reminded_from_its_day_on(ids):
    from shared.disputes.jobs import watch

    dispute = contest(ids, Claim(ids["F-1"]), Claim(ids["F-2"]))
    with transaction() as session:
        reject(session, dispute_id=dispute.id, grounds="It is right.", by=STAFF)
    remind(ids)
    assert reminders() == []

    ids["clock"].advance(days=8)
    watch({})
    remind(ids)
    for _ in range(7):
        ids["clock"].advance(days=1)
        remind(ids)

    assert len(reminders()) >= 1


def test_what_rests_after_a_rejected_dispute_is_left_out_and_the_reader_is_told_why(ids):
    dispute = contest(ids, Claim(ids["F-1"]))
    with transaction() as session:
        reject(session, dispute_id=dispute.id, grounds="It is what was ordered.", by=STAFF)

    remind(ids)

    (mail,) = reminders()
    decision = read(mail.decision)
    assert [(each.number, each.money.minor) for each in decision.listed] == [("F-2", 8_000)]
    assert [(each.number, each.money.minor, each.why) for each in decision.left_out] == [
        ("F-1", 12_000, Omission.RESPITE)
    ]


def test_every_way_to_freeze_money_has_its_reason_to_leave_it_out():
    assert {kind.value for kind in FreezeKind} <= {why.value for why in Omission}
