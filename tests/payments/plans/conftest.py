"""A debtor with three invoices, and short ways to plans of his."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from payments.collections.run import run as run_collections
from payments.plans import accepting, contents, progress, queries, service
from payments.plans.accepting import Evidence
from payments.plans.follow import follow_all
from payments.plans.models import Plan
from payments.plans.rules import Terms
from payments.reconcile.verify import verify
from shared.company.models import Company
from shared.debtors.models import Contact
from shared.invoices.models import Freeze, FreezeKind, Invoice
from shared.kit import clock
from shared.kit.actors import Actor
from shared.kit.db import reading, transaction
from shared.ledger.rules import Part
from shared.messages.models import Message
from tests.support.counter import Counter

STAFF = Actor.staff(uuid.UUID(int=7), "Sam")


@dataclass
class Planner:
    """What a debtor and staff do with plans, each in a transaction of its own."""

    counter: Counter

    @property
    def debtor_id(self) -> uuid.UUID:
        return self.counter.debtor_id

    def contact(self) -> Contact:
        with reading() as session:
            return session.scalars(select(Contact).order_by(Contact.id)).first()

    def wish(self, **terms: Any) -> Terms:
        return Terms(**({"first_on": clock.today() + timedelta(days=20), "count": 3} | terms))

    def propose(self, *numbers: str, attempt: str = "form-1", **terms: Any) -> Plan:
        with transaction() as session:
            return service.propose(
                session,
                debtor_id=self.debtor_id,
                contact_id=self.contact().id,
                invoice_ids=[self.counter.invoices[number] for number in numbers] or None,
                wish=self.wish(**terms),
                message="",
                attempt=attempt,
                by=Actor.contact(self.contact().id, "Dora"),
            )

    def evidence(self) -> Evidence:
        contact = self.contact()
        return Evidence(
            contact_id=contact.id,
            name="Dora Durand",
            email=contact.email,
            address="192.0.2.7",
            user_agent="Mozilla/5.0 (test)",
            language="fr",
            verified_at=clock.now(),
        )

    def accept(self, plan: Plan) -> Plan:
        with transaction() as session:
            by = Actor.contact(self.contact().id, "Dora")
            return accepting.accept(session, plan_id=plan.id, evidence=self.evidence(), by=by)

    def agree(self, *numbers: str, **terms: Any) -> Plan:
        plan = self.accept(self.propose(*numbers, **terms))
        self.counter.deliver()
        return plan

    def do(self, verb: Any, plan: Plan, **given: Any) -> Any:
        with transaction() as session:
            return verb(session, plan_id=plan.id, **({"by": STAFF} | given))

    def plan(self, plan: Plan) -> Plan:
        with reading() as session:
            return session.get_one(Plan, plan.id)

    def instalments(self, plan: Plan) -> list[tuple[int, int, int]]:
        """(amount, credited, settled) of each."""
        with reading() as session:
            rows = contents.instalments_of(session, plan.id)
            return [(row.amount_minor, row.credited_minor, row.settled_minor) for row in rows]

    def settled(self, plan: Plan) -> list[int]:
        return [settled for _amount, _credited, settled in self.instalments(plan)]

    def view(self, plan: Plan) -> queries.PlanView:
        with reading() as session:
            return queries.plan_of(session, self.debtor_id, plan.id)

    def pay(self, plan: Plan, *, everything: bool = False) -> tuple[list[Part], Any]:
        """By card, what is due now, or all the rest; gives its parts and the provider's page."""
        with reading() as session:
            parts = progress.parts_for_instalment(session, plan.id, everything=everything)
        attempt = progress.payment_attempt(plan.id, self.counter.new_attempt())
        return parts, self.counter.pay_by_card(*parts, attempt=attempt)

    def differences(self) -> list[str]:
        """What `guichet verify` would say; nothing when all is well."""
        return [str(difference) for difference in verify().differences]

    def frozen(self) -> dict[str, int]:
        """Number → what plans freeze of it, checked against the invoice's own figure."""
        with reading() as session:
            rows = session.execute(
                select(Invoice.number, Invoice.frozen_minor, Freeze.amount_minor)
                .join(Freeze, Freeze.invoice_id == Invoice.id)
                .where(Freeze.kind == FreezeKind.PLAN, Freeze.lifted_at.is_(None))
            ).all()
            assert all(row.frozen_minor >= row.amount_minor for row in rows)
            return {row.number: row.amount_minor for row in rows}

    def follow(self) -> list[str]:
        return [line.act for line in follow_all().lines]

    def mails(self, *kinds: str) -> list[Message]:
        with reading() as session:
            query = select(Message).order_by(Message.id)
            return list(session.scalars(query.where(Message.kind.in_(kinds)) if kinds else query))

    def live(self, days: int) -> list[str]:
        """Days pass; debits are made and plans are looked at every day."""
        acts = []
        with reading() as session:
            company_id = session.scalars(select(Company.id)).one()
        for _ in range(days):
            self.counter.days(1)
            run_collections(company_id)
            self.counter.deliver()
            acts += self.follow()
            self.counter.deliver()
        return acts


@pytest.fixture
def planner(counter: Counter) -> Planner:
    """Dora owes 300.00, 200.00 and 100.01."""
    counter.open_account(amounts=(30_000, 20_000, 10_001))
    return Planner(counter)
