"""Promises on a real ledger: given, changed, kept, broken, cancelled, and what they pause meanwhile."""

from __future__ import annotations

import uuid
from datetime import date, timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

import wsgi
from payments import service as payments
from payments.models import Means, Provider
from payments.receipts import service as receipts
from payments.service import Facts, PaymentDraft
from payments.status import PaymentStatus
from shared.debtors.models import Debtor
from shared.debtors.service import add_contact
from shared.invoices import service as invoices
from shared.invoices.models import FreezeKind, Invoice
from shared.kit import clock
from shared.kit.actors import Actor
from shared.kit.audit import AuditLine
from shared.kit.db import reading, transaction
from shared.kit.errors import Conflict, Invalid, NotFound, Refused
from shared.kit.outbox.models import OutboxMessage
from shared.ledger import service as ledger
from shared.ledger.models import Account as Books
from shared.ledger.models import Kind
from shared.ledger.rules import Part
from shared.messages.models import Message
from shared.promises import queries, service
from shared.promises.models import Promise, PromiseTransition
from shared.promises.rules import Limits, PromiseState
from shared.promises.service import PromiseDraft
from tests.support.account import Account
from tests.support.people import SYSTEM, a_company, a_debtor, an_invoice

S = PromiseState
CLARA = Actor.staff(uuid.uuid4(), "Clara")


class World(Account):
    """Dora and what she promises."""

    def draft(self, *parts: Part, days: int = 5, attempt: str = "") -> PromiseDraft:
        return PromiseDraft(
            attempt=attempt or self.attempt(),
            parts=parts or [Part(self.one, 100_000)],
            promised_on=clock.today() + timedelta(days=days),
            contact_id=self.contact_id,
        )

    def promise(self, *parts: Part, days: int = 5, attempt: str = "", by: Actor | None = None) -> uuid.UUID:
        with transaction() as session:
            draft = self.draft(*parts, days=days, attempt=attempt)
            return service.give(session, debtor_id=self.debtor_id, draft=draft, by=by or self.dora).id

    def receive(self, minor: int, invoice_id: uuid.UUID | None = None, on: date | None = None) -> uuid.UUID:
        return self.record_receipt(minor, [Part(invoice_id or self.one, minor)], on=on)

    def begin_payment(self, minor: int) -> uuid.UUID:
        with transaction() as session:
            debtor = session.get_one(Debtor, self.debtor_id, with_for_update=True)
            draft = PaymentDraft(
                attempt=self.attempt(),
                means=Means.DEBIT,
                provider=Provider.GOCARDLESS,
                parts=[Part(self.one, minor)],
            )
            payment = payments.start(session, debtor, draft, by=SYSTEM)
            payments.advance(session, payment.id, PaymentStatus.SUBMITTED, by=SYSTEM)
            return payment.id

    def advance(self, payment_id: uuid.UUID, to: PaymentStatus) -> None:
        with transaction() as session:
            facts = Facts(provider_reference=f"PM-{payment_id.hex[:8]}")
            payments.advance(session, payment_id, to, by=SYSTEM, facts=facts)

    def state(self, promise_id: uuid.UUID) -> tuple[PromiseState, int]:
        with reading() as session:
            promise = session.get_one(Promise, promise_id)
            return promise.state, promise.kept_minor

    def paused(self, invoice_id: uuid.UUID | None = None) -> tuple[int, int]:
        """(paused, collectable) of an invoice."""
        with reading() as session:
            invoice = session.get_one(Invoice, invoice_id or self.one)
            return invoice.paused_minor, invoice.collectable_minor

    def mails(self) -> list[str]:
        return [kind for kind in super().mails() if kind.startswith("promise_")]

    def causes(self, promise_id: uuid.UUID) -> list[str]:
        with reading() as session:
            rows = session.scalars(
                select(PromiseTransition)
                .where(PromiseTransition.promise_id == promise_id)
                .order_by(PromiseTransition.step)
            )
            return [f"{row.after.value} {row.cause}".strip() for row in rows]


@pytest.fixture
def world(database, frozen, settings) -> World:
    wsgi.import_jobs()
    return World(frozen)


