"""What the clock and the news ask of disputes."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared.company.queries import todays
from shared.disputes import service
from shared.disputes.models import Dispute, DisputePart
from shared.disputes.queries import is_live
from shared.disputes.rules import Status
from shared.disputes.settled import came_back, is_settled
from shared.invoices.models import Invoice
from shared.kit.actors import Actor
from shared.kit.db import reading, retrying, transaction
from shared.kit.each import act_on_each
from shared.kit.errors import Conflict
from shared.kit.jobs import duty, job, on

BY = Actor.system("disputes")

Verb = Callable[[Session, uuid.UUID], None]


@duty(every=timedelta(minutes=10))
@job("disputes.watch", exclusive=True, timeout_s=900)
def watch(_payload: dict[str, Any]) -> None:
    """Escalate what is overdue, let what is owed again be asked for, close what was paid by a way that sends no news.

    Safe to run twice: each dispute is looked at again under its lock.
    """
    with reading() as session:
        days = todays(session)
    found: list[tuple[Verb, uuid.UUID]] = []
    for company_id, today in days.items():
        with reading() as session:
            late = session.scalars(
                select(Dispute.id)
                .where(Dispute.company_id == company_id, is_live(), Dispute.due_on < today)
                .where(Dispute.status != Status.WAITING, Dispute.escalated_at.is_(None))
            ).all()
            over = session.scalars(
                select(Dispute.id)
                .where(Dispute.company_id == company_id, Dispute.owed_again_on <= today)
                .where(Dispute.owed_again_on.is_not(None), Dispute.released_at.is_(None))
            ).all()
            paid = session.scalars(_paid().where(Dispute.company_id == company_id)).all()
        found += (
            [(_escalate, one) for one in late] + [(_release, one) for one in over] + [(_settle, one) for one in paid]
        )
    act_on_each(found, _act)


@on("payment.confirmed")
@job("disputes.after_payment")
def after_payment(payload: dict[str, Any]) -> None:
    """Close the disputes of a debtor whose money was paid. Safe to run twice: what is closed stays so."""
    with reading() as session:
        found = session.scalars(_paid().where(Dispute.debtor_id == uuid.UUID(payload["debtor_id"]))).all()
    act_on_each([(_settle, dispute_id) for dispute_id in found], _act)


@on("payment.failed_late")
@on("payment.charged_back")
@on("payment.undone")
@job("disputes.after_return")
def after_return(payload: dict[str, Any]) -> None:
    """Money that had settled a dispute has gone back: it is open again. Safe to run twice: a live one is left alone."""
    with reading() as session:
        closed = session.scalars(
            select(Dispute.id)
            .where(Dispute.debtor_id == uuid.UUID(payload["debtor_id"]), Dispute.status == Status.SETTLED)
            .order_by(Dispute.id)
        ).all()
        found = [dispute_id for dispute_id in closed if came_back(session, dispute_id)]
    act_on_each([(_open_again, dispute_id) for dispute_id in found], _act)


def _paid() -> Any:
    """Live disputes of which no invoice has anything open."""
    still_open = (
        select(DisputePart.id)
        .join(Invoice, Invoice.id == DisputePart.invoice_id)
        .where(DisputePart.dispute_id == Dispute.id, Invoice.open_minor > 0)
        .exists()
    )
    return select(Dispute.id).where(is_live(), ~still_open).order_by(Dispute.id)


def _escalate(session: Session, dispute_id: uuid.UUID) -> None:
    service.escalate(session, dispute_id=dispute_id, by=BY)


def _release(session: Session, dispute_id: uuid.UUID) -> None:
    service.release(session, dispute_id=dispute_id, by=BY)


def _settle(session: Session, dispute_id: uuid.UUID) -> None:
    if is_settled(session, dispute_id):
        service.settle(session, dispute_id=dispute_id, by=BY)


def _open_again(session: Session, dispute_id: uuid.UUID) -> None:
    service.reopen(session, dispute_id=dispute_id, text="", by=BY)


def _act(wish: tuple[Verb, uuid.UUID]) -> None:
    verb, dispute_id = wish

    def once() -> None:
        with transaction() as session:
            verb(session, dispute_id)

    try:
        retrying(once)
    except Conflict:
        return  # a person was faster
