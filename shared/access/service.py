"""Verbs on links, codes and sessions."""

import enum
import hmac
import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import ColumnElement, and_, delete, insert, or_, select, update
from sqlalchemy.orm import Session

from shared.access.models import LinkPurpose, MagicLink, OneTimeCode, PortalSession
from shared.company.models import Company
from shared.debtors.models import Debtor, DebtorContact
from shared.kit import audit, clock, db, tokens
from shared.kit.actors import Actor
from shared.kit.db import among
from shared.kit.errors import NotFound
from shared.kit.ids import new_id
from shared.kit.settings import get_settings
from shared.kit.words import gettext as _

CODE_LIFE = timedelta(minutes=10)
"""OWASP ASVS 5.0, 6.5.5: out-of-band codes live ten minutes at most."""

CODE_TRIES = 5


def make_link(
    session: Session,
    *,
    debtor_id: uuid.UUID,
    contact_id: uuid.UUID,
    purpose: LinkPurpose,
    message_id: uuid.UUID | None = None,
) -> str:
    """A new magic link of a contact to a debtor's account; gives its token, which is kept nowhere.

    It lives as many days as the company says (45 unless changed). The address is `<public_url>/l/<token>`.
    """
    company = session.get_one(Company, session.get_one(Debtor, debtor_id).company_id)
    token = tokens.new_token()
    now = clock.now()
    session.add(
        MagicLink(
            id=new_id(),
            token_hash=tokens.digest(token),
            debtor_id=debtor_id,
            contact_id=contact_id,
            purpose=purpose,
            message_id=message_id,
            created_at=now,
            expires_at=now + timedelta(days=company.link_days),
        )
    )
    return token


@dataclass(frozen=True, slots=True)
class LinkWish:
    """A link that a message takes along."""

    message_id: uuid.UUID
    company_id: uuid.UUID
    debtor_id: uuid.UUID
    contact_id: uuid.UUID
    purpose: LinkPurpose


def make_links(session: Session, wishes: Sequence[LinkWish]) -> dict[uuid.UUID, str]:
    """New links for some messages in one statement; gives the token of each by its message."""
    if not wishes:
        return {}
    now = clock.now()
    found = {wish.message_id: tokens.new_token() for wish in wishes}
    days = {each: session.get_one(Company, each).link_days for each in {wish.company_id for wish in wishes}}
    session.execute(
        insert(MagicLink),
        [
            {
                "id": new_id(),
                "token_hash": tokens.digest(found[wish.message_id]),
                "debtor_id": wish.debtor_id,
                "contact_id": wish.contact_id,
                "purpose": wish.purpose,
                "message_id": wish.message_id,
                "created_at": now,
                "expires_at": now + timedelta(days=days[wish.company_id]),
                "use_count": 0,
            }
            for wish in wishes
        ],
    )
    return found


def forget_links(session: Session, message_ids: Sequence[uuid.UUID], *, debtor_ids: Sequence[uuid.UUID]) -> None:
    """Take back the links of messages that have certainly not left: nobody has them."""
    session.execute(
        delete(MagicLink)
        .where(
            among(MagicLink.debtor_id, debtor_ids), among(MagicLink.message_id, message_ids), MagicLink.use_count == 0
        )
        .execution_options(synchronize_session=False)
    )


def is_waiting_for_code(session: Session, session_id: uuid.UUID) -> bool:
    """Whether a portal session is still open, so that a code would serve."""
    return session.scalar(select(PortalSession.ended_at.is_(None)).where(PortalSession.id == session_id)) is True


@dataclass(frozen=True, slots=True)
class Opened:
    """A session that has just begun; `token` is what its cookie holds, and is kept nowhere."""

    session_id: uuid.UUID
    token: str


