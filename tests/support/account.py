"""One debtor's account on a real ledger, and the days that pass over it."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import date
from itertools import count

from sqlalchemy import select

from payments.models import Means
from payments.receipts import service as receipts
from shared.debtors.models import Contact, Debtor
from shared.kit import clock
from shared.kit.actors import Actor
from shared.kit.db import reading, transaction
from shared.kit.jobs import knock
from shared.kit.outbox.relay import perform_due
from shared.ledger.rules import Part
from shared.messages.models import Message
from tests.support.people import SYSTEM, a_company, a_debtor, an_invoice


class Account:
    """Dora owes F-1 of 1,000.00, ten days late, and F-2 of 500.00, due in five days."""

    def __init__(self, frozen: clock.FrozenClock) -> None:
        self.clock = frozen
        self._attempts = count()
        with transaction() as session:
            company = a_company(session)
            debtor = a_debtor(session, company)
            self.company_id, self.debtor_id = company.id, debtor.id
            self.one = an_invoice(session, debtor, "F-1", 100_000, due_in=-10).id
            self.two = an_invoice(session, debtor, "F-2", 50_000, due_in=5).id
            self.contact_id = session.scalars(select(Contact.id)).one()

    @property
    def dora(self) -> Actor:
        return Actor.contact(self.contact_id, "Dora")

    def attempt(self) -> str:
        """Another one each time."""
        return f"attempt-{next(self._attempts)}"

    def record_receipt(
        self, minor: int, parts: Sequence[Part] = (), on: date | None = None, debtor_id: uuid.UUID | None = None
    ) -> uuid.UUID:
        """A transfer that staff write down by hand."""
        with transaction() as session:
            return receipts.record_receipt(
                session,
                debtor=session.get_one(Debtor, debtor_id or self.debtor_id),
                means=Means.TRANSFER,
                minor=minor,
                received_on=on or clock.today(),
                memo="VIR",
                parts=parts,
                attempt=self.attempt(),
                by=SYSTEM,
            ).id

    def days(self, number: int) -> None:
        """So many days pass, and the house does its work."""
        self.clock.advance(days=number)
        self.work()

    def work(self) -> None:
        with transaction() as session:
            knock(session)
        while perform_due():
            pass

    def mails(self) -> list[str]:
        """The kinds of what was written, in order."""
        with reading() as session:
            return list(session.scalars(select(Message.kind).order_by(Message.id)))
