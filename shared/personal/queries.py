"""Terms in force, what may be swept, and what the next sweep would remove."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from shared.company.models import Company
from shared.kit import clock, personal
from shared.kit.personal import Kind, Scope
from shared.personal.models import ReleaseState, RetentionRelease, RetentionRun, RetentionTerm

COUNTED = 100_000
"""No preview counts further."""


@dataclass(frozen=True, slots=True)
class Held:
    """A kind as one company holds it."""

    kind: Kind
    length: int | None
    next_length: int | None
    """A term that begins later."""
    next_on: date | None
    due: int
    """How many rows the next sweep removes."""
    is_released: bool


def term_of(session: Session, company_id: uuid.UUID | None, kind: Kind, *, on: date) -> int:
    """For how long a kind is held on a day, in its unit: as the company chose, else as usual. Raises LookupError without a term."""
    if kind.term is None:
        raise LookupError(f"{kind.name} has no term")
    chosen = None
    if company_id is not None and kind.of_company:
        chosen = session.scalar(
            select(RetentionTerm.length)
            .where(RetentionTerm.company_id == company_id, RetentionTerm.kind == kind.name, RetentionTerm.from_on <= on)
            .order_by(RetentionTerm.from_on.desc(), RetentionTerm.id.desc())
            .limit(1)
        )
    # A bound that the law has moved since holds for what was chosen before, too.
    return min(max(chosen or kind.term.usual, kind.term.least), kind.term.most)


def scope_of(session: Session, company_id: uuid.UUID | None, kind: Kind) -> Scope:
    """What of a kind is over now; raises LookupError for a kind without a term."""
    zone = "Europe/Paris" if company_id is None else session.get_one(Company, company_id).zone
    length = term_of(session, company_id, kind, on=clock.today(zone))
    if kind.term is None:
        raise LookupError(f"{kind.name} has no term")
    moment = clock.real_now() if kind.in_real_time else clock.now()
    return Scope(company_id, kind.term.before(moment, length))


def swept_kinds(company_id: uuid.UUID | None) -> list[Kind]:
    """What a sweep of a company, or of the installation (None), looks at."""
    return [kind for kind in personal.all_kinds() if kind.due and kind.of_company == (company_id is not None)]


def released(session: Session, company_id: uuid.UUID | None) -> set[str]:
    """The kinds to which two people have agreed; what the installation holds is released with any company's release."""
    query = select(RetentionRelease.kinds).where(RetentionRelease.state == ReleaseState.AGREED)
    if company_id is not None:
        query = query.where(RetentionRelease.company_id == company_id)
    return {name for kinds in session.scalars(query) for name in kinds}


def unreleased(session: Session, company_id: uuid.UUID) -> set[str]:
    """What waits for two people before it is swept for the first time."""
    waits = {kind.name for of in (company_id, None) for kind in swept_kinds(of) if not kind.is_security}
    return waits - released(session, company_id)


def count_due(session: Session, company_id: uuid.UUID | None, kind: Kind) -> int:
    """How many rows of a kind the next sweep removes, counted up to `COUNTED`."""
    if kind.due is None:
        return 0
    some = kind.due(scope_of(session, company_id, kind)).limit(COUNTED).subquery()
    return session.execute(select(func.count()).select_from(some)).scalar_one()


def held(session: Session, company_id: uuid.UUID) -> list[Held]:
    """Every kind as a company holds it, with what the next sweep removes."""
    company = session.get_one(Company, company_id)
    today = clock.today(company.zone)
    free = released(session, company_id)
    free_here = released(session, None)
    coming = {
        row.kind: row
        for row in session.scalars(
            select(RetentionTerm)
            .where(RetentionTerm.company_id == company_id, RetentionTerm.from_on > today)
            .order_by(RetentionTerm.from_on.desc(), RetentionTerm.id)
        )
    }
    lines = []
    for kind in personal.all_kinds():
        of = company_id if kind.of_company else None
        later = coming.get(kind.name)
        lines.append(
            Held(
                kind=kind,
                length=term_of(session, of, kind, on=today) if kind.term else None,
                next_length=later.length if later else None,
                next_on=later.from_on if later else None,
                due=count_due(session, of, kind),
                is_released=kind.is_security or kind.name in (free if kind.of_company else free_here),
            )
        )
    return lines


@dataclass(frozen=True, slots=True)
class Release:
    """A wish that the sweep may begin, as it waits for a second person."""

    id: uuid.UUID
    counts: Mapping[str, int]
    asked_by: str
    asked_by_id: uuid.UUID | None
    asked_at: datetime


def waiting_release(session: Session, company_id: uuid.UUID) -> Release | None:
    """What waits for a second person, or None."""
    row = session.scalar(
        select(RetentionRelease).where(
            RetentionRelease.company_id == company_id, RetentionRelease.state == ReleaseState.ASKED
        )
    )
    return Release(row.id, row.counts, row.asked_by, row.asked_by_id, row.asked_at) if row else None


@dataclass(frozen=True, slots=True)
class Run:
    """One sweep, of a company or of the installation."""

    is_of_company: bool
    begun_at: datetime
    finished_at: datetime | None
    counts: Mapping[str, Any]


def last_runs(session: Session, company_id: uuid.UUID) -> list[Run]:
    """The latest sweep of a company, and of what the installation holds."""
    found = []
    for of in (company_id, None):
        row = session.scalar(
            select(RetentionRun)
            .where(RetentionRun.company_id == of if of else RetentionRun.company_id.is_(None))
            .order_by(RetentionRun.id.desc())
            .limit(1)
        )
        if row:
            found.append(Run(of is not None, row.begun_at, row.finished_at, row.counts))
    return found
