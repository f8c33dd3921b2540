"""Debits are announced, carried on, skipped and withdrawn: each with its notice, once, and no other with it."""

from __future__ import annotations

import uuid
from datetime import date, timedelta

import pytest
from sqlalchemy import delete, select

from payments.collections import notices, service
from payments.collections.models import Collection, CollectionDecision, CollectionState, Outcome
from payments.collections.service import Wish
from payments.deciding import Told
from payments.models import Mandate
from shared.company.models import Company
from shared.debtors.models import Debtor, DebtorContact
from shared.debtors.service import add_contact
from shared.kit import clock
from shared.kit.audit import AuditLine
from shared.kit.db import reading, transaction
from shared.kit.ids import new_id
from shared.kit.outbox.models import OutboxMessage
from shared.messages.models import Message, MessageStatus
from tests.payments.collections.conftest import TODAY
from tests.support.people import SYSTEM

S = CollectionState
M = MessageStatus
SOON, LATER = TODAY + timedelta(days=14), TODAY + timedelta(days=20)


def announce(desk, *wished: tuple[str, int, date], debtor_id: uuid.UUID | None = None) -> list[uuid.UUID]:
    with transaction() as session:
        debtor = session.get_one(Debtor, debtor_id or desk.dora, with_for_update=True)
        mandate = session.get_one(Mandate, desk.mandates[debtor.id])
        wishes = [Wish(desk.ids[number], minor, on) for number, minor, on in wished]
        return [one.id for one in service.announce(session, debtor, mandate, wishes)]


def row(identity: uuid.UUID) -> Collection:
    with reading() as session:
        return session.get_one(Collection, identity)


def states(*identities: uuid.UUID) -> list[tuple[CollectionState, str]]:
    return [(row(one).state, row(one).reason) for one in identities]


def mails(kind: str = "prenotification") -> list[Message]:
    with reading() as session:
        return list(session.scalars(select(Message).where(Message.kind == kind).order_by(Message.id)))


def mark(message: Message, status: MessageStatus, **values) -> None:
    with transaction() as session:
        found = session.get_one(Message, message.id)
        found.status = status
        for name, value in values.items():
            setattr(found, name, value)


def topics() -> list[str]:
    with reading() as session:
        return sorted(
            session.scalars(select(OutboxMessage.topic).where(OutboxMessage.topic.like("debit.%")).distinct())
        )


def do(verb, identity: uuid.UUID, **more):
    with transaction() as session:
        return verb(session, session.get_one(Collection, identity), **more)


def test_one_notice_for_each_day_of_charging_names_its_invoices_and_their_sum(desk):
    desk.change(Mandate, desk.mandates[desk.dora], scheme_reference="RUM-7", iban_ending="0189")
    later, first, second = announce(desk, ("F-3", 300, LATER), ("F-1", 100, SOON), ("F-2", 150, SOON))

    soon_mail, later_mail = mails()
    assert (soon_mail.subject_id, later_mail.subject_id) == (first, later)
    for words in ("F-1", "F-2", "2,50", "RUM-7", "0189", "24 mars 2026"):
        assert words in soon_mail.text_body.replace("\xa0", " "), words
    assert "F-3" not in soon_mail.text_body
    assert "F-1" not in later_mail.text_body
    assert row(first).notice_key == row(second).notice_key == f"collection:{first}"
    assert row(later).notice_key == f"collection:{later}"
    made = row(second)
    assert (made.company_id, made.debtor_id, made.invoice_id) == (desk.company, desk.dora, desk.ids["F-2"])
    assert (made.mandate_id, made.amount_minor, made.currency) == (desk.mandates[desk.dora], 150, "EUR")
    assert (made.charge_on, made.announced_at, made.state) == (SOON, clock.now(), S.ANNOUNCED)
    assert (made.attempt_no, made.payment_id, made.closed_at) == (1, None, None)