def test_a_promise_pauses_its_amount_from_its_commit_on(world):
    promise_id = world.promise(Part(world.one, 40_000))
    assert world.paused() == (40_000, 60_000)
    assert world.state(promise_id) == (S.EXPECTED, 0)
    with reading() as session:
        promise = session.get_one(Promise, promise_id)
        assert promise.until_on - promise.promised_on == timedelta(days=3)
        assert session.scalars(select(AuditLine.action).where(AuditLine.subject_id == promise_id)).all() == [
            "promise.given"
        ]
    assert world.mails() == ["promise_made"]


def test_the_same_form_sent_twice_is_one_promise(world):
    assert world.promise(attempt="the-form") == world.promise(attempt="the-form")
    assert world.paused() == (100_000, 0)


def test_money_that_comes_keeps_the_promise_and_ends_the_pause(world):
    promise_id = world.promise()
    world.days(2)
    world.receive(100_000)
    world.work()
    assert world.state(promise_id) == (S.KEPT, 100_000)
    assert world.paused() == (0, 0)
    assert world.mails() == ["promise_made"]


def test_a_part_that_comes_is_shown_and_the_pause_shrinks(world):
    promise_id = world.promise()
    world.receive(40_000)
    world.work()
    assert world.state(promise_id) == (S.EXPECTED, 40_000)
    assert world.paused() == (60_000, 0)
    world.days(9)
    assert world.state(promise_id) == (S.BROKEN, 40_000)
    assert world.causes(promise_id) == ["expected", "broken partial"]
    assert world.paused() == (0, 60_000)


def test_nothing_by_the_last_day_of_grace_breaks_it_and_the_debtor_is_told_once(world):
    promise_id = world.promise()
    world.days(8)
    assert world.state(promise_id) == (S.EXPECTED, 0)
    world.days(1)
    assert world.state(promise_id) == (S.BROKEN, 0)
    assert world.paused() == (0, 100_000)
    world.days(1)
    world.work()
    assert world.mails() == ["promise_made", "promise_broken"]
    with reading() as session:
        assert queries.record_of(session, world.debtor_id, today=clock.today()) == queries.Record(kept=0, broken=1)


def test_a_payment_under_way_is_neither_paid_nor_broken(world):
    promise_id = world.promise()
    payment_id = world.begin_payment(100_000)
    world.days(12)
    assert world.state(promise_id) == (S.EXPECTED, 0)
    world.advance(payment_id, PaymentStatus.CONFIRMED)
    world.work()
    assert world.state(promise_id) == (S.KEPT, 100_000)


def test_a_payment_under_way_that_fails_breaks_it(world):
    promise_id = world.promise()
    payment_id = world.begin_payment(100_000)
    world.days(12)
    world.advance(payment_id, PaymentStatus.FAILED)
    world.work()
    assert world.state(promise_id) == (S.BROKEN, 0)
    assert world.paused() == (0, 100_000)


def test_a_late_return_turns_a_kept_promise_into_a_broken_one(world):
    promise_id = world.promise()
    payment_id = world.begin_payment(100_000)
    world.advance(payment_id, PaymentStatus.CONFIRMED)
    world.work()
    assert world.state(promise_id) == (S.KEPT, 100_000)
    world.days(30)
    world.advance(payment_id, PaymentStatus.FAILED)
    world.work()
    assert world.state(promise_id) == (S.BROKEN, 0)
    assert world.mails() == ["promise_made", "promise_broken"]


def test_a_return_beyond_reason_leaves_what_was_kept(world):
    promise_id = world.promise()
    payment_id = world.begin_payment(100_000)
    world.advance(payment_id, PaymentStatus.CONFIRMED)
    world.work()
    world.days(90)
    world.advance(payment_id, PaymentStatus.CHARGED_BACK)
    world.work()
    assert world.state(promise_id)[0] is S.KEPT


