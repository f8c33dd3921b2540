"""Somebody waits for an account while it goes into another one: what he changes then is the other's, under its lock."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from backoffice.debtors.merge import merge
from backoffice.invoices import service as desk_invoices
from payments import service as payments
from payments.models import Means
from payments.receipts.service import record_receipt
from shared.debtors.models import Debtor
from shared.debtors.service import lock_debtor
from shared.invoices import service as invoices
from shared.invoices.models import Freeze, FreezeKind, Invoice
from shared.kit import clock
from shared.kit.actors import Actor
from shared.kit.db import reading, transaction
from shared.ledger.rules import Part
from tests.backoffice.imports.conftest import Desk
from tests.backoffice.imports.test_books import table
from tests.support.people import a_company

BY = Actor.system("test")
WAITS = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


@pytest.fixture
def desk(database, settings, frozen) -> Desk:
    with transaction() as session:
        company = a_company(session)
    return Desk(company)


class Account:
    """What an account has that goes into another: a payment, an invoice, and a hold on it."""

    def __init__(self, desk) -> None:
        desk.take(table("C1 F1 100,00 100,00", "C-1 F2 50,00 50,00"))
        self.old, self.into, self.invoice = desk.debtor_id("C-1"), desk.debtor_id("C1"), desk.invoice("F2").id
        with transaction() as session:
            day = clock.today("Europe/Paris")
            paid = [Part(self.invoice, 1_000)]
            debtor = lock_debtor(session, self.old)
            means = {"means": Means.TRANSFER, "minor": 1_000, "parts": paid, "received_on": day, "memo": ""}
            self.payment = record_receipt(session, debtor=debtor, **means, attempt="form", by=BY).id
            held = {"kind": FreezeKind.LEGAL_HOLD, "minor": 1_000, "reason": "a judge asked", "by": BY}
            self.freeze = invoices.freeze(session, invoice_id=self.invoice, **held).id


ACTS: dict[str, Callable[[Session, Account], object]] = {
    "a step of a payment": lambda session, its: payments.lock_payment(session, its.payment),
    "a hold on an invoice": lambda session, its: invoices.freeze(
        session, invoice_id=its.invoice, kind=FreezeKind.LEGAL_HOLD, minor=500, reason="another judge", by=BY
    ),
    "a hold that is lifted": lambda session, its: invoices.lift(session, freeze_id=its.freeze, by=BY),
    "an invoice that is taken off": lambda session, its: desk_invoices._locked(session, its.invoice),
}


@pytest.mark.parametrize("act", ACTS)
def test_who_waited_for_an_account_that_went_into_another_holds_the_lock_of_the_one_that_stays(desk, database, act):
    its = Account(desk)
    done, seen, wrong = threading.Event(), threading.Event(), []

    def wait_and_act() -> None:
        try:
            with transaction() as session:
                ACTS[act](session, its)
                session.flush()
                done.set()
                seen.wait(20)
        except Exception as error:  # noqa: BLE001 - whatever it is, the test says so
            wrong.append(error)
            done.set()

    other = threading.Thread(target=wait_and_act)
    with transaction() as session:
        merge(session, old_id=its.old, into_id=its.into, by=BY)
        session.flush()
        other.start()
        with database.connect() as looks:
            while not looks.execute(text(WAITS)).scalar_one():
                done.wait(0.05)
                looks.rollback()
    assert done.wait(20)
    is_locked = not may_lock(database, its.into)
    seen.set()
    other.join()

    assert wrong == []
    assert is_locked
    with reading() as session:
        assert session.get_one(Invoice, its.invoice).debtor_id == its.into
        assert (session.get_one(Freeze, its.freeze).lifted_at is not None) is (act == "a hold that is lifted")
        assert session.get_one(Debtor, its.old).merged_into_id == its.into


def may_lock(database, debtor_id: uuid.UUID) -> bool:
    with database.connect() as looks:
        try:
            looks.execute(text("SELECT FROM debtor WHERE id = :id FOR UPDATE NOWAIT"), {"id": debtor_id})
        except DBAPIError:
            return False
    return True
