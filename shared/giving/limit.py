"""The limit itself: lowered at once, raised by two administrators, or after a day in which everybody who leads may stop it."""

from __future__ import annotations

import uuid
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared.company.models import Company
from shared.giving.models import LimitRaise, RaiseState
from shared.kit import audit, clock, db
from shared.kit.actors import Actor
from shared.kit.errors import Conflict, Invalid, NotFound
from shared.kit.ids import new_id
from shared.kit.second_person import Witness, must_be_independent
from shared.kit.words import gettext as _

WAIT = timedelta(hours=24)
"""How long a raise waits where there is no second administrator who could agree to it."""


def waiting(session: Session, company_id: uuid.UUID) -> LimitRaise | None:
    """The raise that waits, or None."""
    return session.scalar(
        select(LimitRaise).where(LimitRaise.company_id == company_id, LimitRaise.state == RaiseState.ASKED)
    )


def ask(session: Session, company_id: uuid.UUID, minor: int, *, by: Actor, has_second: bool) -> LimitRaise:
    """Ask that one person may give away more alone. Nothing changes yet.

    `has_second`: whether another administrator is there who could agree; if none is, it takes effect by itself after `WAIT`.
    Raises Invalid when it would be no raise, Conflict when one waits already.
    """
    company = db.lock(session, Company, company_id)
    if minor <= company.four_eyes_minor or by.id is None:
        raise Invalid("limit.no_raise", _("This is not more than one person may give away alone now."))
    if waiting(session, company_id) is not None:
        raise Conflict("limit.asked", _("A higher limit is asked for already. Decide on that first."))
    row = LimitRaise(
        id=new_id(),
        company_id=company_id,
        before_minor=company.four_eyes_minor,
        after_minor=minor,
        state=RaiseState.ASKED,
        asked_by_id=by.id,
        asked_by_name=by.name,
        asked_at=clock.now(),
        ripe_at=None if has_second else clock.now() + WAIT,
    )
    session.add(row)
    session.flush()
    _record(session, row, "company.limit_raise_asked", by)
    return row


def agree(session: Session, raise_id: uuid.UUID, *, company_id: uuid.UUID, by: Witness) -> LimitRaise:
    """A second administrator agrees: it counts at once. Raises NotFound, Conflict, Refused for who is no independent second."""
    row = _locked(session, raise_id, company_id)
    must_be_independent(by, asked_by_id=row.asked_by_id, asked_at=row.asked_at)
    _apply(session, row, by.actor)
    return row


def decline(session: Session, raise_id: uuid.UUID, *, company_id: uuid.UUID, by: Actor) -> LimitRaise:
    """The limit stays; who asked may take it back, too. Raises NotFound, Conflict."""
    row = _locked(session, raise_id, company_id)
    _decide(row, RaiseState.DECLINED, by)
    _record(session, row, "company.limit_raise_declined", by)
    return row


def ripe(session: Session) -> list[tuple[uuid.UUID, uuid.UUID]]:
    """Raises whose waiting time is over: each with its company."""
    query = select(LimitRaise.id, LimitRaise.company_id).where(
        LimitRaise.state == RaiseState.ASKED, LimitRaise.ripe_at <= clock.now()
    )
    return [(row.id, row.company_id) for row in session.execute(query.order_by(LimitRaise.id))]


def ripen(session: Session, raise_id: uuid.UUID, *, company_id: uuid.UUID, by: Actor) -> LimitRaise:
    """Nobody stopped it in its waiting time: it counts from now on. Raises Conflict when it is not ripe or was decided."""
    row = _locked(session, raise_id, company_id)
    if row.ripe_at is None or row.ripe_at > clock.now():
        raise Conflict("limit.not_ripe", _("The waiting time is not over."))
    _apply(session, row, by)
    return row


def _locked(session: Session, raise_id: uuid.UUID, company_id: uuid.UUID) -> LimitRaise:
    db.lock(session, Company, company_id)
    row = session.get(LimitRaise, raise_id, with_for_update=True, populate_existing=True)
    if row is None or row.company_id != company_id:
        raise NotFound("limit.missing", _("Nobody has asked for a higher limit."))
    if row.state is not RaiseState.ASKED:
        raise Conflict("limit.decided", _("This has been decided already."))
    return row


def _apply(session: Session, row: LimitRaise, by: Actor) -> None:
    _decide(row, RaiseState.AGREED, by)
    session.get_one(Company, row.company_id).four_eyes_minor = row.after_minor
    _record(session, row, "company.limit_raised", by)


def _decide(row: LimitRaise, state: RaiseState, by: Actor) -> None:
    row.state, row.decided_at = state, clock.now()
    row.decided_by_id, row.decided_by_name = by.id, by.name


def _record(session: Session, row: LimitRaise, action: str, by: Actor) -> None:
    audit.record(
        session,
        by,
        action,
        subject_type="company",
        subject_id=row.company_id,
        company_id=row.company_id,
        before={"minor": row.before_minor},
        after={"minor": row.after_minor, "asked_by": row.asked_by_name},
    )
    session.flush()
