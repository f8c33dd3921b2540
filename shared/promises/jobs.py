"""Looking at the ledger for promises: when money moves, and each day."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from shared.company.queries import todays
from shared.kit.db import reading, transaction
from shared.kit.each import act_on_each
from shared.kit.jobs import duty, job, on
from shared.promises import service
from shared.promises.models import Promise
from shared.promises.queries import to_look_at
from shared.promises.rules import PromiseState


@on("payment.submitted")
@on("payment.confirmed")
@on("payment.failed")
@on("payment.failed_late")
@on("payment.cancelled")
@on("payment.expired")
@on("payment.charged_back")
@on("payment.chargeback_won")
@on("payment.undone")
@job("promises.follow_money")
def follow_money(payload: dict[str, Any]) -> None:
    """Money moved. Safe to run twice: what the ledger says is found again, and a step taken is not taken twice."""
    _look_at_debtor(uuid.UUID(payload["debtor_id"]))


@on("invoice.lifted")
@on("declaration.refused")
@on("declaration.expired")
@job("promises.follow_holds")
def follow_holds(payload: dict[str, Any]) -> None:
    """Something else let go of an invoice. Safe to run twice: a look finds the same again."""
    _look_at_debtor(uuid.UUID(payload["debtor"]))


def _look_at_debtor(debtor_id: uuid.UUID) -> None:
    with reading() as session:
        found = to_look_at(session, debtor_id)
    act_on_each(found, _look)


def _look(promise_id: uuid.UUID) -> None:
    with transaction() as session:
        service.look(session, promise_id)


@duty(every=timedelta(minutes=30))
@job("promises.look", queue="night", timeout_s=900, exclusive=True)
def look(_payload: dict[str, Any]) -> None:
    """Look once a day at every live promise, each in a transaction of its own. Twice is safe: what was looked at is left."""
    with reading() as session:
        due = [
            promise_id
            for company_id, today in todays(session).items()
            for promise_id in session.scalars(
                select(Promise.id)
                .where(Promise.company_id == company_id, Promise.state == PromiseState.EXPECTED)
                .where(Promise.looked_on < today)
                .order_by(Promise.debtor_id, Promise.id)
            )
        ]
    act_on_each(due, _look)