def test_a_mandate_without_a_rum_is_named_by_our_own_name_of_it(desk):
    announce(desk, ("F-1", 100, SOON))
    assert "M-411DORA" in mails()[0].text_body


def test_a_further_attempt_has_the_next_number_of_its_own_invoice(desk):
    (first,) = announce(desk, ("F-1", 100, SOON))
    assert do(service.is_last, first)
    do(service.skip, first, reason="shifted")
    announce(desk, ("F-2", 100, SOON))
    (second,) = announce(desk, ("F-1", 100, LATER))
    assert (row(first).attempt_no, row(second).attempt_no) == (1, 2)
    assert (do(service.is_last, first), do(service.is_last, second)) == (False, True)


def test_when_nobody_can_be_told_nothing_is_announced(desk):
    with transaction() as session:
        session.execute(delete(DebtorContact).where(DebtorContact.debtor_id == desk.dora))
    with pytest.raises(LookupError):
        announce(desk, ("F-1", 100, SOON))
    with reading() as session:
        assert session.scalars(select(Collection)).all() == []


def test_what_is_carried_on_stands_under_the_notice_that_was_given(desk):
    given_at = clock.now() - timedelta(days=3)
    with transaction() as session:
        debtor = session.get_one(Debtor, desk.dora, with_for_update=True)
        mandate = session.get_one(Mandate, desk.mandates[desk.dora])
        wish = Wish(desk.ids["F-1"], 90, SOON)
        made = service.carry_on(session, debtor, mandate, wish, announced_at=given_at, notice_key="plan:7")
    found = row(made.id)
    assert (found.announced_at, found.notice_key, found.amount_minor) == (given_at, "plan:7", 90)
    assert mails() == []


def test_a_skipped_debit_calls_its_unsent_notice_back(desk):
    (one,) = announce(desk, ("F-1", 100, SOON))
    do(service.skip, one, reason="paid")

    assert states(one) == [(S.SKIPPED, "paid")]
    assert row(one).closed_at == clock.now()
    assert [mail.status for mail in mails()] == [M.DROPPED]


def test_the_notice_still_leaves_for_another_debit_or_for_the_rest_of_its_own(desk):
    first, second = announce(desk, ("F-1", 100, SOON), ("F-2", 100, SOON))
    (third,) = announce(desk, ("F-3", 100, LATER))
    do(service.skip, first, reason="paid")
    do(service.skip, third, reason="paused", rest_minor=1)
    assert [mail.status for mail in mails()] == [M.WAITING, M.WAITING]
    do(service.skip, second, reason="paid")
    assert [mail.status for mail in mails()] == [M.DROPPED, M.WAITING]


@pytest.mark.parametrize("status", [M.SENT, M.SENDING, M.UNCERTAIN])
def test_a_notice_that_may_have_left_is_not_called_back(desk, status):
    (one,) = announce(desk, ("F-1", 100, SOON))
    mark(mails()[0], status)
    do(service.skip, one, reason="paid")
    assert [mail.status for mail in mails()] == [status]


def test_what_is_not_announced_is_not_skipped(desk):
    (one,) = announce(desk, ("F-1", 100, SOON))
    desk.change(Collection, one, state=S.CREATED)
    do(service.skip, one, reason="paid")
    assert states(one) == [(S.CREATED, "")]
    assert row(one).closed_at is None


def withdraw(desk, **more) -> int:
    with transaction() as session:
        return service.withdraw(session, desk.dora, **({"reason": "autopay_off"} | more))


def test_only_announced_debits_of_this_debtor_are_withdrawn(desk):
    first, second = announce(desk, ("F-1", 100, SOON), ("F-2", 100, SOON))
    (eves,) = announce(desk, ("G-1", 100, SOON), debtor_id=desk.eve)
    desk.change(Collection, second, state=S.CREATED)

    assert (withdraw(desk), withdraw(desk)) == (1, 0)
    assert states(first, second, eves) == [(S.SKIPPED, "autopay_off"), (S.CREATED, ""), (S.ANNOUNCED, "")]


