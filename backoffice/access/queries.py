"""Reads on staff and their sessions."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from backoffice.access.member import Desk, Member
from backoffice.access.models import StaffMember, StaffRecoveryCode, StaffSession
from backoffice.access.permissions import Role
from backoffice.access.service import ABSOLUTE, IDLE, SEEN_EVERY, real_now
from shared.company.models import Company
from shared.debtors.service import by_name
from shared.kit import tokens
from shared.kit.db import reading, transaction


@dataclass(frozen=True, slots=True)
class StaffLine:
    """One member of staff in a list."""

    id: uuid.UUID
    email: str
    name: str
    role: Role
    has_second_factor: bool
    disabled_at: datetime | None
    last_seen_at: datetime | None


@dataclass(frozen=True, slots=True)
class SessionLine:
    """One live session in a list."""

    id: uuid.UUID
    created_at: datetime
    seen_at: datetime
    user_agent: str
    address: str


def find_member(token: str, *, company: str | None) -> Member | None:
    """Whose session a token is, while it lives; None otherwise. `company` is the id of the one chosen, if any."""
    now = real_now()
    with reading() as session:
        row = session.execute(
            select(StaffMember, StaffSession)
            .join(StaffSession, StaffSession.member_id == StaffMember.id)
            .where(StaffSession.token_hash == tokens.digest(token), StaffSession.ended_at.is_(None))
            .where(StaffMember.disabled_at.is_(None))
        ).one_or_none()
        if row is None:
            return None
        staff, live = row
        if now >= live.created_at + ABSOLUTE or now >= live.seen_at + IDLE:
            return None
        desks = _desks(session)
    if now >= live.seen_at + SEEN_EVERY:
        with transaction() as session:
            session.execute(update(StaffSession).where(StaffSession.id == live.id).values(seen_at=now))
    chosen = next((desk for desk in desks if str(desk.id) == company), desks[0] if desks else None)
    return Member(
        id=staff.id,
        email=staff.email,
        name=staff.name,
        role=staff.role,
        language=staff.language,
        session_id=live.id,
        token=token,
        confirmed_at=live.confirmed_at,
        has_second_factor=staff.totp_confirmed_at is not None,
        companies=desks,
        company=chosen,
    )


def _desks(session: Session) -> tuple[Desk, ...]:
    rows = session.execute(
        select(Company.id, Company.code, Company.trade_name, Company.accent, Company.zone, Company.currency).order_by(
            Company.created_at, Company.id
        )
    )
    return tuple(Desk(*row) for row in rows)


def staff(session: Session) -> list[StaffLine]:
    """Everybody who works or worked at the desk, by name; those who left last."""
    last = (
        select(func.max(StaffSession.seen_at)).where(StaffSession.member_id == StaffMember.id).correlate(StaffMember)
    ).scalar_subquery()
    rows = session.execute(
        select(
            StaffMember.id,
            StaffMember.email,
            StaffMember.name,
            StaffMember.role,
            StaffMember.totp_confirmed_at.is_not(None),
            StaffMember.disabled_at,
            last,
        ).order_by(StaffMember.id)
    )
    lines = [StaffLine(*row) for row in rows]
    return sorted(lines, key=lambda line: (line.disabled_at is not None, by_name(line.name)))


def live_sessions(session: Session, member_id: uuid.UUID) -> list[SessionLine]:
    """A member's sessions that have not ended, the latest first."""
    now = real_now()
    rows = session.execute(
        select(
            StaffSession.id,
            StaffSession.created_at,
            StaffSession.seen_at,
            StaffSession.user_agent,
            StaffSession.address,
        )
        .where(StaffSession.member_id == member_id, StaffSession.ended_at.is_(None))
        .where(StaffSession.created_at > now - ABSOLUTE, StaffSession.seen_at > now - IDLE)
        .order_by(StaffSession.id.desc())
    )
    return [SessionLine(*row) for row in rows]


def recovery_codes_left(session: Session, member_id: uuid.UUID) -> int:
    """How many recovery codes are not used yet."""
    query = select(func.count()).select_from(StaffRecoveryCode)
    query = query.where(StaffRecoveryCode.member_id == member_id, StaffRecoveryCode.used_at.is_(None))
    return session.scalar(query) or 0