def redeem(session: Session, *, token: str, address: str, user_agent: str) -> Opened | None:
    """Open a session with a magic link; None when it is wrong, over or revoked, or its contact no longer acts.

    A link may be used any number of times: a mail scanner that follows and submits it cannot burn it.
    """
    now = clock.now()
    link = session.execute(
        update(MagicLink)
        .where(MagicLink.token_hash == tokens.digest(token), MagicLink.revoked_at.is_(None), MagicLink.expires_at > now)
        .where(_acts(MagicLink.debtor_id, MagicLink.contact_id))
        .values(use_count=MagicLink.use_count + 1, last_used_at=now)
        .returning(MagicLink.id, MagicLink.debtor_id, MagicLink.contact_id)
    ).one_or_none()
    if link is None:
        return None
    row = PortalSession(
        link_id=link.id, debtor_id=link.debtor_id, contact_id=link.contact_id, address=address, user_agent=user_agent
    )
    return _open(session, row)


def switch(session: Session, *, session_id: uuid.UUID, debtor_id: uuid.UUID) -> Opened:
    """Leave a session for one to another account of the same contact and company; keeps tier and address.

    Raises NotFound when the contact does not act for that debtor.
    """
    before = db.lock(session, PortalSession, session_id)
    company_of = select(Debtor.company_id)
    may = session.scalar(
        select(Debtor.id)
        .where(Debtor.id == debtor_id, _acts(Debtor.id, before.contact_id))
        .where(Debtor.company_id == company_of.where(Debtor.id == before.debtor_id).scalar_subquery())
    )
    if may is None:
        raise NotFound("account.missing", _("There is no such account."))
    before.ended_at = clock.real_now()
    row = PortalSession(
        link_id=before.link_id,
        debtor_id=debtor_id,
        contact_id=before.contact_id,
        address=before.address,
        user_agent=before.user_agent,
        verified_at=before.verified_at,
    )
    return _open(session, row)


def _open(session: Session, row: PortalSession) -> Opened:
    token, now = tokens.new_token(), clock.real_now()
    row.id, row.token_hash, row.created_at, row.seen_at = new_id(), tokens.digest(token), now, now
    row.user_agent = "".join(c for c in row.user_agent if c.isprintable())[:200]
    row.address = row.address[:45]
    session.add(row)
    session.flush()
    return Opened(row.id, token)


def renew(session: Session, *, session_id: uuid.UUID) -> str:
    """A new token for a session that has risen to the second tier (ASVS 5.0, 7.2.4): its former cookie opens nothing."""
    token = tokens.new_token()
    row = db.lock(session, PortalSession, session_id)
    row.token_hash = tokens.digest(token)
    session.flush()
    return token


def touch(session: Session, *, session_id: uuid.UUID, is_verified: bool) -> None:
    """A session is in use: its idle time begins anew, that of its second tier too while it lasts."""
    now = clock.real_now()
    values = {"seen_at": now, "verified_at": now} if is_verified else {"seen_at": now}
    session.execute(update(PortalSession).where(PortalSession.id == session_id).values(**values))


def end_session(session: Session, *, session_id: uuid.UUID, debtor_id: uuid.UUID) -> None:
    """End a session of a debtor's account. Twice is harmless; raises NotFound for one of another account."""
    row = session.scalar(
        select(PortalSession).where(PortalSession.id == session_id, PortalSession.debtor_id == debtor_id)
    )
    if row is None:
        raise NotFound("session.missing", _("There is no such session."))
    row.ended_at = row.ended_at or clock.real_now()


def make_code(session: Session, *, session_id: uuid.UUID) -> str:
    """A new one-time code of eight digits for a portal session; gives it, and keeps only a keyed hash."""
    code, salt, now = tokens.new_code(), secrets.token_bytes(16), clock.real_now()
    session.add(
        OneTimeCode(
            id=new_id(),
            session_id=session_id,
            code_hash=_code_digest(code, salt),
            salt=salt,
            created_at=now,
            expires_at=now + CODE_LIFE,
        )
    )
    return code


class CodeCheck(enum.Enum):
    """What became of a typed code."""

    RIGHT = "right"
    WRONG = "wrong"
    SPENT = "spent"
    """Too old, used, or tried too often: only a new one helps."""