def test_some_invoices_are_withdrawn_and_none_when_none_is_named(desk):
    first, second = announce(desk, ("F-1", 100, SOON), ("F-2", 100, SOON))
    assert withdraw(desk, invoice_ids=[]) == 0
    assert withdraw(desk, invoice_ids=[desk.ids["F-2"], desk.ids["F-3"]]) == 1
    assert states(first, second) == [(S.ANNOUNCED, ""), (S.SKIPPED, "autopay_off")]


def test_who_may_have_read_the_notice_is_told_in_one_message_and_staff_hear_of_it(desk):
    announce(desk, ("F-1", 100, SOON), ("F-2", 150, SOON))
    mark(mails()[0], M.SENT, sent_at=clock.now())
    assert withdraw(desk) == 2

    (mail,) = mails("debit_stopped")
    for words in ("F-1", "F-2", "2,50", "24 mars 2026"):
        assert words in mail.text_body.replace("\xa0", " "), words
    assert mail.debtor_id == desk.dora
    assert "debit.left" not in topics()


@pytest.mark.parametrize("reason", ["left_out", "deceased"])
def test_what_another_message_tells_or_nobody_should_be_told_is_not_told_here(desk, reason):
    announce(desk, ("F-1", 100, SOON))
    mark(mails()[0], M.SENT, sent_at=clock.now())
    assert withdraw(desk, reason=reason) == 1
    assert mails("debit_stopped") == []


def test_of_what_nobody_read_nobody_is_told(desk):
    announce(desk, ("F-1", 100, SOON))
    assert withdraw(desk) == 1
    assert (mails("debit_stopped"), [mail.status for mail in mails()]) == ([], [M.DROPPED])


def test_each_day_is_told_in_a_message_of_its_own(desk):
    announce(desk, ("F-1", 100, SOON), ("F-2", 150, LATER))
    for mail in mails():
        mark(mail, M.SENT, sent_at=clock.now())
    withdraw(desk)
    assert [("F-1" in mail.text_body, "F-2" in mail.text_body) for mail in mails("debit_stopped")] == [
        (True, False),
        (False, True),
    ]


def told(identity: uuid.UUID) -> Told:
    return do(notices.told, identity)


def test_only_a_message_that_was_sent_is_a_notice_and_its_day_is_the_companys(desk):
    (one,) = announce(desk, ("F-1", 100, SOON))
    (mail,) = mails()
    assert told(one) == Told(None)
    mark(mail, M.SENDING)
    assert told(one) == Told(None)
    mark(mail, M.UNCERTAIN)
    assert told(one) == Told(None, is_lost=True)
    mark(mail, M.REFUSED)
    assert told(one) == Told(None, is_lost=True)
    mark(mail, M.SENT, sent_at=clock.now() + timedelta(hours=14, minutes=30))  # 23:30 in UTC, past midnight in Paris
    assert told(one) == Told(TODAY + timedelta(days=1))
    desk.change(Company, desk.company, zone="America/Cayenne")
    assert told(one) == Told(TODAY)
    desk.change(Collection, one, notice_key="")
    assert told(one) == Told(None, is_lost=True)


@pytest.mark.parametrize(
    ("status", "may_be"),
    [(M.WAITING, True), (M.SENDING, True), (M.SENT, True), (M.UNCERTAIN, True), (M.REFUSED, False), (M.DROPPED, False)],
)
def test_a_notice_may_be_read_unless_it_never_leaves(desk, status, may_be):
    (one,) = announce(desk, ("F-1", 100, SOON))
    mark(mails()[0], status)
    assert do(notices.may_be_read, one) is may_be


def untrue() -> list[str]:
    with reading() as session:
        return list(notices.still_true(session, session.scalars(select(Message)).all()).values())