def test_money_that_goes_back_while_time_is_left_is_expected_again(world):
    promise_id = world.promise()
    payment_id = world.receive(100_000)
    world.work()
    with transaction() as session:
        receipts.undo_receipt(session, payment_id=payment_id, reason="mistake", by=SYSTEM)
    world.work()
    assert world.state(promise_id) == (S.EXPECTED, 0)
    assert world.paused() == (100_000, 0)


def test_a_transfer_that_came_in_time_and_is_recorded_later_mends_it(world):
    promise_id = world.promise(days=3)
    day = clock.today() + timedelta(days=4)
    world.days(10)
    assert world.state(promise_id)[0] is S.BROKEN
    world.receive(100_000, on=day)
    world.work()
    assert world.state(promise_id) == (S.KEPT, 100_000)


def test_a_transfer_that_came_too_late_leaves_it_broken_and_is_shown(world):
    promise_id = world.promise(days=3)
    world.days(10)
    world.receive(100_000)
    world.work()
    assert world.state(promise_id) == (S.BROKEN, 100_000)


def test_what_settled_an_invoice_before_keeps_no_promise_and_breaks_none_when_it_goes_back(world):
    earlier = world.receive(30_000)
    promise_id = world.promise(Part(world.one, 50_000))
    with transaction() as session:
        receipts.undo_receipt(session, payment_id=earlier, reason="mistake", by=SYSTEM)
    world.work()
    assert world.state(promise_id) == (S.EXPECTED, 0)
    world.receive(50_000)
    world.work()
    assert world.state(promise_id) == (S.KEPT, 50_000)


def test_what_is_written_off_makes_less_to_keep_and_is_no_payment(world):
    promise_id = world.promise()
    with transaction() as session:
        debtor = session.get_one(Debtor, world.debtor_id, with_for_update=True)
        occasion = ledger.Occasion(at=clock.now(), value_on=clock.today())
        ledger.write_off(session, debtor, Part(world.one, 60_000), occasion)
    world.receive(40_000)
    world.work()
    assert world.state(promise_id) == (S.KEPT, 40_000)


def test_a_promise_whose_invoice_is_written_off_whole_is_over_and_not_counted(world):
    promise_id = world.promise()
    with transaction() as session:
        debtor = session.get_one(Debtor, world.debtor_id, with_for_update=True)
        occasion = ledger.Occasion(at=clock.now(), value_on=clock.today())
        ledger.write_off(session, debtor, Part(world.one, 100_000), occasion)
    world.days(1)
    assert world.causes(promise_id) == ["expected", "cancelled nothing_owed"]
    with reading() as session:
        assert queries.record_of(session, world.debtor_id, today=clock.today()) == queries.Record()


def test_a_dispute_over_the_promised_amount_does_not_break_it(world):
    promise_id = world.promise()
    with transaction() as session:
        invoices.freeze(session, invoice_id=world.one, kind=FreezeKind.DISPUTE, reason="goods", by=SYSTEM)
    world.days(9)
    assert world.causes(promise_id) == ["expected", "cancelled frozen_otherwise"]


def test_what_a_declared_transfer_pauses_is_let_go_and_comes_back(world):
    promise_id = world.promise(days=10)
    with transaction() as session:
        service.give_way(session, debtor_id=world.debtor_id, invoice_ids=[world.one], by=world.dora)
        freeze = invoices.freeze(
            session, invoice_id=world.one, kind=FreezeKind.DECLARATION, reason="", by=world.dora
        ).id
    world.days(2)
    assert world.state(promise_id) == (S.EXPECTED, 0)
    assert world.paused() == (100_000, 0)
    with transaction() as session:
        invoices.lift(session, freeze_id=freeze, by=SYSTEM)
    world.work()
    assert world.paused() == (100_000, 0)
    world.days(12)
    assert world.state(promise_id)[0] is S.BROKEN


@pytest.mark.parametrize(
    ("days", "code", "words"),
    [(-1, "promise.past", "past"), (22, "promise.too_far", "31 March 2026")],
)
def test_a_day_beyond_the_limits_is_refused_with_its_reason(world, days, code, words):
    with pytest.raises(Refused) as refusal:
        world.promise(days=days)
    assert refusal.value.code == code
    assert words in refusal.value.message
    assert world.paused() == (0, 100_000)


