"""What payments, mandates, promises, declared transfers, disputes and plans do alike: locked after their debtor, told of."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TypeVar

from sqlalchemy import ColumnElement, Row, select
from sqlalchemy.orm import Session

from shared.debtors.models import Affair
from shared.debtors.service import lock_owner
from shared.kit import audit, db, outbox
from shared.kit.actors import Actor
from shared.kit.errors import NotFound
from shared.kit.steps import Step

_A = TypeVar("_A", bound=Affair)
_S = TypeVar("_S", bound=Step)


def lock(session: Session, table: type[_A], identity: uuid.UUID, missing: NotFound | None = None) -> _A:
    """The affair, locked and read anew, after its debtor (the lock order of the house). Raises `missing`, a NotFound."""
    if lock_owner(session, select(table.debtor_id).where(table.id == identity)) is None:
        raise missing or NotFound("row.missing", f"no {table.__tablename__} {identity}")
    return db.lock(session, table, identity)


def record(
    session: Session,
    affair: Affair,
    *,
    action: str,
    by: Actor,
    before: Mapping[str, object] | None = None,
    after: Mapping[str, object] | None = None,
) -> None:
    """Add an audit line about an affair; the name of its table is the kind of the subject."""
    audit.record(
        session,
        by,
        action,
        subject_type=affair.__tablename__,
        subject_id=affair.id,
        company_id=affair.company_id,
        debtor_id=affair.debtor_id,
        before=None if before is None else dict(before),
        after=None if after is None else dict(after),
    )


def publish(
    session: Session, affair: Affair, topic: str, *, by: Actor, staff: uuid.UUID | None, dedupe_key: str
) -> None:
    """Tell whoever listens of an affair: whose it is, who did it, and who of the staff looks after it."""
    payload = {
        "company": str(affair.company_id),
        "debtor": str(affair.debtor_id),
        "id": str(affair.id),
        "by": by.kind,
        "staff": str(staff) if staff else None,
        "doer": str(by.id) if by.kind == "staff" and by.id else None,
    }
    outbox.publish(session, topic, payload, dedupe_key=dedupe_key)


def owes_otherwise(session: Session, debtor_id: uuid.UUID) -> None:
    """Tell whoever acts by itself on what a debtor owes that credit, or a part that is given up, has changed it."""
    outbox.publish(session, "debtor.owes_otherwise", {"debtor": str(debtor_id)})


def latest_steps(
    session: Session,
    steps: type[_S],
    affairs: type[_A],
    on: ColumnElement[bool],
    debtor_id: uuid.UUID,
    *conditions: ColumnElement[bool],
    before: datetime | None = None,
    limit: int,
) -> Sequence[Row[_S, _A]]:
    """The latest steps of a debtor's affairs of a kind, for a timeline: each with its affair, joined `on`."""
    query = (
        select(steps, affairs)
        .join(affairs, on)
        .where(affairs.debtor_id == debtor_id, *conditions)
        .order_by(steps.at.desc(), steps.id.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(steps.at < before)
    return session.execute(query).all()
