"""Verbs on staff, second factors and sessions."""

import uuid
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from backoffice.access import second_factor
from backoffice.access.models import StaffMember, StaffRecoveryCode, StaffSession
from backoffice.access.permissions import Role
from shared.debtors.service import normalise_email
from shared.kit import audit, clock, db, tokens
from shared.kit.actors import Actor
from shared.kit.errors import Conflict, Invalid, NotFound
from shared.kit.ids import new_id
from shared.kit.words import gettext as _

IDLE = timedelta(hours=2)
ABSOLUTE = timedelta(hours=12)
SEEN_EVERY = timedelta(minutes=1)
PASSWORD_LINK_LIFE = timedelta(hours=48)


def real_now() -> datetime:
    """The moment for sessions and codes: a phone's codes and a thief's patience do not follow the demo's virtual time."""
    return clock.real_now()


def add_member(
    session: Session, *, email: str, name: str, role: Role, password_hash: str = "", language: str = "fr", by: Actor
) -> StaffMember:
    """A new member of staff; raises Invalid for a bad or known address.

    Without a password nobody can sign in as this person before they have chosen one by their link.
    """
    address = normalise_email(email)
    if session.scalar(select(StaffMember.id).where(StaffMember.email == address)):
        raise Invalid("staff.known", _("There is already a member of staff with the address %(email)s.", email=address))
    member = StaffMember(
        id=new_id(),
        email=address,
        name=name.strip() or address,
        password_hash=password_hash,
        role=role,
        language=language,
        created_at=clock.now(),
        made_by_id=by.id,
    )
    session.add(member)
    session.flush()
    _record(session, by, "staff.added", member.id, after={"email": address, "role": role.value})
    return member


def change_member(session: Session, member_id: uuid.UUID, *, name: str, role: Role, by: Actor) -> None:
    """Another name or role; a change of role ends the member's sessions. Raises Conflict when no admin would be left."""
    member = _get(session, member_id)
    before = {"name": member.name, "role": member.role.value}
    if member.role is Role.ADMIN and role is not Role.ADMIN:
        _keep_an_admin(session, member_id)
    if role is not member.role:
        end_all_sessions(session, member_id, reason="role changed")
        member.raised_at, member.raised_by_id = clock.now(), by.id
    member.name, member.role = name.strip() or member.email, role
    _record(session, by, "staff.changed", member_id, before=before, after={"name": member.name, "role": role.value})


def set_password(
    session: Session, member_id: uuid.UUID, *, password_hash: str, keep: uuid.UUID | None, by: Actor
) -> None:
    """Another password; every session but `keep` ends."""
    member = _get(session, member_id)
    member.password_hash = password_hash
    member.password_link_hash = member.password_link_until = None
    end_all_sessions(session, member_id, reason="password changed", keep=keep)
    _record(session, by, "staff.password_changed", member_id)


def make_password_link(session: Session, member_id: uuid.UUID) -> str:
    """The token of a link by which this person chooses a password, once, within two days; the one before is over."""
    member = _get(session, member_id)
    token = tokens.new_token()
    member.password_link_hash = tokens.digest(token)
    member.password_link_until = real_now() + PASSWORD_LINK_LIFE
    return token


def find_by_password_link(session: Session, token: str) -> StaffMember | None:
    """Who may choose a password with this link; None when it was used, has ended or never was."""
    return session.scalar(
        select(StaffMember).where(
            StaffMember.password_link_hash == tokens.digest(token),
            StaffMember.password_link_until > real_now(),
            StaffMember.disabled_at.is_(None),
        )
    )


def record_refused_link(session: Session, member_id: uuid.UUID, answer: str) -> None:
    """The mail server refused the address of a member of staff."""
    _record(session, Actor.system("mail"), "staff.link_refused", member_id, after={"answer": answer[:300]})


def record_link_sent(session: Session, member_id: uuid.UUID, *, by: Actor) -> None:
    """Somebody had a link for a new password sent."""
    _get(session, member_id)
    _record(session, by, "staff.password_link_sent", member_id)


def set_language(session: Session, member_id: uuid.UUID, *, language: str) -> None:
    _get(session, member_id).language = language


def disable(session: Session, member_id: uuid.UUID, *, by: Actor) -> None:
    """Nobody signs in as this member any more, and its sessions end. Raises Conflict for the last admin."""
    member = _get(session, member_id)
    if member.disabled_at is not None:
        return
    if member.role is Role.ADMIN:
        _keep_an_admin(session, member_id)
    member.disabled_at = clock.now()
    end_all_sessions(session, member_id, reason="disabled")
    _record(session, by, "staff.disabled", member_id)


def enable(session: Session, member_id: uuid.UUID, *, by: Actor) -> None:
    """A disabled member may sign in again."""
    member = _get(session, member_id)
    if member.disabled_at is not None:
        member.disabled_at = None
        member.raised_at, member.raised_by_id = clock.now(), by.id
        _record(session, by, "staff.enabled", member_id)