def check_code(session: Session, *, session_id: uuid.UUID, code: str, by: Actor) -> CodeCheck:
    """Lift a session to the second tier when the code is the last one sent to it. A wrong one costs one of five tries.

    Gives an answer instead of raising, so that the try is counted in the caller's transaction.
    """
    row = session.scalars(
        select(OneTimeCode)
        .where(OneTimeCode.session_id == session_id)
        .order_by(OneTimeCode.created_at.desc(), OneTimeCode.id.desc())
        .limit(1)
        .with_for_update()
    ).one_or_none()
    now = clock.real_now()
    if row is None or row.used_at is not None or row.expires_at <= now or row.tries >= CODE_TRIES:
        return CodeCheck.SPENT
    row.tries += 1
    if not hmac.compare_digest(row.code_hash, _code_digest(code, row.salt)):
        mine = session.get_one(PortalSession, session_id)
        audit.record(
            session,
            by,
            "session.code_wrong",
            subject_type="session",
            subject_id=session_id,
            company_id=session.get_one(Debtor, mine.debtor_id).company_id,
            debtor_id=mine.debtor_id,
            after={"tries": row.tries},
        )
        return CodeCheck.WRONG if row.tries < CODE_TRIES else CodeCheck.SPENT
    row.used_at = now
    opened = db.lock(session, PortalSession, session_id)
    opened.verified_at = now
    audit.record(
        session,
        by,
        "session.verified",
        subject_type="session",
        subject_id=session_id,
        company_id=session.get_one(Debtor, opened.debtor_id).company_id,
        debtor_id=opened.debtor_id,
    )
    return CodeCheck.RIGHT


def revoke_links(
    session: Session,
    *,
    debtor_id: uuid.UUID,
    contact_id: uuid.UUID | None = None,
    link_id: uuid.UUID | None = None,
    by: Actor,
) -> int:
    """Close a debtor's links (all, those of one person, or one) and the portal sessions that they opened; gives how many.

    Without `link_id` it also ends the sessions that came to this account from another one of the same person.
    """
    now = clock.now()
    links = [MagicLink.debtor_id == debtor_id, MagicLink.revoked_at.is_(None), MagicLink.expires_at > now]
    others = [PortalSession.debtor_id == debtor_id]
    if contact_id is not None:
        links.append(MagicLink.contact_id == contact_id)
        others.append(PortalSession.contact_id == contact_id)
    if link_id is not None:
        links.append(MagicLink.id == link_id)
        others.append(PortalSession.link_id == link_id)
    closed = session.execute(
        update(MagicLink)
        .where(*links)
        .values(revoked_at=now, revoked_by=by.name)
        .returning(MagicLink.id, MagicLink.contact_id)
    ).all()
    opened_by = among(PortalSession.link_id, [row.id for row in closed])
    session.execute(
        update(PortalSession)
        .where(or_(opened_by, and_(*others)), PortalSession.ended_at.is_(None))
        .values(ended_at=now)
        .execution_options(synchronize_session=False)
    )
    company_id = session.scalar(select(Debtor.company_id).where(Debtor.id == debtor_id))
    for row in closed:
        audit.record(
            session,
            by,
            "link.revoked",
            subject_type="link",
            subject_id=row.id,
            company_id=company_id,
            debtor_id=debtor_id,
            after={"contact_id": str(row.contact_id)},
        )
    return len(closed)


def _acts(debtor_id: object, contact_id: object) -> ColumnElement[bool]:
    """That the contact still acts for the debtor."""
    return (
        select(DebtorContact.id)
        .where(DebtorContact.debtor_id == debtor_id, DebtorContact.contact_id == contact_id)
        .where(DebtorContact.removed_at.is_(None))
        .exists()
    )


def _code_digest(code: str, salt: bytes) -> bytes:
    return tokens.code_digest(code, salt=salt, key=get_settings().secret_key.get_secret_value())
