"""What collections ask of plans: which instalments may be announced and debited, and of which invoices' money."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from sqlalchemy import ColumnElement, exists, select
from sqlalchemy.orm import Session

from payments.collections import eligible
from payments.collections.instalments import Instalment
from payments.collections.models import Collection, CollectionState
from payments.collections.standing import standing_of
from payments.deciding import Facts
from payments.plans import contents, progress, rules
from payments.plans.models import Plan, PlanInstalment
from payments.plans.status import PlanStatus
from shared.company.models import Company
from shared.debtors.models import Debtor
from shared.ledger.rules import Part

_REST = PlanInstalment.amount_minor - PlanInstalment.credited_minor - PlanInstalment.settled_minor
_OPEN = _REST > 0
_HAS_LIVE = exists().where(Collection.instalment_id == PlanInstalment.id, Collection.state == CollectionState.ANNOUNCED)
_WAS_TRIED = eligible.was_tried(Collection.instalment_id == PlanInstalment.id)


class PlanDebits:
    """Instalments of plans that run and are collected by mandate (`payments.collections.instalments.Instalments`)."""

    def debtors(
        self, session: Session, company: Company, *, until: date, after: uuid.UUID | None, limit: int
    ) -> Sequence[uuid.UUID]:
        """Debtors with an instalment to announce that is due up to a day, by id, after one."""
        query = (
            select(Plan.debtor_id)
            .join(PlanInstalment, PlanInstalment.plan_id == Plan.id)
            .where(Plan.company_id == company.id, Plan.status == PlanStatus.ACTIVE, Plan.by_mandate)
            .where(PlanInstalment.due_on <= until, _OPEN, ~_HAS_LIVE)
            .distinct()
            .order_by(Plan.debtor_id)
            .limit(limit)
        )
        return session.scalars(query if after is None else query.where(Plan.debtor_id > after)).all()

    def candidates(self, session: Session, debtor: Debtor, *, until: date) -> Sequence[Instalment]:
        """A debtor's open instalments by mandate that are due up to a day, the earliest first.

        Usually none: the acceptance announced them all. These are the ones whose mandate came later, or came back.
        """
        rows = session.execute(
            select(PlanInstalment, Plan, _HAS_LIVE.label("has_live"), _WAS_TRIED.label("was_tried"))
            .join(Plan, Plan.id == PlanInstalment.plan_id)
            .where(Plan.debtor_id == debtor.id, Plan.status == PlanStatus.ACTIVE, Plan.by_mandate)
            .where(PlanInstalment.due_on <= until, _OPEN)
            .order_by(PlanInstalment.due_on, PlanInstalment.id)
        ).all()
        made = []
        for row, plan, has_live, was_tried in rows:
            wanted = progress.debitable(session, plan.id, until=row.due_on)
            facts = self._facts(session, plan, row, asked=row.rest_minor, free=min(row.rest_minor, wanted))
            facts = replace(facts, has_live=has_live, was_tried=was_tried)
            made.append(self._instalment(session, plan, row, facts))
        return made

    def look(
        self, session: Session, instalment_id: uuid.UUID, *, charge_on: date, own: uuid.UUID | None = None
    ) -> Instalment:
        """One instalment; what is open is what its plan asks for up to the day of the debit.

        `own`: its debit, when that is written.
        """
        row = session.get_one(PlanInstalment, instalment_id, populate_existing=True)
        plan = session.get_one(Plan, row.plan_id, populate_existing=True)
        until = max(charge_on, row.due_on)
        asked = rules.asked_until(progress.dues_of(contents.instalments_of(session, plan.id)), until)
        free = progress.debitable(session, plan.id, until=until, own=own)
        facts = self._facts(session, plan, row, asked=asked, free=free, own=own)
        return self._instalment(session, plan, row, replace(facts, has_live=True))

    def _facts(
        self, session: Session, plan: Plan, row: PlanInstalment, *, asked: int, free: int, own: uuid.UUID | None = None
    ) -> Facts:
        """What is asked for and what of it is free; when nothing is, whether a bank or a refund stands in the way.

        What is free and yet not to be had of any invoice is disputed or on hold. Of a written debit that is looked for
        elsewhere (`payments.frozen`): it holds what it takes.
        """
        is_stopped = asked > 0 and free <= 0
        frozen = max(0, free - progress.free_minor(session, plan.id)) if own is None else 0
        return Facts(
            due_on=row.due_on,
            open_minor=asked,
            held_minor=asked - min(asked, free),
            frozen_minor=frozen,
            maximum_minor=None,
            credit_minor=self._covered(session, plan, free, own=own),
            is_contested=is_stopped and contents.contested(session, plan.id) > 0,
            was_refunded=is_stopped and contents.refunded(session, plan) > 0,
        )

    @staticmethod
    def _covered(session: Session, plan: Plan, free: int, *, own: uuid.UUID | None) -> int:
        """What of so much the account's credit covers: it shortens a plan at its end, so that the last debits are less."""
        debtor = session.get_one(Debtor, plan.debtor_id)
        credit = standing_of(session, debtor).credit_left
        left = progress.left_beside(session, plan.id, own=own) - credit
        return max(0, free - max(0, left))

    def may_not_hold(self) -> ColumnElement[bool]:
        """Of a collection: less is left of its instalment than its debit takes."""
        return exists().where(PlanInstalment.id == Collection.instalment_id, Collection.amount_minor > _REST)

    def runs(self, session: Session, instalment_id: uuid.UUID) -> bool:
        """Whether its plan runs and is collected by mandate."""
        plan = session.scalar(
            select(Plan)
            .join(PlanInstalment, PlanInstalment.plan_id == Plan.id)
            .where(PlanInstalment.id == instalment_id)
        )
        return plan is not None and plan.status is PlanStatus.ACTIVE and plan.by_mandate

    def parts(self, session: Session, instalment_id: uuid.UUID, minor: int) -> list[Part]:
        """So much of its plan as parts of invoices. Raises Conflict("plan.less_left")."""
        return progress.parts_for(session, session.get_one(PlanInstalment, instalment_id).plan_id, minor)

    def attempt(self, session: Session, instalment_id: uuid.UUID, attempt_no: int) -> str:
        """The attempt of its debit: (plan, instalment, attempt number)."""
        row = session.get_one(PlanInstalment, instalment_id)
        return progress.payment_attempt(row.plan_id, f"instalment:{row.position}:{attempt_no}")

    @staticmethod
    def _instalment(session: Session, plan: Plan, row: PlanInstalment, facts: Facts) -> Instalment:
        count = len(contents.instalments_of(session, plan.id))
        return Instalment(row.id, progress.label(plan, row, count), row.due_on, facts)