def test_more_live_promises_than_allowed_are_refused_with_their_number(world):
    with transaction() as session:
        service.set_limits(session, company_id=world.company_id, limits=Limits(live_most=1), by=CLARA)
    world.promise()
    with pytest.raises(Refused) as refusal:
        world.promise(Part(world.two, 50_000))
    assert refusal.value.code == "promise.too_many_live"


def test_more_promises_in_a_year_than_allowed_are_refused(world):
    with transaction() as session:
        service.set_limits(session, company_id=world.company_id, limits=Limits(year_most=1), by=CLARA)
    first = world.promise()
    with transaction() as session:
        service.cancel(session, promise_id=first, reason="", by=world.dora)
    with pytest.raises(Refused) as refusal:
        world.promise()
    assert refusal.value.code == "promise.too_many_in_year"
    world.clock.advance(days=366)
    world.promise()


def test_who_breaks_promises_may_give_no_more_but_staff_may_take_one(world):
    with transaction() as session:
        service.set_limits(session, company_id=world.company_id, limits=Limits(broken_most=1), by=CLARA)
    world.promise(days=1)
    world.days(5)
    with pytest.raises(Refused) as refusal:
        world.promise()
    assert refusal.value.code == "promise.too_many_broken"
    assert world.state(world.promise(by=CLARA))[0] is S.EXPECTED


def test_an_invoice_has_one_live_promise(world):
    world.promise(Part(world.one, 40_000))
    with pytest.raises(Conflict) as refusal:
        world.promise(Part(world.one, 10_000))
    assert refusal.value.code == "promise.taken"
    assert "F-1" in refusal.value.message


def test_nobody_promises_on_anothers_invoice_or_more_than_is_left(world):
    with transaction() as session:
        other = a_debtor(session, a_company(session, "other"), "411OCTAVE", "Octave")
        theirs = an_invoice(session, other, "X-1", 5_000).id
    with pytest.raises(NotFound):
        world.promise(Part(theirs, 5_000))
    with pytest.raises(Conflict):
        world.promise(Part(world.one, 100_001))
    with pytest.raises(Invalid):
        world.promise(Part(world.one, 0))
    assert world.paused() == (0, 100_000)


def test_a_change_takes_the_place_of_the_former_promise(world):
    first = world.promise(days=5)
    world.clock.advance(days=2)
    with transaction() as session:
        draft = world.draft(Part(world.one, 70_000), Part(world.two, 50_000), days=15)
        second = service.change(session, promise_id=first, draft=draft, by=world.dora).id
    assert world.state(first)[0] is S.CANCELLED
    assert world.paused() == (70_000, 30_000)
    assert world.paused(world.two) == (50_000, 0)
    with reading() as session:
        assert [line.id for line in queries.promises_of(session, world.debtor_id)] == [second]
        given = queries.given_by(session, world.debtor_id, today=clock.today())
    assert (given.live, given.in_year) == (1, 1)
    with pytest.raises(Conflict), transaction() as session:
        service.change(session, promise_id=first, draft=world.draft(days=1), by=world.dora)


def test_a_change_is_told_once(world):
    first = world.promise(days=5)
    with transaction() as session:
        service.change(session, promise_id=first, draft=world.draft(days=9), by=world.dora)
    with reading() as session:
        told = session.scalars(
            select(OutboxMessage.topic).where(OutboxMessage.job == "notices.tell").order_by(OutboxMessage.id)
        ).all()
    assert told == ["promise.made", "promise.changed"]
    assert world.mails() == ["promise_made", "promise_made"]


def test_changing_never_puts_off_for_ever(world):
    first = world.promise(days=20)
    world.days(10)
    with pytest.raises(Refused) as refusal, transaction() as session:
        service.change(session, promise_id=first, draft=world.draft(days=12), by=world.dora)
    assert refusal.value.code == "promise.too_far"
    assert world.state(first)[0] is S.EXPECTED
    assert world.paused() == (100_000, 0)


