"""Declared transfers on a real ledger: paused, matched, refused, expired, and what the debtor is told."""

from __future__ import annotations

import uuid
from datetime import date, timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

import wsgi
from payments.declarations import queries, service
from payments.declarations.models import Declaration, DeclarationTransition
from payments.declarations.rules import DeclarationState, Terms
from payments.declarations.service import DeclarationDraft
from payments.models import Payment
from payments.receipts import service as receipts
from shared.attachments import queries as files
from shared.attachments import service as attachments
from shared.attachments.rules import Upload
from shared.debtors.models import Debtor
from shared.debtors.service import add_contact
from shared.invoices import service as invoices
from shared.invoices.models import FreezeKind, Invoice
from shared.kit import clock
from shared.kit.actors import Actor
from shared.kit.audit import AuditLine
from shared.kit.db import reading, transaction
from shared.kit.errors import Conflict, Invalid, NotFound, Refused
from shared.ledger.rules import Part
from shared.messages.models import Message
from shared.promises import service as promises
from shared.promises.models import Promise
from shared.promises.rules import PromiseState
from shared.promises.service import PromiseDraft
from tests.support.account import Account
from tests.support.people import SYSTEM, a_company, a_debtor, an_invoice

D = DeclarationState
CLARA = Actor.staff(uuid.uuid4(), "Clara")


class World(Account):
    """Dora and what she says to have paid."""

    def draft(self, *parts: Part, **facts: object) -> DeclarationDraft:
        parts = parts or (Part(self.one, 100_000),)
        values: dict[str, object] = {
            "attempt": self.attempt(),
            "minor": sum(part.minor for part in parts),
            "paid_on": clock.today() - timedelta(days=1),
            "parts": parts,
            "bank_reference": "VIR DORA F-1",
            "contact_id": self.contact_id,
        }
        return DeclarationDraft(**(values | facts))

    def declare(self, *parts: Part, by: Actor | None = None, **facts: object) -> uuid.UUID:
        with transaction() as session:
            draft = self.draft(*parts, **facts)
            return service.declare(session, debtor_id=self.debtor_id, draft=draft, by=by or self.dora).id

    def receive(self, minor: int = 100_000, on: date | None = None, debtor_id: uuid.UUID | None = None) -> uuid.UUID:
        return self.record_receipt(minor, on=on, debtor_id=debtor_id)

    def record(self, declaration_id: uuid.UUID, minor: int = 100_000) -> Payment:
        with transaction() as session:
            return service.record(
                session,
                declaration_id=declaration_id,
                minor=minor,
                received_on=clock.today(),
                memo="VIR DORA",
                parts=[Part(self.one, min(minor, 100_000))],
                by=CLARA,
            )

    def match(self, declaration_id: uuid.UUID, payment_id: uuid.UUID) -> None:
        with transaction() as session:
            service.match(session, declaration_id=declaration_id, payment_id=payment_id, by=CLARA)

    def refuse(self, declaration_id: uuid.UUID, answer: str = "No such transfer in our bank.") -> None:
        with transaction() as session:
            service.refuse(session, declaration_id=declaration_id, answer=answer, by=CLARA)

    def state(self, declaration_id: uuid.UUID) -> DeclarationState:
        with reading() as session:
            return session.get_one(Declaration, declaration_id).state

    def amounts(self, invoice_id: uuid.UUID | None = None) -> tuple[int, int, int]:
        """(open, paused, collectable) of an invoice."""
        with reading() as session:
            invoice = session.get_one(Invoice, invoice_id or self.one)
            return invoice.open_minor, invoice.paused_minor, invoice.collectable_minor

    def mails(self) -> list[str]:
        return [kind for kind in super().mails() if kind != "reminder"]

    def steps(self, declaration_id: uuid.UUID) -> list[str]:
        with reading() as session:
            rows = session.scalars(
                select(DeclarationTransition)
                .where(DeclarationTransition.declaration_id == declaration_id)
                .order_by(DeclarationTransition.step)
            )
            return [row.after.value for row in rows]


@pytest.fixture
def world(database, frozen, settings) -> World:
    wsgi.import_jobs()
    return World(frozen)


def test_a_declared_transfer_pauses_its_invoices_from_its_commit_on(world):
    declaration_id = world.declare(Part(world.one, 100_000), Part(world.two, 20_000))
    assert world.amounts() == (100_000, 100_000, 0)
    assert world.amounts(world.two) == (50_000, 20_000, 30_000)
    assert world.state(declaration_id) is D.DECLARED
    with reading() as session:
        lines = session.scalars(select(AuditLine.action).where(AuditLine.subject_id == declaration_id)).all()
    assert lines == ["declaration.declared"]


def test_the_same_form_sent_twice_is_one_declaration(world):
    assert world.declare(attempt="the-form") == world.declare(attempt="the-form")


