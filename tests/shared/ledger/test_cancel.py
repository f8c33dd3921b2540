"""What is no longer in the books is taken off: at once what is free, and the rest when the payment that holds it ends."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import select

import wsgi
from shared.debtors.models import Debtor
from shared.invoices.models import Invoice
from shared.kit import clock
from shared.kit.audit import AuditLine
from shared.kit.db import reading, transaction
from shared.kit.errors import Conflict
from shared.kit.ids import new_id
from shared.kit.outbox.models import OutboxMessage
from shared.ledger import service as ledger
from shared.ledger.cancel import take_off
from shared.ledger.models import Kind
from tests.support.people import SYSTEM


@pytest.fixture
def books(book):
    wsgi.import_jobs()
    return book


def off(book, number: str, reason: str = "there twice") -> int:
    with transaction() as session:
        debtor = session.get_one(Debtor, book.debtor_id, with_for_update=True)
        invoice = session.get_one(Invoice, book.ids[number])
        return take_off(session, debtor, invoice, on=yesterday(), reason=reason, by=SYSTEM)


def yesterday() -> date:
    return clock.today() - timedelta(days=1)


def invoice_of(book, number: str) -> Invoice:
    with reading() as session:
        return session.get_one(Invoice, book.ids[number])


def told(topic: str = "invoice.lowered") -> list[dict[str, str]]:
    with reading() as session:
        rows = session.scalars(select(OutboxMessage).where(OutboxMessage.topic == topic))
        return [row.payload for row in rows]


def written() -> list[AuditLine]:
    with reading() as session:
        query = select(AuditLine).where(AuditLine.action == "invoice.cancelled").order_by(AuditLine.id)
        return list(session.scalars(query))


def test_what_is_free_leaves_at_once_and_the_day_in_the_books_is_the_day_of_its_settlement(books):
    assert off(books, "F-1") == 100

    assert (books.amounts("F-1"), books.debtor) == ([(0, 0)], (410, 0, 0))
    assert books.legs(Kind.IMPORTED) == [("elsewhere", "receivable", 100)]
    invoice = invoice_of(books, "F-1")
    assert (invoice.cancelled_on, invoice.settled_on, invoice.elsewhere_minor) == (yesterday(), yesterday(), 0)


def test_what_a_payment_holds_waits_for_its_end_and_is_settled_when_it_fails(books):
    payment = new_id()
    books.hold(payment, books.part("F-1", 60))

    assert off(books, "F-1") == 40
    assert (books.amounts("F-1"), books.debtor[:2]) == ([(60, 60)], (470, 60))
    assert invoice_of(books, "F-1").elsewhere_minor == 60

    books.do(ledger.void, payment=payment)
    assert (books.amounts("F-1"), books.debtor) == ([(0, 0)], (410, 0, 0))
    assert sorted(books.legs(Kind.IMPORTED)) == [("elsewhere", "receivable", 40), ("elsewhere", "receivable", 60)]


def test_what_a_payment_holds_whole_moves_nothing_yet(books):
    books.hold(new_id(), books.part("F-1", 100))

    assert off(books, "F-1") == 0
    assert (books.amounts("F-1"), books.legs(Kind.IMPORTED)) == ([(100, 100)], [])
    assert (invoice_of(books, "F-1").elsewhere_minor, invoice_of(books, "F-1").cancelled_on) == (100, yesterday())
    assert written()[0].after == {"number": "F-1", "minor": 0, "waits": 100, "reason": "there twice"}


def test_what_the_books_had_settled_before_does_not_wait_twice(books):
    books.hold(new_id(), books.part("F-1", 60))
    with transaction() as session:
        session.get_one(Invoice, books.ids["F-1"]).elsewhere_minor = 20

    off(books, "F-1")

    assert invoice_of(books, "F-1").elsewhere_minor == 60
    assert written()[0].after == {"number": "F-1", "minor": 40, "waits": 40, "reason": "there twice"}


def test_the_last_cent_is_taken_off_and_nothing_is_taken_off_twice(books):
    books.receive(new_id(), 99, books.part("F-1", 99))
    assert off(books, "F-1") == 1
    books.hold(new_id(), books.part("F-2", 200))
    off(books, "F-2")

    for number in ("F-1", "F-2"):
        with pytest.raises(Conflict) as refused:
            off(books, number)
        assert refused.value.code == "invoice.nothing_open"
    assert len(written()) == 2


def test_a_credit_note_that_is_taken_off_lowers_no_debt_and_wakes_nobody(books):
    assert off(books, "N-1") == 90
    assert (books.amounts("N-1"), books.debtor, told()) == ([(0, 0)], (600, 0, 0), [])


def test_debits_and_plans_hear_of_an_invoice_that_is_taken_off(books):
    off(books, "F-1")
    about = {"invoice": str(books.ids["F-1"]), "debtor": str(books.debtor_id)}
    assert told() == [about, about]  # announced debits look again, and so does a plan


def test_who_took_an_invoice_off_and_why_is_kept(books):
    off(books, "F-1", reason="  renumbered \n")

    (line,) = written()
    assert (line.subject_type, line.subject_id, line.debtor_id) == ("invoice", books.ids["F-1"], books.debtor_id)
    assert (line.company_id, line.actor_name) == (invoice_of(books, "F-1").company_id, SYSTEM.name)
    assert line.after == {"number": "F-1", "minor": 100, "waits": 0, "reason": "renumbered"}
