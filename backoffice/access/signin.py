"""Signing in: password, then the second factor, then a session. Counted by person and by address, one answer for all."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select

from backoffice.access import passwords, service
from backoffice.access.models import StaffMember
from shared.kit import audit, limits
from shared.kit.actors import Actor
from shared.kit.db import reading, transaction
from shared.kit.errors import DomainError
from shared.kit.settings import get_settings
from shared.kit.words import gettext as _

WINDOW = timedelta(minutes=15)
TRIES_PER_PERSON_AND_ADDRESS = 10
TRIES_PER_ADDRESS = 50
TRIES_PER_PERSON = 100
CODES_PER_PERSON = 6
HALF_WAY = timedelta(minutes=10)


class TooManyTries(DomainError):  # noqa: N818
    """Wait."""

    http_status = 429


@dataclass(frozen=True, slots=True)
class Known:
    """Somebody whose password was right."""

    id: uuid.UUID
    has_second_factor: bool

    @property
    def must_enrol(self) -> bool:
        """Whether a second factor has to be set up before a session opens."""
        return not self.has_second_factor and get_settings().totp_is_required


def check_password(email: str, password: str, *, address: str) -> Known | None:
    """Who this is, or None for a wrong pair, an unknown or a disabled person alike. Raises TooManyTries.

    Only failures stay counted: an office behind one address may sign in as often as it likes.
    """
    person, caller = email.strip().lower(), limits.caller(address)
    keys = (
        (f"staff-in|{person}|{caller}", TRIES_PER_PERSON_AND_ADDRESS),
        (f"staff-in-address|{caller}", TRIES_PER_ADDRESS),
        (f"staff-in-person|{person}", TRIES_PER_PERSON),
    )
    _count(*keys)
    with reading() as session:
        member = session.scalar(
            select(StaffMember).where(StaffMember.email == person, StaffMember.disabled_at.is_(None))
        )
    is_right = passwords.fits(member.password_hash if member else None, password)
    if member is None or not is_right:
        _failed("staff.sign_in_failed", member.id if member else None, address)
        return None
    _give_back(*keys)
    return Known(member.id, member.totp_confirmed_at is not None)


def check_again(member_id: uuid.UUID, password: str) -> bool:
    """Whether somebody with a session knows their password. Raises TooManyTries."""
    key = (f"staff-again|{member_id}", TRIES_PER_PERSON_AND_ADDRESS)
    _count(key)
    with reading() as session:
        stored = session.scalar(
            select(StaffMember.password_hash).where(StaffMember.id == member_id, StaffMember.disabled_at.is_(None))
        )
    if not passwords.fits(stored, password):
        _failed("staff.proof_failed", member_id)
        return False
    _give_back(key)
    return True


def check_code(member_id: uuid.UUID, code: str) -> bool:
    """Whether a code of the second factor, or a recovery code, is right. Raises TooManyTries."""
    key = (f"staff-code|{member_id}", CODES_PER_PERSON)
    _count(key)
    with transaction() as session:
        is_right = service.take_code(session, member_id, code=code)
    if is_right:
        _give_back(key)
    else:
        _failed("staff.code_failed", member_id)
    return is_right


def is_fresh(since: datetime, within: timedelta) -> bool:
    """Whether something happened not longer ago than that."""
    return since <= service.real_now() + timedelta(seconds=5) and service.real_now() - since < within


def _failed(action: str, member_id: uuid.UUID | None, address: str = "") -> None:
    """A line in the audit trail; of unknown people only from where, since what was typed may be a password."""
    with transaction() as session:
        audit.record(
            session,
            Actor.system("sign-in"),
            action,
            subject_type="staff",
            subject_id=member_id,
            after={"address": address} if address else None,
        )


def _give_back(*keys: tuple[str, int]) -> None:
    with transaction() as session:
        for key, _limit in keys:
            limits.give_back(session, key, window=WINDOW)


def _count(*keys: tuple[str, int]) -> None:
    with transaction() as session:
        passed = [limits.hit(session, key, limit=limit, window=WINDOW) for key, limit in keys]
    if not all(passed):
        raise TooManyTries("staff.too_many_tries", _("Too many tries. Please wait a quarter of an hour."))
