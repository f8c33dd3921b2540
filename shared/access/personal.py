"""What this room holds about persons: codes, sessions, links."""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy import Select, delete, exists, func, select
from sqlalchemy.orm import Session

from shared.access.models import LinkPurpose, MagicLink, OneTimeCode, PortalSession
from shared.kit.db import among
from shared.kit.personal import Basis, Keys, Kind, Scope, Term, as_rows, ids, put_in_words, register
from shared.kit.words import lazy_gettext as _l


def _old_codes(scope: Scope) -> Select[Any]:
    return select(OneTimeCode.id).where(OneTimeCode.expires_at < scope.before)


def _codes_of(contact_id: uuid.UUID) -> Select[Any]:
    theirs = select(PortalSession.id).where(PortalSession.contact_id == contact_id)
    return select(OneTimeCode.id).where(OneTimeCode.session_id.in_(theirs))


def _drop_codes(session: Session, keys: Keys) -> None:
    session.execute(delete(OneTimeCode).where(among(OneTimeCode.id, ids(keys))))


def _old_sessions(scope: Scope) -> Select[Any]:
    return select(PortalSession.id).where(func.coalesce(PortalSession.ended_at, PortalSession.seen_at) < scope.before)


def _sessions_of(contact_id: uuid.UUID) -> Select[Any]:
    return select(PortalSession.id).where(PortalSession.contact_id == contact_id)


def _drop_sessions(session: Session, keys: Keys) -> None:
    session.execute(delete(OneTimeCode).where(among(OneTimeCode.session_id, ids(keys))))
    session.execute(delete(PortalSession).where(among(PortalSession.id, ids(keys))))


def _export_sessions(session: Session, contact_id: uuid.UUID) -> list[dict[str, Any]]:
    query = select(
        PortalSession.created_at,
        PortalSession.seen_at,
        PortalSession.verified_at,
        PortalSession.ended_at,
        PortalSession.address.label("network_address"),
        PortalSession.user_agent.label("browser"),
    ).where(PortalSession.contact_id == contact_id)
    return as_rows(session.execute(query.order_by(PortalSession.created_at.desc())))


def _old_links(scope: Scope) -> Select[Any]:
    """Those that ended and by which no session that is still kept came in."""
    return select(MagicLink.id).where(
        func.least(MagicLink.expires_at, MagicLink.revoked_at) < scope.before,
        ~exists().where(PortalSession.link_id == MagicLink.id),
    )


def _links_of(contact_id: uuid.UUID) -> Select[Any]:
    return select(MagicLink.id).where(MagicLink.contact_id == contact_id)


def _drop_links(session: Session, keys: Keys) -> None:
    session.execute(delete(MagicLink).where(among(MagicLink.id, ids(keys))))


def _export_links(session: Session, contact_id: uuid.UUID) -> list[dict[str, Any]]:
    query = select(
        MagicLink.purpose,
        MagicLink.created_at,
        MagicLink.expires_at,
        MagicLink.last_used_at,
        MagicLink.use_count,
        MagicLink.revoked_at,
    ).where(MagicLink.contact_id == contact_id)
    return as_rows(session.execute(query.order_by(MagicLink.created_at.desc())))


register(
    Kind(
        name="codes",
        label=_l("One-time codes"),
        basis=Basis.SECURITY,
        holds=("one_time_code.code_hash", "one_time_code.salt"),
        why=_l("They prove that somebody reads the mailbox. Only their digests are kept."),
        counted=_l("from the end of the code, ten minutes after it was made"),
        term=Term(1, 1, 1, "days", _l("GDPR art. 5.1.e")),
        of_company=False,
        is_security=True,
        in_real_time=True,
        due=_old_codes,
        remove=_drop_codes,
        of_person=_codes_of,
        erasable=_codes_of,
        order=10,
    ),
    Kind(
        name="portal_sessions",
        label=_l("Visits to the portal"),
        basis=Basis.SECURITY,
        holds=("portal_session.user_agent", "portal_session.address"),
        why=_l("Who came in, when, and from which network address and browser: it shows a stranger's visit."),
        counted=_l("from the last sign of the visit"),
        term=Term(
            12, 12, 12, "months", _l("CNIL, deliberation 2021-122 of 14 October 2021 on logs: six months to a year")
        ),
        of_company=False,
        is_security=True,
        in_real_time=True,
        due=_old_sessions,
        remove=_drop_sessions,
        of_person=_sessions_of,
        erasable=_sessions_of,
        export=_export_sessions,
        order=20,
    ),
    Kind(
        name="links",
        label=_l("Links to the portal"),
        basis=Basis.SECURITY,
        holds=("magic_link.revoked_by",),
        why=_l("They let somebody in without a password. Only their digests are kept."),
        counted=_l("from the end of the link, once no visit by it is kept"),
        term=Term(90, 90, 90, "days", _l("GDPR art. 5.1.e")),
        of_company=False,
        is_security=True,
        due=_old_links,
        remove=_drop_links,
        of_person=_links_of,
        erasable=_links_of,
        export=_export_links,
        order=30,
    ),
)

put_in_words(
    "purpose",
    {
        LinkPurpose.REMINDER: _l("In a reminder"),
        LinkPurpose.REQUESTED: _l("Asked for on our page"),
        LinkPurpose.STAFF: _l("Sent by our staff"),
        LinkPurpose.NOTICE: _l("In a message about a payment"),
        LinkPurpose.INVITATION: _l("In an invitation"),
    },
)