def test_a_cancelled_promise_pauses_nothing_and_staff_tell_why(world):
    promise_id = world.promise()
    for _ in range(2):
        with transaction() as session:
            service.cancel(session, promise_id=promise_id, reason="Paid by another company", by=CLARA)
    assert world.state(promise_id)[0] is S.CANCELLED
    assert world.paused() == (0, 100_000)
    assert world.mails() == ["promise_made", "promise_cancelled"]
    world.days(30)
    assert world.state(promise_id)[0] is S.CANCELLED


def test_a_kept_promise_cannot_be_cancelled(world):
    promise_id = world.promise()
    world.receive(100_000)
    world.work()
    with pytest.raises(Conflict), transaction() as session:
        service.cancel(session, promise_id=promise_id, reason="", by=CLARA)


def test_a_look_taken_twice_finds_the_same(world):
    promise_id = world.promise()
    world.clock.advance(days=9)
    for _ in range(3):
        with transaction() as session:
            assert service.look(session, promise_id) is S.BROKEN
    assert world.causes(promise_id) == ["expected", "broken nothing_came"]
    assert world.mails() == ["promise_made", "promise_broken"]


def test_expected_cash_is_what_is_still_to_come_by_day(world):
    world.promise(Part(world.one, 100_000), days=5)
    world.promise(Part(world.two, 50_000), days=9)
    world.receive(40_000)
    world.work()
    with reading() as session:
        days = queries.expected(session, world.company_id, clock.today(), clock.today() + timedelta(days=30))
    assert [(day.on.isoformat(), day.minor, day.count) for day in days] == [
        ("2026-03-15", 60_000, 1),
        ("2026-03-19", 50_000, 1),
    ]


def test_the_steps_of_a_promise_cannot_be_rewritten(world):
    world.promise()
    for statement in ("UPDATE promise_transition SET cause = 'x'", "DELETE FROM promise_transition"):
        with pytest.raises(DBAPIError, match="append-only"), transaction() as session:
            session.execute(text(statement))


def test_limits_are_written_with_an_audit_line_of_what_changed(world):
    with transaction() as session:
        assert service.set_limits(session, company_id=world.company_id, limits=Limits(days_ahead=40), by=CLARA)
    with transaction() as session:
        assert not service.set_limits(session, company_id=world.company_id, limits=Limits(days_ahead=40), by=CLARA)
        assert service.set_limits(session, company_id=world.company_id, limits=Limits(days_ahead=50), by=CLARA)
        line = session.scalars(select(AuditLine).where(AuditLine.action == "promise.limits_changed")).first()
    assert (line.before, line.after) == ({"days_ahead": 21}, {"days_ahead": 40})
    world.promise(days=45)


def test_everybody_of_the_account_is_told_of_a_promise_and_nobody_is_thanked_for_what_another_said(world):
    with transaction() as session:
        debtor = session.get_one(Debtor, world.debtor_id)
        add_contact(session, debtor=debtor, email="paul@client.example", name="Paul", language="en", by=SYSTEM)
    world.promise()
    with reading() as session:
        told = {each.to_address: each.text_body for each in session.scalars(select(Message))}
    assert len(told) == 2
    assert "Dora Durand SARL has told us when this account will pay." in told.pop("paul@client.example")
    (hers,) = told.values()
    assert "Merci de nous avoir dit quand vous paierez." in hers


def test_a_promise_that_was_kept_is_not_broken_by_what_we_refund(world):
    promise_id = world.promise(Part(world.one, 40_000))
    payment_id = world.receive(40_000)
    world.work()
    assert world.state(promise_id) == (S.KEPT, 40_000)
    with transaction() as session:
        debtor = session.get_one(Debtor, world.debtor_id, with_for_update=True)
        when = ledger.Occasion(at=clock.now(), value_on=clock.today(), payment_id=payment_id)
        ledger.take_back(session, debtor, kind=Kind.REFUND, account=Books.BANK, minor=40_000, occasion=when)
    with transaction() as session:
        service.look(session, promise_id)
    assert world.state(promise_id) == (S.KEPT, 40_000)
    assert "promise_broken" not in world.mails()
