"""Passing on what is somebody's: each affair in a transaction of its own, by its own verb, with its own line in the audit trail."""

from __future__ import annotations

import uuid
from datetime import timedelta
from functools import partial

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backoffice.access.models import StaffMember
from backoffice.access.permissions import may
from backoffice.colleagues import Colleague
from backoffice.handover.kinds import KINDS, Kind
from shared.kit import clock
from shared.kit.actors import Actor
from shared.kit.db import reading, retrying, transaction
from shared.kit.each import act_on_each

TIME_TO_PASS_ON = timedelta(minutes=10)
"""So long after a member is disabled whoever did it may still pass on what was his."""


def held(session: Session, staff_id: uuid.UUID) -> list[tuple[Kind, int]]:
    """How many live affairs of each kind are a member's; kinds with none are left out."""
    found = [
        (kind, session.scalar(select(func.count()).select_from(kind.held_by(staff_id).subquery())) or 0)
        for kind in KINDS
    ]
    return [(kind, count) for kind, count in found if count]


def pass_on(staff_id: uuid.UUID, to: Colleague | None, *, by: Actor, kinds: tuple[Kind, ...] = KINDS) -> int:
    """Make a member's live affairs a colleague's, or nobody's; gives how many. Twice passes on nothing."""
    with reading() as session:
        affairs = [(kind, identity) for kind in kinds for identity in session.scalars(kind.held_by(staff_id))]
    passed: list[uuid.UUID] = []

    def one(affair: tuple[Kind, uuid.UUID]) -> None:
        if retrying(partial(_one, *affair, staff_id, to, by)):
            passed.append(affair[1])

    act_on_each(affairs, one)
    return len(passed)


def _one(kind: Kind, identity: uuid.UUID, staff_id: uuid.UUID, to: Colleague | None, by: Actor) -> bool:
    with transaction() as session:
        if session.scalar(kind.held_by(staff_id).where(kind.identity == identity)) is None:
            return False  # ended, or given to somebody meanwhile
        kind.give(session, identity, to, by)
        return True


def release_departed() -> int:
    """Make nobody's what belongs to members who have left, or whose role no longer looks after such affairs; gives how many."""
    by = Actor.system("handover")
    count = 0
    for kind in KINDS:
        with reading() as session:
            holders = session.execute(
                select(StaffMember.id, StaffMember.role, StaffMember.disabled_at)
                .where(StaffMember.id.in_(select(kind.holder).where(kind.is_live, kind.holder.is_not(None))))
                .order_by(StaffMember.id)
            ).all()
        for staff_id, role, disabled_at in holders:
            has_left = disabled_at is not None and disabled_at <= clock.now() - TIME_TO_PASS_ON
            if has_left or not may(role, kind.permission):
                count += pass_on(staff_id, None, by=by, kinds=(kind,))
    return count