def test_a_notice_leaves_while_its_debit_stands_and_its_days_are_left(desk, frozen):
    first, second = announce(desk, ("F-1", 100, SOON), ("F-2", 100, SOON))
    assert untrue() == []
    desk.change(Collection, first, state=S.SKIPPED)
    assert untrue() == []
    desk.change(Collection, second, state=S.CREATED)
    assert untrue() == ["the debit it announces does not take place"]
    desk.change(Collection, second, state=S.ANNOUNCED)
    frozen.advance(days=1)
    assert untrue() == ["too late: it would leave less than the notice's days"]
    desk.change(Collection, second, debtor_id=desk.eve)
    assert untrue() == ["the debit it announces does not take place"]


def test_a_later_look_on_the_same_day_replaces_what_was_decided(desk):
    run, another = desk.run(desk.company), desk.run(desk.company, TODAY - timedelta(days=1))

    def decide(run_id: uuid.UUID, number: str, reason: str, **more) -> None:
        with transaction() as session:
            service.decide(
                session,
                run_id=run_id,
                debtor_id=desk.dora,
                subject=Wish(desk.ids[number], 1, SOON),
                **({"outcome": Outcome.SKIP, "reason": reason, "minor": 7} | more),
            )

    decide(run, "F-1", "paid", remark="first")
    decide(run, "F-2", "frozen")
    decide(another, "F-1", "credit")
    decide(run, "F-1", "notice_given", outcome=Outcome.ANNOUNCE, minor=8, charge_on=SOON)
    with reading() as session:
        found = session.scalars(select(CollectionDecision).order_by(CollectionDecision.id)).all()
    assert [(one.run_id, one.reason, one.outcome, one.amount_minor) for one in found] == [
        (run, "notice_given", Outcome.ANNOUNCE, 8),
        (run, "frozen", Outcome.SKIP, 7),
        (another, "credit", Outcome.SKIP, 7),
    ]
    assert [(one.charge_on, one.remark, one.at, one.debtor_id) for one in found[:2]] == [
        (SOON, "", clock.now(), desk.dora),
        (None, "", clock.now(), desk.dora),
    ]


def test_after_a_death_no_automation_touches_the_account(desk):
    desk.change(Debtor, desk.dora, autopay=True)
    (one,) = announce(desk, ("F-1", 100, SOON))
    with transaction() as session:
        service.stop_everything(session, session.get_one(Debtor, desk.dora, with_for_update=True), by=SYSTEM)

    with reading() as session:
        debtor = session.get_one(Debtor, desk.dora)
        line = session.scalars(select(AuditLine).where(AuditLine.action == "debtor.automation_stopped")).one()
    assert (debtor.autopay, debtor.reminders_paused_until) == (False, date.max)
    assert "MD07" in debtor.reminders_pause_reason
    assert states(one) == [(S.SKIPPED, "deceased")]
    assert (line.subject_type, line.subject_id, line.debtor_id, line.company_id) == (
        "debtor",
        desk.dora,
        desk.dora,
        desk.company,
    )
    assert (line.before, line.after, line.actor_name) == (
        {"autopay": True},
        {"autopay": False, "reason": "MD07"},
        SYSTEM.name,
    )


def test_of_two_people_the_first_who_was_told_counts(desk):
    with transaction() as session:
        dora = session.get_one(Debtor, desk.dora)
        add_contact(session, debtor=dora, email="second@client.example", name="Second", by=SYSTEM)
    (one,) = announce(desk, ("F-1", 100, SOON))
    first, second = mails()
    mark(first, M.REFUSED)
    assert do(notices.may_be_read, one)
    mark(first, M.SENT, sent_at=clock.now() + timedelta(days=1))
    mark(second, M.SENT, sent_at=clock.now())
    assert told(one) == Told(TODAY)


def test_a_message_of_no_debit_is_not_looked_at(desk):
    announce(desk, ("F-1", 100, SOON))
    mark(mails()[0], M.WAITING, subject_id=new_id())
    assert untrue() == []
