"""Dora, Eve and Otto with their invoices and mandates, without a provider: for what is read and written here alone."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import date, timedelta

import pytest
from sqlalchemy import select

import wsgi
from payments.collections.models import Collection, CollectionRun, CollectionState
from payments.models import Mandate, Means, Provider
from payments.service import PaymentDraft, advance, start
from payments.status import MandateStatus, PaymentStatus
from shared.debtors.models import DebtorContact
from shared.debtors.service import lock_debtor
from shared.invoices.models import Invoice
from shared.kit import clock
from shared.kit.db import reading, transaction
from shared.kit.ids import new_id
from shared.ledger.rules import Part
from tests.support.people import SYSTEM, a_company, a_debtor, an_invoice

TODAY = date(2026, 3, 10)


class Desk:
    """Dora owes F-1 to F-3 (100, 200, 300), Eve G-1; another company has Otto."""

    def __init__(self) -> None:
        with transaction() as session:
            company = a_company(session)
            other = a_company(session, "other", siren="552100554")
            self.company, self.other = company.id, other.id
            dora, eve = a_debtor(session, company), a_debtor(session, company, "411EVE", "Eve")
            otto = a_debtor(session, other, "411OTTO", "Otto")
            self.dora, self.eve, self.otto = dora.id, eve.id, otto.id
            owed = [(dora, f"F-{n}", n * 100, n) for n in (1, 2, 3)] + [(eve, "G-1", 700, 0), (otto, "O-1", 900, 0)]
            self.ids = {
                number: an_invoice(session, debtor, number, minor, due_in=days).id
                for debtor, number, minor, days in owed
            }
            self.mandates = {debtor.id: self._mandate(session, debtor) for debtor in (dora, eve, otto)}

    @staticmethod
    def _mandate(session, debtor) -> uuid.UUID:
        mandate = Mandate(
            id=new_id(),
            company_id=debtor.company_id,
            debtor_id=debtor.id,
            reference=f"M-{debtor.account_code}",
            attempt=f"m-{debtor.id}",
            idempotency_key=f"m-{debtor.id}",
            status=MandateStatus.ACTIVE,
            provider_reference=f"MD-{debtor.account_code}",
            created_at=clock.now(),
        )
        session.add(mandate)
        session.flush()
        return mandate.id

    def collection(self, number: str, minor: int = 50, *, in_days: int = 14, attempt_no: int = 1, **facts) -> uuid.UUID:
        with transaction() as session:
            invoice = session.get_one(Invoice, self.ids[number])
            row = Collection(
                id=new_id(),
                company_id=invoice.company_id,
                debtor_id=invoice.debtor_id,
                invoice_id=invoice.id,
                attempt_no=attempt_no,
                mandate_id=self.mandates[invoice.debtor_id],
                amount_minor=minor,
                announced_at=clock.now(),
                charge_on=TODAY + timedelta(days=in_days),
                **facts,
            )
            session.add(row)
            return row.id

    def pay(
        self,
        *parts: tuple[str, int],
        means: Means = Means.DEBIT,
        by_himself: bool = False,
        reason: str | None = None,
        attempt_no: int = 1,
        to: PaymentStatus | Sequence[PaymentStatus] = (),
    ) -> uuid.UUID:
        """A payment over invoices of one debtor; with a `reason`, the debit of a collection that says so."""
        with transaction() as session:
            debtor = lock_debtor(session, session.get_one(Invoice, self.ids[parts[0][0]]).debtor_id)
            contact = session.scalars(select(DebtorContact.contact_id).filter_by(debtor_id=debtor.id)).one()
            draft = PaymentDraft(
                attempt=str(new_id()),
                means=means,
                provider=Provider.GOCARDLESS if means is Means.DEBIT else Provider.STRIPE,
                parts=[Part(self.ids[number], minor) for number, minor in parts],
                contact_id=contact if by_himself else None,
                mandate_id=self.mandates[debtor.id] if means is Means.DEBIT else None,
            )
            payment = start(session, debtor, draft, by=SYSTEM)
            identity = payment.id
        if reason is not None:
            for number, minor in parts:
                self.collection(
                    number,
                    minor,
                    attempt_no=attempt_no,
                    state=CollectionState.CREATED,
                    reason=reason,
                    payment_id=identity,
                )
        for step in [to] if isinstance(to, PaymentStatus) else to:
            with transaction() as session:
                advance(session, identity, step, by=SYSTEM)
        return identity

    def run(self, company: uuid.UUID, run_on: date = TODAY, **facts) -> uuid.UUID:
        with transaction() as session:
            row = CollectionRun(id=new_id(), company_id=company, run_on=run_on, started_at=clock.now(), **facts)
            session.add(row)
            return row.id

    def change(self, model, identity: uuid.UUID, **values) -> None:
        with transaction() as session:
            row = session.get_one(model, identity)
            for name, value in values.items():
                setattr(row, name, value)


@pytest.fixture
def desk(database, settings, frozen):
    wsgi.import_jobs()
    return Desk()


def ask(verb, *given, **more):
    with reading() as session:
        return verb(session, *given, **more)