def test_an_invoice_is_declared_once_at_a_time(world):
    first = world.declare(Part(world.one, 40_000))
    with pytest.raises(Conflict) as refusal:
        world.declare(Part(world.one, 10_000))
    assert refusal.value.code == "declaration.taken"
    world.refuse(first)
    world.declare(Part(world.one, 10_000))


def test_a_proof_is_kept_with_it_and_belongs_to_the_debtor(world):
    checked = attachments.check([Upload("proof.txt", b"Transfer of 1,000.00 made on 9 March")])
    declaration_id = world.declare(files=checked)
    with reading() as session:
        found = files.attached(session, subject_type=queries.SUBJECT, subject_ids=[declaration_id], with_internal=False)
        assert [each.name for each in found] == ["proof.txt"]
        kept = files.for_debtor(session, found[0].id, debtor_id=world.debtor_id)
        assert b"1,000.00" in kept.content
        with pytest.raises(NotFound):
            files.for_debtor(session, found[0].id, debtor_id=uuid.uuid4())


def test_staff_record_the_transfer_and_match_it_in_one_act(world):
    declaration_id = world.declare()
    payment = world.record(declaration_id)
    assert world.record(declaration_id).id == payment.id
    world.work()
    assert world.state(declaration_id) is D.MATCHED
    assert world.amounts() == (0, 0, 0)
    assert world.mails() == ["receipt"], "the receipt's own message is enough"
    with reading() as session:
        assert len(session.scalars(select(Payment)).all()) == 1
        assert queries.get_declaration(session, world.debtor_id, declaration_id).payment_id == payment.id


def test_a_receipt_recorded_already_is_linked_and_the_debtor_is_told_once(world):
    payment_id = world.receive()
    declaration_id = world.declare()
    world.match(declaration_id, payment_id)
    world.match(declaration_id, payment_id)
    world.work()
    assert world.state(declaration_id) is D.MATCHED
    assert world.amounts() == (100_000, 0, 100_000), "what the receipt pays is another matter"
    assert sorted(world.mails()) == ["declaration_matched", "receipt"]


def test_a_receipt_belongs_to_one_declaration_and_to_its_own_debtor(world):
    payment_id = world.receive()
    world.match(world.declare(Part(world.one, 100_000)), payment_id)
    second = world.declare(Part(world.two, 50_000))
    with pytest.raises(Conflict) as refusal:
        world.match(second, payment_id)
    assert refusal.value.code == "declaration.linked"
    with transaction() as session:
        octave = a_debtor(session, a_company(session, "other"), "411OCTAVE", "Octave").id
    with pytest.raises(NotFound):
        world.match(second, world.receive(debtor_id=octave))
    with pytest.raises(NotFound):
        world.match(second, uuid.uuid4())


def test_receipts_near_the_day_are_suggested_the_same_amount_first(world):
    other = world.receive(90_000)
    exact = world.receive(100_000, on=clock.today() - timedelta(days=4))
    world.receive(100_000, on=clock.today() - timedelta(days=20))
    declaration_id = world.declare()
    with reading() as session:
        found = queries.suggestions(session, declaration_id)
        assert [(each.id, each.is_exact) for each in found] == [(exact, True), (other, False)]
    second = world.declare(Part(world.two, 50_000))
    world.match(declaration_id, exact)
    with reading() as session:
        assert [each.id for each in queries.suggestions(session, second)] == [other]


def test_a_refusal_needs_a_sentence_which_the_debtor_reads(world):
    declaration_id = world.declare()
    with pytest.raises(Invalid):
        world.refuse(declaration_id, "  ")
    world.refuse(declaration_id)
    world.refuse(declaration_id)
    assert world.state(declaration_id) is D.REFUSED
    assert world.amounts() == (100_000, 0, 100_000)
    with reading() as session:
        mail = session.scalars(select(Message).where(Message.kind == "declaration_refused")).one()
    assert "No such transfer in our bank." in mail.text_body
    with pytest.raises(Conflict):
        world.refuse(world_matched(world))


def test_everybody_of_the_account_is_told_what_became_of_a_declared_transfer(world):
    with transaction() as session:
        debtor = session.get_one(Debtor, world.debtor_id)
        add_contact(session, debtor=debtor, email="paul@client.example", name="Paul", by=SYSTEM)
    world.refuse(world.declare())
    with reading() as session:
        told = session.scalars(select(Message.to_address).where(Message.kind == "declaration_refused")).all()
    assert len(told) == len(set(told)) == 2


def world_matched(world: World) -> uuid.UUID:
    declaration_id = world.declare(Part(world.two, 50_000))
    world.match(declaration_id, world.receive(50_000))
    return declaration_id


def test_what_nobody_finds_in_time_expires_by_itself_and_the_debtor_is_told_once(world):
    declaration_id = world.declare()
    world.days(7)
    assert world.state(declaration_id) is D.DECLARED
    world.days(1)
    world.days(1)
    assert world.state(declaration_id) is D.EXPIRED
    assert world.amounts() == (100_000, 0, 100_000)
    assert world.mails() == ["declaration_expired"]


