"""Paying a part of a payment plan: its money is frozen for everything else, and free for the debtor himself."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from payments.models import Payment
from payments.plans import contents, progress, queries
from portal.pay.rules import Chosen, Wish
from shared.access.queries import Visitor
from shared.invoices import queries as invoices
from shared.kit.errors import NotFound
from shared.kit.words import gettext as _


@dataclass(frozen=True, slots=True)
class PlanShare:
    """What is paid of a plan. `version` changes with every payment that was begun for it and every cent that came."""

    plan_id: uuid.UUID
    reference: str
    chosen: Sequence[Chosen]
    version: str

    def attempt_of(self, shown: str) -> str:
        """The attempt of the payment for a version: two tabs that show the same begin one payment."""
        return progress.payment_attempt(self.plan_id, shown)


def read_share(session: Session, visitor: Visitor, wish: Wish) -> PlanShare:
    """What of a plan may be paid now, as parts of its invoices in their order. Raises NotFound for another's plan."""
    if wish.plan_id is None:
        raise NotFound("plan.missing", _("There is no such plan."))
    plan = queries.plan_of(session, visitor.debtor_id, wish.plan_id)
    parts = progress.parts_for_instalment(session, wish.plan_id, everything=wish.is_rest)
    rows = {row.id: row for row in invoices.rows_of(session, visitor.debtor_id, [part.invoice_id for part in parts])}
    chosen = [
        Chosen(row.id, row.number, row.due_on, part.minor, row.open_minor)
        for part in parts
        if (row := rows[part.invoice_id])
    ]
    return PlanShare(plan.line.id, plan.line.reference, chosen, _version(session, plan, wish, chosen))


def _version(session: Session, plan: queries.PlanView, wish: Wish, chosen: Sequence[Chosen]) -> str:
    begun = session.scalar(
        select(func.count())
        .select_from(Payment)
        .where(Payment.debtor_id == plan.line.debtor_id)
        .where(Payment.attempt.startswith(contents.attempt_prefix(plan.line.id), autoescape=True))
    )
    said = [
        str(begun),
        str(plan.line.rest.minor),
        str(wish.is_rest),
        *(f"{one.invoice_id}:{one.minor}" for one in chosen),
    ]
    return hashlib.sha256("|".join(said).encode()).hexdigest()[:32]


def plan_of_attempt(attempt: str) -> uuid.UUID | None:
    """The plan that a payment was meant for; None for any other payment."""
    head, _colon, rest = attempt.partition(":")
    try:
        return uuid.UUID(rest.partition(":")[0]) if head == "plan" else None
    except ValueError:
        return None