def confirm_enrolment(session: Session, member_id: uuid.UUID, *, salt: bytes, code: str, by: Actor) -> list[str] | None:
    """Take the first code: from now on the second factor is asked for. Gives the recovery codes, or None for a wrong code.

    `salt` is what the secret on the page was made from; it is kept with the first right code, not before. Raises
    Conflict when a second factor is set up already.
    """
    member = _get(session, member_id)
    if member.totp_confirmed_at is not None:
        raise Conflict("staff.enrolled", _("A second factor is already set up."))
    now = real_now()
    step = second_factor.find_step(salt, code, at=now, after=member.totp_last_step)
    if step is None:
        return None
    member.totp_salt = salt
    member.totp_last_step = step
    member.totp_confirmed_at = now
    session.execute(delete(StaffRecoveryCode).where(StaffRecoveryCode.member_id == member_id))
    codes = second_factor.new_recovery_codes()
    session.add_all(
        StaffRecoveryCode(id=new_id(), member_id=member_id, code_hash=second_factor.recovery_digest(each))
        for each in codes
    )
    _record(session, by, "staff.second_factor_set", member_id)
    return codes


def take_code(session: Session, member_id: uuid.UUID, *, code: str) -> bool:
    """Whether a code of the second factor is right; each code passes once. A recovery code is used up, with an audit line."""
    member = _get(session, member_id)
    if member.totp_salt is None or member.totp_confirmed_at is None:
        return False
    step = second_factor.find_step(member.totp_salt, code, at=real_now(), after=member.totp_last_step)
    if step is not None:
        member.totp_last_step = step
        return True
    used = session.scalar(
        update(StaffRecoveryCode)
        .where(StaffRecoveryCode.member_id == member_id, StaffRecoveryCode.used_at.is_(None))
        .where(StaffRecoveryCode.code_hash == second_factor.recovery_digest(code))
        .values(used_at=real_now())
        .returning(StaffRecoveryCode.id)
    )
    if used:
        _record(session, Actor.staff(member.id, member.name), "staff.recovery_code_used", member_id)
    return used is not None


def forget_second_factor(session: Session, member_id: uuid.UUID, *, by: Actor) -> None:
    """The phone is lost: the member enrols again at the next sign-in; its sessions end."""
    member = _get(session, member_id)
    member.totp_salt = member.totp_confirmed_at = None
    session.execute(delete(StaffRecoveryCode).where(StaffRecoveryCode.member_id == member_id))
    end_all_sessions(session, member_id, reason="second factor reset")
    _record(session, by, "staff.second_factor_reset", member_id)


def open_session(session: Session, member_id: uuid.UUID, *, user_agent: str, address: str) -> str:
    """A new session; gives its token, of which only the hash is kept."""
    token = tokens.new_token()
    now = real_now()
    session.add(
        StaffSession(
            id=new_id(),
            token_hash=tokens.digest(token),
            member_id=member_id,
            created_at=now,
            seen_at=now,
            confirmed_at=now,
            user_agent=user_agent[:200],
            address=address[:45],
        )
    )
    _record(session, Actor.staff(member_id, _get(session, member_id).name), "staff.signed_in", member_id)
    return token


def confirm_session(session: Session, session_id: uuid.UUID) -> None:
    """The person has proved anew to be who they are."""
    session.execute(update(StaffSession).where(StaffSession.id == session_id).values(confirmed_at=real_now()))


def end_session(session: Session, *, member_id: uuid.UUID, session_id: uuid.UUID, reason: str, by: Actor) -> None:
    """End one session of a member; raises NotFound when the member has no such live session."""
    ended = session.scalar(
        update(StaffSession)
        .where(StaffSession.id == session_id, StaffSession.member_id == member_id, StaffSession.ended_at.is_(None))
        .values(ended_at=real_now(), end_reason=reason)
        .returning(StaffSession.id)
    )
    if ended is None:
        raise NotFound("session.missing", _("This session has already ended."))
    _record(session, by, "staff.session_ended", member_id, after={"session": str(session_id), "reason": reason})


def end_all_sessions(session: Session, member_id: uuid.UUID, *, reason: str, keep: uuid.UUID | None = None) -> None:
    """End every session of a member but one."""
    query = update(StaffSession).where(StaffSession.member_id == member_id, StaffSession.ended_at.is_(None))
    if keep is not None:
        query = query.where(StaffSession.id != keep)
    session.execute(query.values(ended_at=real_now(), end_reason=reason))


def _get(session: Session, member_id: uuid.UUID) -> StaffMember:
    return db.lock(session, StaffMember, member_id)


def _keep_an_admin(session: Session, member_id: uuid.UUID) -> None:
    others = session.scalars(
        select(StaffMember.id)
        .where(StaffMember.role == Role.ADMIN, StaffMember.disabled_at.is_(None))
        .order_by(StaffMember.id)
        .with_for_update()
    ).all()
    if set(others) <= {member_id}:
        raise Conflict("staff.last_admin", _("This is the last administrator: make another one first."))


def _record(
    session: Session,
    by: Actor,
    action: str,
    member_id: uuid.UUID,
    *,
    before: dict[str, str] | None = None,
    after: dict[str, str] | None = None,
) -> None:
    audit.record(session, by, action, subject_type="staff", subject_id=member_id, before=before, after=after)