def test_money_that_turns_up_after_the_end_is_matched_all_the_same(world):
    declaration_id = world.declare()
    world.days(9)
    world.record(declaration_id)
    assert world.steps(declaration_id) == ["declared", "expired", "matched"]


def test_who_was_mistaken_takes_it_back(world):
    declaration_id = world.declare()
    for _ in range(2):
        with transaction() as session:
            service.withdraw(session, declaration_id=declaration_id, by=world.dora)
    assert world.state(declaration_id) is D.WITHDRAWN
    assert world.amounts() == (100_000, 0, 100_000)
    with pytest.raises(Conflict):
        world.record(declaration_id)


def test_a_receipt_that_is_undone_lets_the_search_go_on(world):
    declaration_id = world.declare()
    payment = world.record(declaration_id)
    world.work()
    world.clock.advance(days=3)
    with transaction() as session:
        receipts.undo_receipt(session, payment_id=payment.id, reason="another customer's", by=CLARA)
    world.work()
    assert world.steps(declaration_id) == ["declared", "matched", "declared"]
    assert world.amounts() == (100_000, 100_000, 0)
    with reading() as session:
        assert session.get_one(Declaration, declaration_id).until_on == clock.today() + timedelta(days=7)
    assert world.record(declaration_id).id != payment.id


@pytest.mark.parametrize(("days", "code"), [(1, "declaration.future"), (-31, "declaration.too_old")])
def test_a_day_beyond_the_terms_is_refused_with_its_reason(world, days, code):
    with pytest.raises(Refused) as refusal:
        world.declare(paid_on=clock.today() + timedelta(days=days))
    assert refusal.value.code == code
    assert world.amounts() == (100_000, 0, 100_000)


def test_nobody_declares_anothers_invoice_or_nothing(world):
    with transaction() as session:
        other = a_debtor(session, a_company(session, "other"), "411OCTAVE", "Octave")
        theirs = an_invoice(session, other, "X-1", 5_000).id
    with pytest.raises(NotFound):
        world.declare(Part(theirs, 5_000))
    with pytest.raises(NotFound):
        world.declare(Part(world.one, 5_000), Part(world.one, 5_000))
    with pytest.raises(Invalid):
        world.declare(minor=0)


def test_a_dispute_keeps_what_it_froze(world):
    with transaction() as session:
        invoices.freeze(session, invoice_id=world.one, kind=FreezeKind.DISPUTE, minor=60_000, reason="goods", by=SYSTEM)
    world.declare()
    assert world.amounts() == (100_000, 40_000, 0)


def test_a_promise_gives_way_and_is_kept_by_the_transfer_that_was_declared(world):
    with transaction() as session:
        draft = PromiseDraft("promise-1", [Part(world.one, 100_000)], clock.today() + timedelta(days=2))
        promise_id = promises.give(session, debtor_id=world.debtor_id, draft=draft, by=world.dora).id
    world.clock.advance(days=1)
    declaration_id = world.declare(paid_on=clock.today())
    world.days(6)
    with reading() as session:
        assert session.get_one(Promise, promise_id).state is PromiseState.EXPECTED
    with transaction() as session:
        service.record(
            session,
            declaration_id=declaration_id,
            minor=100_000,
            received_on=clock.today() - timedelta(days=5),
            memo="",
            parts=[Part(world.one, 100_000)],
            by=CLARA,
        )
    world.work()
    with reading() as session:
        assert session.get_one(Promise, promise_id).state is PromiseState.KEPT


def test_a_promise_is_broken_when_the_declared_transfer_is_not_found_in_time(world):
    with transaction() as session:
        draft = PromiseDraft("promise-1", [Part(world.one, 100_000)], clock.today() + timedelta(days=1))
        promise_id = promises.give(session, debtor_id=world.debtor_id, draft=draft, by=world.dora).id
    world.declare()
    world.days(9)
    world.work()
    with reading() as session:
        assert session.get_one(Promise, promise_id).state is PromiseState.BROKEN
    assert world.amounts() == (100_000, 0, 100_000)


def test_terms_are_written_with_an_audit_line_and_hold_from_then_on(world):
    with transaction() as session:
        assert service.set_terms(session, company_id=world.company_id, terms=Terms(pause_days=14), by=CLARA)
    with transaction() as session:
        assert not service.set_terms(session, company_id=world.company_id, terms=Terms(pause_days=14), by=CLARA)
        line = session.scalars(select(AuditLine).where(AuditLine.action == "declaration.terms_changed")).one()
    assert (line.before, line.after) == ({"pause_days": 7}, {"pause_days": 14})
    declaration_id = world.declare()
    with reading() as session:
        assert session.get_one(Declaration, declaration_id).until_on == clock.today() + timedelta(days=14)


def test_the_steps_of_a_declaration_cannot_be_rewritten(world):
    world.declare()
    for statement in ("UPDATE declaration_transition SET cause = 'x'", "DELETE FROM declaration_transition"):
        with pytest.raises(DBAPIError, match="append-only"), transaction() as session:
            session.execute(text(statement))
