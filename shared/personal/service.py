"""Verbs: another term, and the yes of two people before old data goes for the first time."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared.company.models import Company
from shared.kit import audit, clock, db, personal
from shared.kit.actors import Actor
from shared.kit.errors import Conflict, Invalid, NotFound, Refused
from shared.kit.ids import new_id
from shared.kit.words import gettext as _
from shared.personal.models import ReleaseState, RetentionRelease, RetentionTerm
from shared.personal.queries import term_of, unreleased


def set_term(
    session: Session, company_id: uuid.UUID, name: str, *, length: int, from_on: date, by: Actor
) -> RetentionTerm | None:
    """Hold a kind for so long from a day on; None when it is so already on that day.

    Raises NotFound for an unknown kind, Invalid when the law wants it longer or shorter, or the day is past.
    """
    company = db.lock(session, Company, company_id)
    kind = personal.get(name)
    if kind.term is None or not kind.of_company or kind.term.is_fixed:
        raise Invalid("personal.fixed", _("How long this is kept is not for the company to choose."))
    if not kind.term.least <= length <= kind.term.most:
        raise Invalid(
            "personal.bounds",
            _(
                "%(kind)s: between %(least)s and %(most)s months.",
                kind=kind.label,
                least=kind.term.least,
                most=kind.term.most,
            ),
        )
    if from_on < clock.today(company.zone):
        raise Invalid("personal.past", _("A new period begins today at the earliest."))
    before = term_of(session, company_id, kind, on=from_on)
    if before == length:
        return None
    row = RetentionTerm(
        id=new_id(),
        company_id=company_id,
        kind=name,
        length=length,
        from_on=from_on,
        set_by=by.name,
        set_by_id=by.id,
        created_at=clock.now(),
    )
    session.add(row)
    session.flush()
    audit.record(
        session,
        by,
        "personal.term_set",
        subject_type="company",
        subject_id=company_id,
        company_id=company_id,
        before={"kind": name, "months": before},
        after={"kind": name, "months": length, "from": from_on.isoformat()},
    )
    return row


def ask_release(session: Session, company_id: uuid.UUID, counts: Mapping[str, int], *, by: Actor) -> RetentionRelease:
    """Ask that the sweep may begin with everything that it has not begun with; raises Conflict when there is nothing to ask."""
    db.lock(session, Company, company_id)
    waiting = session.scalar(
        select(RetentionRelease.id).where(
            RetentionRelease.company_id == company_id, RetentionRelease.state == ReleaseState.ASKED
        )
    )
    if waiting:
        raise Conflict("personal.release_waits", _("This waits for a second person already."))
    kinds = sorted(unreleased(session, company_id))
    if not kinds:
        raise Conflict("personal.released", _("Two people have agreed to this already."))
    row = RetentionRelease(
        id=new_id(),
        company_id=company_id,
        state=ReleaseState.ASKED,
        kinds=kinds,
        counts={name: counts.get(name, 0) for name in kinds},
        asked_by=by.name,
        asked_by_id=by.id,
        asked_at=clock.now(),
    )
    session.add(row)
    session.flush()
    audit.record(
        session,
        by,
        "personal.release_asked",
        subject_type="company",
        subject_id=company_id,
        company_id=company_id,
        after={"counts": row.counts},
    )
    return row


def decide_release(
    session: Session, release_id: uuid.UUID, *, company_id: uuid.UUID, agrees: bool, by: Actor
) -> RetentionRelease:
    """A second person agrees, or either declines; raises NotFound, Conflict when it waits no more, Refused for who asked."""
    row = session.scalar(
        select(RetentionRelease)
        .where(RetentionRelease.id == release_id, RetentionRelease.company_id == company_id)
        .with_for_update()
    )
    if row is None:
        raise NotFound("personal.no_release", _("Nobody has asked for this."))
    if row.state is not ReleaseState.ASKED:
        raise Conflict("personal.release_decided", _("This has been decided already."))
    if agrees and (by.id is None or by.id == row.asked_by_id):
        raise Refused("personal.four_eyes", _("Somebody else must agree to this."))
    row.state = ReleaseState.AGREED if agrees else ReleaseState.DECLINED
    row.decided_by, row.decided_by_id, row.decided_at = by.name, by.id, clock.now()
    audit.record(
        session,
        by,
        "personal.release_agreed" if agrees else "personal.release_declined",
        subject_type="company",
        subject_id=company_id,
        company_id=company_id,
        after={"kinds": row.kinds, "asked_by": row.asked_by},
    )
    return row
