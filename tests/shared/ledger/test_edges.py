"""The verbs of the ledger where they turn: the last cent, another's invoice, money that the books show as settled elsewhere."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from sqlalchemy import select

import wsgi
from shared.debtors.models import Debtor
from shared.invoices.models import Invoice
from shared.kit import clock
from shared.kit.db import reading, transaction
from shared.kit.errors import Conflict
from shared.kit.ids import new_id
from shared.kit.outbox.models import OutboxMessage
from shared.ledger import service as ledger
from shared.ledger.models import Account, Kind, Phase, Transfer
from shared.ledger.rules import Part
from tests.support.people import a_company, a_debtor, an_invoice


def change(book, number: str, **values) -> None:
    with transaction() as session:
        invoice = session.get_one(Invoice, book.ids[number])
        for name, value in values.items():
            setattr(invoice, name, value)


def elsewhere(book, number: str) -> int:
    with reading() as session:
        return session.get_one(Invoice, book.ids[number]).elsewhere_minor


def rows(**where) -> list[Transfer]:
    with reading() as session:
        query = select(Transfer).filter_by(**where).order_by(Transfer.at, Transfer.leg, Transfer.id)
        return list(session.scalars(query))


def test_an_invoice_and_a_note_enter_the_books_on_opposite_sides(book):
    legs = {(row.debit_account.value, row.credit_account.value, row.amount_minor) for row in rows(kind=Kind.ISSUE)}
    assert legs == {
        ("receivable", "sales", 100),
        ("receivable", "sales", 200),
        ("receivable", "sales", 300),
        ("sales", "receivable", 90),
    }
    assert (book.debtor, book.amounts("N-1")) == ((510, 0, 0), [(90, 0)])


def test_frozen_money_is_held_only_by_what_froze_it_and_only_so_much_of_it(book):
    change(book, "F-1", frozen_minor=30)
    with pytest.raises(Conflict):
        book.hold(new_id(), book.part("F-1", 71))

    def hold(minor: int, own: int) -> None:
        book.do(
            ledger.hold,
            [book.part("F-1", minor)],
            payment=new_id(),
            account=Account.GOCARDLESS,
            of_frozen={book.ids["F-1"]: own},
        )

    with pytest.raises(Conflict):
        hold(91, own=20)
    with pytest.raises(Conflict):
        hold(101, own=50)
    hold(90, own=20)
    hold(10, own=30)
    assert book.amounts("F-1") == [(100, 100)]
    change(book, "F-1", frozen_minor=0)


def test_an_invoice_of_another_debtor_or_of_nobody_is_not_held(book):
    with transaction() as session:
        other = a_debtor(session, a_company(session, "other", siren="552100554"), "411EVE", "Eve")
        foreign = an_invoice(session, other, "E-1", 100).id
    for identity in (foreign, new_id()):
        with pytest.raises(Conflict):
            book.hold(new_id(), book.part("F-1", 10), Part(identity, 10))
    assert (book.amounts("F-1"), book.debtor[1]) == ([(100, 0)], 0)


def test_a_void_says_what_it_freed_once(book):
    payment = new_id()
    parts = [book.part("F-1", 100), book.part("F-2", 50)]
    book.hold(payment, *parts)

    assert book.do(ledger.void, payment=payment) == parts
    assert book.do(ledger.void, payment=payment) == []
    assert {row.phase for row in rows(payment_id=payment)} == {Phase.PENDING, Phase.VOID}


def test_money_that_comes_after_all_settles_what_is_still_there_and_the_rest_is_credit(book):
    payment = new_id()
    parts = (book.part("F-1", 100), book.part("F-2", 50))
    book.hold(payment, *parts)
    book.do(ledger.void, payment=payment)
    book.receive(new_id(), 60, book.part("F-1", 60))

    book.post(payment, 150, *parts, name="PM1")

    assert (book.amounts("F-1", "F-2"), book.debtor) == ([(0, 0), (150, 0)], (360, 0, 60))


def test_only_what_a_provider_moved_has_the_providers_name_each_leg_its_own(book):
    payment = new_id()
    parts = (book.part("F-1", 100), book.part("F-2", 50))
    book.hold(payment, *parts)
    book.post(payment, 160, *parts, name="PM1")

    named = [row for row in rows(payment_id=payment) if row.provider_reference]
    assert [(row.provider, row.provider_reference, row.leg) for row in named] == [
        ("gocardless", "PM1", 0),
        ("gocardless", "PM1", 1),
        ("gocardless", "PM1", 2),
    ]
    assert [row.leg for row in rows(payment_id=payment, phase=Phase.PENDING)] == [0, 1]
    assert len({row.movement_id for row in named}) == 1
    assert {row.pending_id for row in rows(phase=Phase.POST)} == {row.id for row in rows(phase=Phase.PENDING)}


def test_what_goes_back_names_every_invoice_that_is_open_again(book):
    payment = new_id()
    book.receive(payment, 120, book.part("F-1", 100))
    book.use(book.part("F-2", 15))

    with transaction() as session:
        debtor = session.get_one(Debtor, book.debtor_id, with_for_update=True)
        opened = ledger.take_back(
            session,
            debtor,
            kind=Kind.LATE_FAILURE,
            account=Account.GOCARDLESS,
            minor=50,
            occasion=ledger.Occasion(clock.now(), clock.today(), payment),
        )

    assert opened == [book.part("F-2", 15), book.part("F-1", 30)]
    assert (book.amounts("F-1", "F-2"), book.debtor[2]) == ([(30, 0), (200, 0)], 0)
    assert book.legs(Kind.LATE_FAILURE) == [
        ("credit", "clearing_gocardless", 20),
        ("receivable", "clearing_gocardless", 30),
    ]


def test_a_payment_goes_back_to_its_last_cent_and_no_further(book):
    payment = new_id()
    book.receive(payment, 100, book.part("F-1", 100))
    with pytest.raises(Conflict):
        book.back(payment, 101)
    book.back(payment, 100)
    with pytest.raises(Conflict):
        book.back(payment, 1)
    assert book.amounts("F-1") == [(100, 0)]


def test_credit_moves_from_the_account_or_from_a_note_to_the_invoice(book):
    book.receive(new_id(), 20)
    book.use(book.part("F-1", 20))
    assert book.legs(Kind.CREDIT_APPLIED) == [("credit", "receivable", 20)]


def test_what_the_books_settle_leaves_an_invoice_and_what_they_use_leaves_a_note(book):
    with transaction() as session:
        debtor = session.get_one(Debtor, book.debtor_id, with_for_update=True)
        occasion = ledger.Occasion(clock.now(), clock.today() - timedelta(days=2))
        for number, minor in (("F-1", 100), ("F-2", 50), ("N-1", 40)):
            invoice = session.get_one(Invoice, book.ids[number])
            ledger.move_elsewhere(session, debtor, invoice, minor, occasion)

    assert (book.amounts("F-1", "F-2", "N-1"), book.debtor) == ([(0, 0), (150, 0), (50, 0)], (400, 0, 0))
    assert book.settled_on("F-1") == clock.today() - timedelta(days=2)
    assert (book.settled_on("F-2"), book.settled_on("N-1"), book.on("elsewhere")) == (None, None, 110)

    with transaction() as session:
        debtor = session.get_one(Debtor, book.debtor_id, with_for_update=True)
        note = session.get_one(Invoice, book.ids["N-1"])
        ledger.move_elsewhere(session, debtor, note, 50, ledger.Occasion(clock.now(), clock.today()))
    assert (book.amounts("N-1"), book.settled_on("N-1")) == ([(0, 0)], clock.today())


def test_what_the_books_settled_while_it_was_held_is_settled_when_the_payment_fails(book):
    payment = new_id()
    book.hold(payment, book.part("F-1", 100), book.part("F-2", 10))
    change(book, "F-1", elsewhere_minor=100)

    book.do(ledger.void, payment=payment)

    assert (book.amounts("F-1", "F-2"), elsewhere(book, "F-1")) == ([(0, 0), (200, 0)], 0)
    assert (book.settled_on("F-1"), book.debtor) == (clock.today(), (410, 0, 0))
    assert book.legs(Kind.IMPORTED) == [("elsewhere", "receivable", 100)]


def test_what_was_paid_here_and_settled_in_the_books_is_credit(book):
    payment = new_id()
    book.hold(payment, book.part("F-1", 100))
    change(book, "F-1", elsewhere_minor=100)

    book.post(payment, 100, book.part("F-1", 100), name="PM1")

    assert (book.amounts("F-1"), book.debtor, elsewhere(book, "F-1")) == ([(0, 0)], (410, 0, 100), 0)
    assert sorted(book.legs(Kind.IMPORTED)) == [("elsewhere", "receivable", 100), ("receivable", "credit", 100)]

    book.back(payment, 100)
    assert (book.amounts("F-1"), book.debtor, book.on("clearing_gocardless")) == ([(0, 0)], (410, 0, 0), 0)


def test_what_another_payment_still_holds_goes_on_waiting_for_that_one(book):
    first, second = new_id(), new_id()
    book.hold(first, book.part("F-1", 60))
    book.hold(second, book.part("F-1", 40))
    change(book, "F-1", elsewhere_minor=100)

    book.do(ledger.void, payment=first)
    assert (book.amounts("F-1"), book.debtor[2], elsewhere(book, "F-1")) == ([(40, 40)], 0, 40)

    book.post(second, 40, book.part("F-1", 40), name="PM2")
    assert (book.amounts("F-1"), book.debtor[2], elsewhere(book, "F-1")) == ([(0, 0)], 40, 0)
    assert sorted(book.legs(Kind.IMPORTED)) == [
        ("elsewhere", "receivable", 40),
        ("elsewhere", "receivable", 60),
        ("receivable", "credit", 40),
    ]


def test_a_receipt_that_was_a_mistake_opens_what_it_settled(book):
    payment = new_id()
    book.do(ledger.settle_directly, payment=payment, account=Account.BANK, minor=130, parts=[book.part("F-1", 100)])
    assert (book.on("bank"), book.debtor[2]) == (130, 30)

    book.do(ledger.take_back, payment=payment, kind=Kind.RECEIPT_UNDONE, account=Account.BANK, minor=130)

    assert (book.amounts("F-1"), book.debtor[2], book.on("bank")) == ([(100, 0)], 0, 0)
    assert book.legs(Kind.RECEIPT_UNDONE) == [("credit", "bank", 30), ("receivable", "bank", 100)]


def test_a_fee_concerns_no_debtor_and_is_booked_as_it_is(book):
    with transaction() as session:
        company_id = session.get_one(Debtor, book.debtor_id).company_id
        ledger.provider_movement(
            session,
            company_id=company_id,
            kind=Kind.FEE,
            debit=Account.FEES,
            credit=Account.GOCARDLESS,
            minor=7,
            currency="EUR",
            occasion=ledger.Occasion(clock.now(), clock.today(), None, "gocardless", "PO1"),
            leg=2,
        )
    (row,) = rows(kind=Kind.FEE)
    assert (row.debtor_id, row.leg, row.phase, row.amount_minor) == (None, 2, Phase.POSTED, 7)
    assert (row.debit_account, row.credit_account) == (Account.FEES, Account.GOCARDLESS)
    assert (row.provider, row.provider_reference, row.value_on) == ("gocardless", "PO1", clock.today())


def test_a_payout_is_one_leg(book):
    with transaction() as session:
        ledger.provider_movement(
            session,
            company_id=session.get_one(Debtor, book.debtor_id).company_id,
            kind=Kind.PAYOUT,
            debit=Account.BANK,
            credit=Account.GOCARDLESS,
            minor=9,
            currency="EUR",
            occasion=ledger.Occasion(clock.now(), clock.today()),
        )
    assert [row.leg for row in rows(kind=Kind.PAYOUT)] == [0]


def test_money_that_is_only_held_has_not_moved(book):
    payment = new_id()
    book.hold(payment, book.part("F-1", 100))
    with reading() as session:
        assert ledger.net_of(session, payment, plus=Kind.PAYMENT, minus=Kind.LATE_FAILURE) == 0
        assert ledger.loss_of(session, payment) == 0
    book.post(payment, 100, book.part("F-1", 100), name="PM1")
    with reading() as session:
        assert ledger.net_of(session, payment, plus=Kind.PAYMENT, minus=Kind.LATE_FAILURE) == 100
        assert ledger.net_of(session, payment, plus=Kind.LATE_FAILURE, minus=Kind.PAYMENT) == -100


def test_rounds_are_counted_by_provider_and_by_kind(book):
    payment = new_id()
    book.hold(payment, book.part("F-1", 10))
    book.post(payment, 10, book.part("F-1", 10), name="PM1")
    with reading() as session:
        assert ledger.next_round(session, provider="stripe", reference="PM1", kind=Kind.PAYMENT) == "PM1"
        assert ledger.next_round(session, provider="gocardless", reference="PM1", kind=Kind.REFUND) == "PM1"
        assert ledger.next_round(session, provider="gocardless", reference="PM1", kind=Kind.PAYMENT) == "PM1#2"


def test_a_loss_of_one_payment_is_not_made_good_by_another(book):
    lost, other = new_id(), uuid.uuid4()
    book.receive(lost, 10, book.part("F-1", 10))
    book.back(lost, 30, may_lose=True, kind=Kind.CHARGEBACK)
    book.receive(other, 25, book.part("F-1", 25))
    assert (book.on("loss"), book.amounts("F-1"), book.debtor[2]) == (20, [(75, 0)], 0)


def test_a_provider_that_took_less_than_the_first_part_frees_it_and_goes_on_with_the_others(book):
    payment = new_id()
    parts = (book.part("F-1", 100), book.part("F-2", 50), book.part("F-3", 30))
    book.hold(payment, *parts)

    book.post(payment, 60, *parts, name="PM1")

    assert book.amounts("F-1", "F-2", "F-3") == [(90, 0), (150, 0), (300, 0)]
    assert book.debtor == (540 - 90, 0, 0)


def test_one_cent_settles_one_cent_and_goes_back_as_one(book):
    payment = new_id()
    book.receive(payment, 1, book.part("F-1", 1))
    assert (book.amounts("F-1"), book.debtor[2]) == ([(99, 0)], 0)
    book.back(payment, 1)
    assert (book.amounts("F-1"), book.on("loss")) == ([(100, 0)], 0)


def test_what_is_held_or_freed_or_settled_elsewhere_has_no_name_at_a_provider(book):
    first, second = new_id(), new_id()
    book.do(ledger.hold, [book.part("F-1", 60)], payment=first, account=Account.GOCARDLESS, name="PM1")
    book.do(ledger.void, payment=first, name="PM1")
    book.hold(second, book.part("F-1", 100))
    change(book, "F-1", elsewhere_minor=100)
    book.post(second, 100, book.part("F-1", 100), name="PM2")

    named = {(row.kind, row.phase): (row.provider, row.provider_reference) for row in rows()}
    assert named[Kind.PAYMENT, Phase.PENDING] == named[Kind.PAYMENT, Phase.VOID] == (None, None)
    assert {(row.provider, row.provider_reference) for row in rows(kind=Kind.IMPORTED)} == {(None, None)}
    assert named[Kind.PAYMENT, Phase.POST] == ("gocardless", "PM2")


def test_of_nothing_or_too_much_credit_nothing_is_used_and_nothing_is_written_off(book):
    book.receive(new_id(), 20)

    def note(minor: int) -> None:
        with transaction() as session:
            debtor = session.get_one(Debtor, book.debtor_id, with_for_update=True)
            ledger.apply_credit_note(
                session,
                debtor,
                credit_note_id=book.ids["N-1"],
                parts=[book.part("F-1", minor)],
                occasion=ledger.Occasion(clock.now(), clock.today()),
            )

    def give_up(minor: int) -> None:
        book.do(ledger.write_off, book.part("F-1", minor))

    for verb, too_much in ((lambda minor: book.use(book.part("F-1", minor)), 21), (note, 91), (give_up, 101)):
        for minor in (0, -1, too_much):
            with pytest.raises(Conflict) as refused:
                verb(minor)
            assert refused.value.code == "ledger.not_available"
    assert book.amounts("F-1", "N-1") == [(100, 0), (90, 0)]


def test_credit_that_goes_back_opens_no_invoice_of_another_debtor(book):
    with transaction() as session:
        other = a_debtor(session, a_company(session, "other", siren="552100554"), "411EVE", "Eve")
        foreign = an_invoice(session, other, "E-1", 100).id
        other_id = other.id
    payment = new_id()
    book.receive(payment, 20)
    book.use(book.part("F-1", 20))
    with transaction() as session:
        other = session.get_one(Debtor, other_id, with_for_update=True)
        occasion = ledger.Occasion(clock.now() + timedelta(seconds=1), clock.today(), new_id())
        ledger.settle_directly(session, other, account=Account.BANK, minor=30, parts=(), occasion=occasion)
        ledger.apply_credit(session, other, [Part(foreign, 30)], occasion)

    book.back(payment, 20)

    with reading() as session:
        assert session.get_one(Invoice, foreign).open_minor == 70
    assert book.amounts("F-1") == [(100, 0)]


@pytest.mark.parametrize("verb", ["credit", "note", "write_off"])
def test_whoever_debits_by_himself_hears_that_less_is_owed(book, verb):
    wsgi.import_jobs()
    if verb == "write_off":
        book.do(ledger.write_off, book.part("F-1", 1))
    elif verb == "credit":
        book.receive(new_id(), 20)
        book.use(book.part("F-1", 20))
    else:
        with transaction() as session:
            debtor = session.get_one(Debtor, book.debtor_id, with_for_update=True)
            ledger.apply_credit_note(
                session,
                debtor,
                credit_note_id=book.ids["N-1"],
                parts=[book.part("F-1", 5)],
                occasion=ledger.Occasion(clock.now(), clock.today()),
            )
    with reading() as session:
        told = session.scalars(select(OutboxMessage).where(OutboxMessage.topic == "debtor.owes_otherwise")).all()
    assert {row.payload["debtor"] for row in told} == {str(book.debtor_id)}
