"""The daily sweep: page after page of what is over, each page in a transaction of its own with the count of what went.

It may be killed anywhere and started again: a run that was not finished goes on. Money is none of its business: no kind that is
swept has a row of the ledger, of an invoice or of a payment, and a test compares all totals before and after.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from shared.company.models import Company
from shared.kit import audit, clock, discarded
from shared.kit.actors import Actor
from shared.kit.db import reading, retrying, transaction
from shared.kit.each import act_on_each
from shared.kit.ids import new_id
from shared.kit.personal import Kind
from shared.personal import queries
from shared.personal.models import RetentionRun

PAGE = 500


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep removed, or would: rows of each kind of one company, or (None) of the installation."""

    company: str | None
    counts: Mapping[str, int]
    waits: tuple[str, ...]
    """Kinds that wait for two people."""


def sweep(*, by: Actor) -> list[Swept]:
    """Remove whatever is over, and the bytes of files that nobody needs any more."""
    done: list[Swept] = []
    try:
        act_on_each(_places(), lambda place: done.append(_sweep_one(*place, by=by)))
    finally:
        discarded.clear()
    return done


def preview() -> list[Swept]:
    """What a sweep would remove now; nothing is written."""
    found = []
    for code, company_id in _places():
        with reading() as session:
            free, waiting = _split(session, company_id)
            counts = {kind.name: queries.count_due(session, company_id, kind) for kind in (*free, *waiting)}
        found.append(Swept(code, counts, tuple(kind.name for kind in waiting)))
    return found


def _places() -> list[tuple[str | None, uuid.UUID | None]]:
    with reading() as session:
        companies = session.execute(select(Company.code, Company.id).order_by(Company.id)).all()
    return [*((row.code, row.id) for row in companies), (None, None)]


def _split(session: Session, company_id: uuid.UUID | None) -> tuple[list[Kind], list[Kind]]:
    """Kinds that may be swept, and those that wait for two people."""
    agreed = queries.released(session, company_id)
    kinds = queries.swept_kinds(company_id)
    free = [kind for kind in kinds if kind.is_security or kind.name in agreed]
    return free, [kind for kind in kinds if kind not in free]


def _sweep_one(code: str | None, company_id: uuid.UUID | None, *, by: Actor) -> Swept:
    run_id = retrying(partial(_begin, company_id))
    with reading() as session:
        free, waiting = _split(session, company_id)
    act_on_each(free, partial(_sweep_kind, run_id, company_id))
    counts = retrying(partial(_finish, run_id, by))
    return Swept(code, counts, tuple(kind.name for kind in waiting))


def _sweep_kind(run_id: uuid.UUID, company_id: uuid.UUID | None, kind: Kind) -> None:
    while retrying(partial(_sweep_page, run_id, company_id, kind)) == PAGE:
        pass


def _begin(company_id: uuid.UUID | None) -> uuid.UUID:
    """The run that was not finished, or a new one."""
    with transaction() as session:
        row: dict[str, Any] = {"id": new_id(), "company_id": company_id, "counts": {}, "begun_at": clock.now()}
        session.execute(insert(RetentionRun).values(row).on_conflict_do_nothing())
        mine = RetentionRun.company_id == company_id if company_id else RetentionRun.company_id.is_(None)
        return session.scalars(select(RetentionRun.id).where(mine, RetentionRun.finished_at.is_(None))).one()


def _sweep_page(run_id: uuid.UUID, company_id: uuid.UUID | None, kind: Kind) -> int:
    """Remove some rows of a kind; gives how many went."""
    if kind.due is None or kind.remove is None:
        return 0
    with transaction() as session:
        run = session.get_one(RetentionRun, run_id, with_for_update=True)
        due = kind.due(queries.scope_of(session, company_id, kind))
        keys = session.execute(due.limit(PAGE).with_for_update(skip_locked=True)).all()
        if keys:
            kind.remove(session, keys)
            run.counts = {**run.counts, kind.name: run.counts.get(kind.name, 0) + len(keys)}
        return len(keys)


def _finish(run_id: uuid.UUID, by: Actor) -> dict[str, int]:
    with transaction() as session:
        run = session.get_one(RetentionRun, run_id, with_for_update=True)
        if run.finished_at is None:
            run.finished_at = clock.now()
            if run.counts:
                audit.record(
                    session,
                    by,
                    "personal.swept",
                    subject_type="retention_run",
                    subject_id=run_id,
                    company_id=run.company_id,
                    after={"counts": run.counts},
                )
        return run.counts
