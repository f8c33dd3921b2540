"""What payment plans mean for an account and its invoices: shown on the pages of other rooms."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from sqlalchemy import bindparam, exists, select
from sqlalchemy.orm import Session

from payments.plans import contents, progress, queries
from payments.plans.models import Plan
from payments.plans.queries import PlanLine
from payments.plans.status import FREEZES, PlanStatus
from shared.access.queries import Visitor
from shared.invoices.models import Freeze, FreezeKind
from shared.invoices.queries import InvoiceRow
from shared.kit.db import among, reading
from shared.kit.money import Money

S = PlanStatus
_LIVE = (S.NEEDS_PERSON, S.OFFERED, S.ACTIVE, S.PAUSED, S.IN_DEFAULT)

HAS_PLAN = exists().where(Plan.debtor_id == bindparam("debtor_id"), Plan.status.in_(_LIVE))
"""Whether an account has a plan that lives: asked with its standing, since most have none and are asked no more."""


@dataclass(frozen=True, slots=True)
class AccountPlan:
    """The plan of an account that asks for something, or will."""

    line: PlanLine
    due: Money
    """What is due of it today."""
    frozen: Money
    """What is paid by it instead of by its invoices' own days."""
    next_on: date | None
    """The day of the next instalment: of its debit when it is debited."""


def plan_of(visitor: Visitor) -> AccountPlan | None:
    """The plan that runs, else the offer that waits, else the proposal under review."""
    with reading() as session:
        line = queries.live_plan_of(session, visitor.debtor_id)
        if line is None:
            return None
        due = progress.payable(session, line.id, until=visitor.today)
        following = next((one.id for one in contents.instalments_of(session, line.id) if one.rest_minor), None)
        debit_on = contents.debit_days(session, [following]).get(following) if following else None
    zero = Money.zero(line.total.currency)
    return AccountPlan(
        line, Money(due, zero.currency), line.rest if line.status in FREEZES else zero, debit_on or line.next_on
    )


def plans_on(session: Session, rows: Iterable[InvoiceRow]) -> dict[uuid.UUID, tuple[uuid.UUID, str]]:
    """Invoice → the plan (its id and reference) that settles it now."""
    frozen = [row.id for row in rows if row.frozen_minor]
    if not frozen:
        return {}
    found = session.execute(
        select(Freeze.invoice_id, Plan.id, Plan.reference)
        .join(Plan, Plan.id == Freeze.subject_id)
        .where(among(Freeze.invoice_id, frozen), Freeze.kind == FreezeKind.PLAN, Freeze.lifted_at.is_(None))
    )
    return {row.invoice_id: (row.id, row.reference) for row in found}
