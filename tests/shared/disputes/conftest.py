"""Dora's account with three invoices, and who speaks."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

import wsgi
from shared.debtors.models import Contact
from shared.disputes import service
from shared.disputes.models import Dispute, DisputePart
from shared.disputes.service import Claim
from shared.invoices.models import Invoice
from shared.kit import clock
from shared.kit.actors import Actor
from shared.kit.db import reading, transaction
from shared.kit.ids import new_id
from shared.ledger.enter import InvoiceDraft, LineDraft, enter
from shared.messages.models import Message
from tests.support.people import SYSTEM, a_company, a_debtor, an_invoice

STAFF = Actor.staff(uuid.UUID(int=7), "Camille Morel")


@dataclass
class Case:
    """One debtor and what she contests."""

    company_id: uuid.UUID
    debtor_id: uuid.UUID
    contact_id: uuid.UUID
    clock: clock.FrozenClock
    invoices: dict[str, uuid.UUID] = field(default_factory=dict)

    @property
    def dora(self) -> Actor:
        return Actor.contact(self.contact_id, "Dora Durand")

    def raises(self, *claims: Claim, reason: str = "price", text: str = "Two boxes are missing.", **more: Any):
        with transaction() as session:
            return service.raise_dispute(
                session,
                debtor_id=self.debtor_id,
                claims=claims or [Claim(self.invoices["F-1"])],
                reason_code=reason,
                text=text,
                attempt=more.pop("attempt", str(uuid.uuid4())),
                by=more.pop("by", self.dora),
                contact_id=more.pop("contact_id", self.contact_id),
                **more,
            )

    def act(self, verb: Any, dispute_id: uuid.UUID, **facts: Any) -> Any:
        with transaction() as session:
            return verb(session, dispute_id=dispute_id, **{"by": STAFF} | facts)

    def dispute(self, dispute_id: uuid.UUID) -> Dispute:
        with reading() as session:
            return session.get_one(Dispute, dispute_id)

    def parts(self, dispute_id: uuid.UUID) -> list[DisputePart]:
        with reading() as session:
            query = select(DisputePart).where(DisputePart.dispute_id == dispute_id).order_by(DisputePart.id)
            return list(session.scalars(query))

    def invoice(self, number: str) -> Invoice:
        with reading() as session:
            return session.scalars(select(Invoice).where(Invoice.number == number)).one()

    def mails(self, kind: str) -> list[Message]:
        with reading() as session:
            return list(session.scalars(select(Message).where(Message.kind == kind).order_by(Message.id)))

    def days(self, count: int) -> None:
        self.clock.advance(days=count)


@pytest.fixture
def case(database: object, settings: object, frozen: clock.FrozenClock) -> Case:
    """F-1 (120.00) and F-2 (80.00) have no lines; F-3 (100.00 + 20 %, and 50.00 + 5.5 %) has."""
    wsgi.import_jobs()
    with transaction() as session:
        company = a_company(session)
        debtor = a_debtor(session, company, language="en")
        contact = session.scalars(select(Contact)).one()
        made = Case(company.id, debtor.id, contact.id, frozen)
        made.invoices["F-1"] = an_invoice(session, debtor, "F-1", 12_000, due_in=-20).id
        made.invoices["F-2"] = an_invoice(session, debtor, "F-2", 8_000, due_in=10).id
        draft = InvoiceDraft(
            number="F-3",
            issued_on=clock.today(company.zone),
            due_on=clock.today(company.zone) + timedelta(days=30),
            lines=[
                LineDraft("Oak boards", Decimal(50), Decimal(2)),
                LineDraft("Books", Decimal(50), Decimal(1), vat_rate=Decimal("5.5")),
            ],
        )
        made.invoices["F-3"] = enter(session, debtor, draft, by=SYSTEM).id
    return made


def another_debtor(case: Case) -> tuple[uuid.UUID, uuid.UUID]:
    """Another debtor of the same company with an invoice: their ids."""
    with transaction() as session:
        from shared.company.models import Company

        company = session.get_one(Company, case.company_id)
        debtor = a_debtor(session, company, "411EVE", "Eve")
        return debtor.id, an_invoice(session, debtor, f"E-{new_id().hex[:6]}", 5_000).id
