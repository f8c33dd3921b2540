"""The verbs of the ledger, each beside the amounts that it caches and the legs that it writes."""

from __future__ import annotations

import pytest

from shared.debtors.models import Debtor
from shared.kit import clock
from shared.kit.db import reading, transaction
from shared.kit.errors import Conflict
from shared.kit.ids import new_id
from shared.ledger import service as ledger
from shared.ledger.models import Kind

PROVIDER = "gocardless"


def test_a_hold_reserves_and_a_void_frees(book):
    payment = new_id()
    book.hold(payment, book.part("F-1", 100), book.part("F-2", 50))
    assert (book.amounts("F-1", "F-2"), book.debtor[1]) == ([(100, 100), (200, 50)], 150)

    book.do(ledger.void, payment=payment)
    book.do(ledger.void, payment=payment)

    assert (book.amounts("F-1", "F-2"), book.debtor[1]) == ([(100, 0), (200, 0)], 0)


@pytest.mark.parametrize("minor", [0, -1, 101])
def test_nothing_and_more_than_is_there_is_not_held(book, minor):
    with pytest.raises(Conflict):
        book.hold(new_id(), book.part("F-1", minor))
    assert book.amounts("F-1") == [(100, 0)]


def test_what_is_held_is_not_held_twice_and_a_note_is_never_paid(book):
    book.hold(new_id(), book.part("F-1", 60))
    with pytest.raises(Conflict):
        book.hold(new_id(), book.part("F-1", 41))
    book.hold(new_id(), book.part("F-1", 40))
    with pytest.raises(Conflict):
        book.hold(new_id(), book.part("N-1", 10))


def test_a_post_settles_what_was_held(book):
    payment = new_id()
    book.hold(payment, book.part("F-1", 100), book.part("F-2", 50))
    book.post(payment, 150, book.part("F-1", 100), book.part("F-2", 50), name="PM1")

    assert (book.amounts("F-1", "F-2"), book.debtor) == ([(0, 0), (150, 0)], (360, 0, 0))
    assert book.settled_on("F-1") == clock.today()
    assert book.settled_on("F-2") is None


def test_a_provider_that_took_less_settles_the_first_parts_only(book):
    payment = new_id()
    book.hold(payment, book.part("F-1", 100), book.part("F-2", 50))
    book.post(payment, 120, book.part("F-1", 100), book.part("F-2", 50), name="PM1")

    assert (book.amounts("F-1", "F-2"), book.debtor) == ([(0, 0), (180, 0)], (390, 0, 0))
    assert book.on("clearing_gocardless") == 120


def test_a_provider_that_took_nothing_frees_all(book):
    payment = new_id()
    book.hold(payment, book.part("F-1", 100), book.part("F-2", 50))
    book.post(payment, 100, book.part("F-1", 100), book.part("F-2", 50), name="PM1")

    assert (book.amounts("F-1", "F-2"), book.debtor[2]) == ([(0, 0), (200, 0)], 0)


def test_a_provider_that_took_more_leaves_credit(book):
    payment = new_id()
    book.hold(payment, book.part("F-1", 60))
    book.post(payment, 75, book.part("F-1", 60), name="PM1")

    assert (book.amounts("F-1"), book.debtor[2]) == ([(40, 0)], 15)


def test_money_that_held_nothing_takes_nothing_that_another_payment_holds(book):
    book.hold(new_id(), book.part("F-1", 70))

    book.receive(new_id(), 100, book.part("F-1", 100))

    assert (book.amounts("F-1"), book.debtor) == ([(70, 70)], (480, 70, 70))


def test_credit_goes_back_before_invoices_and_the_last_settled_first(book):
    payment = new_id()
    book.receive(payment, 350, book.part("F-1", 100), book.part("F-2", 200))
    assert book.debtor[2] == 50

    book.back(payment, 60)
    assert (book.amounts("F-1", "F-2"), book.debtor[2]) == ([(0, 0), (10, 0)], 0)
    assert book.settled_on("F-2") is None

    book.back(payment, 200)
    assert book.amounts("F-1", "F-2") == [(10, 0), (200, 0)]


def test_credit_that_was_used_is_restored_the_last_used_first(book):
    payment = new_id()
    book.receive(payment, 100)
    book.use(book.part("F-2", 30))
    book.use(book.part("F-3", 40))
    book.use(book.part("F-1", 20))
    assert book.debtor[2] == 10

    book.back(payment, 45)

    assert (book.amounts("F-1", "F-2", "F-3"), book.debtor[2]) == ([(100, 0), (170, 0), (275, 0)], 0)
    assert book.legs(Kind.CREDIT_RESTORED) == [("receivable", "credit", 20), ("receivable", "credit", 15)]
    book.back(payment, 55)
    assert book.amounts("F-1", "F-2", "F-3") == [(100, 0), (200, 0), (300, 0)]


