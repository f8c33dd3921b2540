"""Automatic payment on the due date: the debtor switches it on and off, and says up to how much."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select

from payments import queries as payments
from payments.collections import choice
from payments.collections.reconsider import reconsider, reconsider_now, withdraw_now
from shared.access.queries import Visitor
from shared.debtors.models import Debtor
from shared.debtors.service import lock_account
from shared.kit import audit
from shared.kit.db import reading, retrying, transaction
from shared.kit.errors import Conflict, Unavailable
from shared.kit.money import Money
from shared.kit.words import gettext as _


@dataclass(frozen=True, slots=True)
class Autopay:
    """Whether invoices are paid by themselves, and up to how much; no maximum is None."""

    is_on: bool
    maximum: Money | None


def autopay_of(visitor: Visitor) -> Autopay:
    """What this debtor has chosen."""
    with reading() as session:
        row = session.execute(
            select(Debtor.autopay, Debtor.autopay_maximum_minor).where(Debtor.id == visitor.debtor_id)
        ).one()
    most = row.autopay_maximum_minor
    return Autopay(row.autopay, None if most is None else Money(most, visitor.currency))


def set_autopay(visitor: Visitor, *, is_on: bool, maximum: Money | None) -> tuple[date | None, ...]:
    """Choose. What no longer holds is called off, up to the moment at which the bank has it; gives the days of what it has.

    Raises Conflict("autopay.no_mandate") when there is no mandate to pay under.
    """

    def act() -> None:
        with transaction() as session:
            debtor = lock_account(session, visitor.debtor_id)
            if is_on and payments.usable_mandate(session, visitor.debtor_id) is None:
                raise Conflict("autopay.no_mandate", _("Automatic payment needs a mandate. Please sign one first."))
            before = {"autopay": debtor.autopay, "maximum_minor": debtor.autopay_maximum_minor}
            debtor.autopay = is_on
            debtor.autopay_maximum_minor = maximum.minor if is_on and maximum is not None else None
            session.flush()
            withdraw_now(session, debtor)
            reconsider(session, [debtor.id])
            audit.record(
                session,
                visitor.as_actor(),
                "debtor.autopay_on" if is_on else "debtor.autopay_off",
                subject_type="debtor",
                subject_id=visitor.debtor_id,
                company_id=visitor.company_id,
                debtor_id=visitor.debtor_id,
                before=before,
                after={"autopay": is_on, "maximum_minor": debtor.autopay_maximum_minor},
            )

    retrying(act)
    return _call_off(visitor)


def _call_off(visitor: Visitor) -> tuple[date | None, ...]:
    """Stop what is written: now, so that the page says what is so; by the job when the provider is silent."""
    try:
        return tuple(day for _reference, day in reconsider_now(visitor.debtor_id).left)
    except Unavailable:
        return ()


def leave_out(visitor: Visitor, invoice_id: uuid.UUID) -> date:
    """Take one invoice out of automatic payment; gives the day by which it must be paid otherwise.

    Raises as `payments.collections.choice.leave_out` does.
    """
    choice.stop_written(debtor_id=visitor.debtor_id, invoice_id=invoice_id)

    def act() -> date:
        with transaction() as session:
            return choice.leave_out(session, debtor_id=visitor.debtor_id, invoice_id=invoice_id, by=visitor.as_actor())

    return retrying(act)


def take_back(visitor: Visitor, invoice_id: uuid.UUID) -> None:
    """Let an invoice be debited by itself after all."""

    def act() -> None:
        with transaction() as session:
            choice.take_back(session, debtor_id=visitor.debtor_id, invoice_id=invoice_id, by=visitor.as_actor())

    retrying(act)
