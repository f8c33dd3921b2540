"""Dora's account, and the proof that its books are right after each test."""

from __future__ import annotations

import uuid

import pytest
from sqlalchemy import select, text

from payments.reconcile.proof import Proof
from payments.reconcile.verify import check_books
from shared.debtors.models import Debtor
from shared.invoices.models import Invoice, InvoiceKind
from shared.kit import clock
from shared.kit.db import reading, transaction
from shared.ledger import service as ledger
from shared.ledger.models import Account, Kind, Transfer
from shared.ledger.rules import Part
from tests.support.people import a_company, a_debtor, an_invoice

PROVIDER = "gocardless"


class Book:
    """Dora's account: F-1 of 100, F-2 of 200, F-3 of 300."""

    def __init__(self) -> None:
        with transaction() as session:
            debtor = a_debtor(session, a_company(session))
            self.debtor_id = debtor.id
            self.ids = {f"F-{n}": an_invoice(session, debtor, f"F-{n}", n * 100, due_in=n).id for n in (1, 2, 3)}
            note = an_invoice(session, debtor, "N-1", 90, kind=InvoiceKind.CREDIT_NOTE)
            self.ids["N-1"] = note.id

    def part(self, number: str, minor: int) -> Part:
        return Part(self.ids[number], minor)

    def do(self, verb, *args, payment: uuid.UUID | None = None, name: str | None = None, **more):
        with transaction() as session:
            debtor = session.get_one(Debtor, self.debtor_id, with_for_update=True)
            occasion = ledger.Occasion(clock.now(), clock.today(), payment, PROVIDER if name else None, name)
            return verb(session, debtor, *args, occasion=occasion, **more)

    def hold(self, payment: uuid.UUID, *parts: Part) -> None:
        self.do(ledger.hold, parts, payment=payment, account=Account.GOCARDLESS)

    def post(self, payment: uuid.UUID, minor: int, *parts: Part, name: str | None = None) -> None:
        self.do(ledger.post, payment=payment, name=name, account=Account.GOCARDLESS, minor=minor, parts=parts)

    def back(self, payment: uuid.UUID, minor: int, *, may_lose: bool = False, kind: Kind = Kind.LATE_FAILURE) -> None:
        self.do(
            ledger.take_back, payment=payment, kind=kind, account=Account.GOCARDLESS, minor=minor, may_lose=may_lose
        )

    def receive(self, payment: uuid.UUID, minor: int, *parts: Part, kind: Kind = Kind.RECEIPT) -> None:
        self.do(
            ledger.settle_directly, payment=payment, account=Account.GOCARDLESS, minor=minor, parts=parts, kind=kind
        )

    def use(self, *parts: Part) -> None:
        with transaction() as session:
            debtor = session.get_one(Debtor, self.debtor_id, with_for_update=True)
            ledger.apply_credit(session, debtor, parts, ledger.Occasion(clock.now(), clock.today()))

    def amounts(self, *numbers: str) -> list[tuple[int, int]]:
        with reading() as session:
            rows = {row.number: (row.open_minor, row.held_minor) for row in session.scalars(select(Invoice))}
        return [rows[number] for number in numbers]

    def settled_on(self, number: str):
        with reading() as session:
            return session.get_one(Invoice, self.ids[number]).settled_on

    @property
    def debtor(self) -> tuple[int, int, int]:
        """Open, held, credit."""
        with reading() as session:
            row = session.get_one(Debtor, self.debtor_id)
            return row.open_minor, row.held_minor, row.credit_minor

    def legs(self, kind: Kind, **where) -> list[tuple[str, str, int]]:
        with reading() as session:
            rows = session.scalars(
                select(Transfer).where(Transfer.kind == kind).filter_by(**where).order_by(Transfer.leg)
            )
            return [(row.debit_account.value, row.credit_account.value, row.amount_minor) for row in rows]

    def on(self, account: str) -> int:
        with reading() as session:
            return int(
                session.scalar(
                    text(
                        "SELECT coalesce(sum(CASE WHEN debit_account = :a THEN amount_minor ELSE -amount_minor END), 0)"
                        " FROM ledger_transfer WHERE :a IN (debit_account, credit_account)"
                        " AND phase IN ('posted', 'post')"
                    ),
                    {"a": account},
                )
            )


CACHES = {
    "invoice open",
    "invoice held",
    "debtor open",
    "debtor held",
    "debtor credit",
    "invoice issued",
    "invoice settled day",
    "movement between accounts",
    "legs of a movement",
    "resolution equals its hold",
    "invoice and its movements",
}


@pytest.fixture
def book(database, settings, frozen):
    made = Book()
    yield made
    proof = Proof()
    with reading() as session:
        check_books(session, proof)
    assert [str(one) for one in proof.differences if one.check in CACHES] == []