def test_more_than_a_payment_brought_goes_back_only_as_a_loss_and_is_made_good_first(book):
    payment = new_id()
    book.receive(payment, 100, book.part("F-1", 100))
    with pytest.raises(Conflict):
        book.back(payment, 130)
    assert book.amounts("F-1") == [(0, 0)]

    book.back(payment, 130, may_lose=True, kind=Kind.CHARGEBACK)
    assert (book.amounts("F-1"), book.on("loss")) == ([(100, 0)], 30)

    book.receive(payment, 50, book.part("F-1", 100), kind=Kind.CHARGEBACK_WON)
    assert (book.amounts("F-1"), book.on("loss"), book.debtor[2]) == ([(80, 0)], 0, 0)

    book.receive(payment, 10, book.part("F-1", 100), kind=Kind.CHARGEBACK_WON)
    assert (book.amounts("F-1"), book.on("loss")) == ([(70, 0)], 0)


def test_a_loss_is_made_good_in_parts(book):
    payment = new_id()
    book.receive(payment, 10, book.part("F-1", 10))
    book.back(payment, 50, may_lose=True, kind=Kind.CHARGEBACK)
    for left in (25, 10, 0):
        book.receive(payment, 15, book.part("F-1", 10), kind=Kind.CHARGEBACK_WON)
        assert book.on("loss") == left
    assert book.amounts("F-1") == [(95, 0)]


def test_credit_is_used_only_as_far_as_it_goes(book):
    book.receive(new_id(), 50)
    book.hold(new_id(), book.part("F-1", 80))
    for wrong in (book.part("F-2", 51), book.part("F-2", 0), book.part("F-1", 21)):
        with pytest.raises(Conflict):
            book.use(wrong)
    book.use(book.part("F-1", 20), book.part("F-2", 30))
    assert (book.amounts("F-1", "F-2"), book.debtor[2]) == ([(80, 80), (170, 0)], 0)


def test_a_note_is_used_only_as_far_as_it_goes_and_is_settled_when_nothing_is_left(book):
    def use(minor: int) -> None:
        with transaction() as session:
            debtor = session.get_one(Debtor, book.debtor_id, with_for_update=True)
            ledger.apply_credit_note(
                session,
                debtor,
                credit_note_id=book.ids["N-1"],
                parts=[book.part("F-1", minor)],
                occasion=ledger.Occasion(clock.now(), clock.today()),
            )

    for wrong in (0, 91):
        with pytest.raises(Conflict):
            use(wrong)
    use(40)
    assert (book.amounts("N-1", "F-1"), book.settled_on("N-1"), book.debtor[0]) == ([(50, 0), (60, 0)], None, 510)
    use(50)
    assert (book.amounts("N-1", "F-1"), book.settled_on("N-1")) == ([(0, 0), (10, 0)], clock.today())


def test_a_write_off_takes_no_more_than_is_there(book):
    book.hold(new_id(), book.part("F-1", 80))
    with pytest.raises(Conflict):
        book.do(ledger.write_off, book.part("F-1", 21))
    book.do(ledger.write_off, book.part("F-1", 20))
    assert (book.amounts("F-1"), book.on("write_off")) == ([(80, 80)], 20)


def test_what_was_written_off_is_open_again_up_to_the_total(book):
    book.do(ledger.write_off, book.part("F-1", 20))
    with pytest.raises(Conflict):
        book.do(ledger.take_back_write_off, book.part("F-1", 21))
    book.do(ledger.take_back_write_off, book.part("F-1", 20))
    assert (book.amounts("F-1"), book.on("write_off")) == ([(100, 0)], 0)


def test_each_round_of_a_provider_object_has_a_name_of_its_own(book):
    def name() -> str:
        with reading() as session:
            return ledger.next_round(session, provider=PROVIDER, reference="PM1", kind=Kind.PAYMENT)

    assert name() == "PM1"
    for expected in ("PM1#2", "PM1#3"):
        payment = new_id()
        book.hold(payment, book.part("F-3", 10))
        book.post(payment, 10, book.part("F-3", 10), name=name())
        assert name() == expected
    payment = new_id()
    book.hold(payment, book.part("F-3", 10))
    book.post(payment, 10, book.part("F-3", 10), name="PM12")
    assert name() == "PM1#3"


def test_what_movements_of_one_kind_less_another_moved(book):
    payment = new_id()
    book.receive(payment, 100, book.part("F-1", 100))
    book.back(payment, 70, kind=Kind.CHARGEBACK)
    book.receive(payment, 30, book.part("F-1", 100), kind=Kind.CHARGEBACK_WON)
    with reading() as session:
        assert ledger.net_of(session, payment, plus=Kind.CHARGEBACK, minus=Kind.CHARGEBACK_WON) == 40
        assert ledger.net_of(session, new_id(), plus=Kind.CHARGEBACK, minus=Kind.CHARGEBACK_WON) == 0


def test_invoices_are_locked_in_the_order_of_their_ids(book):
    with transaction() as session:
        assert list(ledger.lock_invoices(session, [book.ids["F-3"], book.ids["F-1"]])) == [
            book.ids["F-1"],
            book.ids["F-3"],
        ]
        assert ledger.lock_invoices(session, []) == {}
