"""Who stands at the counter, and who may come."""

import uuid
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, func, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from shared.access.models import LinkPurpose, MagicLink, PortalSession
from shared.company.models import Company
from shared.debtors.models import BY_NAME, Contact, ContactRole, Debtor, DebtorContact
from shared.kit import clock, tokens
from shared.kit.actors import Actor
from shared.kit.db import Reader

IDLE = timedelta(minutes=30)
IDLE_VERIFIED = timedelta(minutes=15)
LONGEST = timedelta(hours=12)
"""Idle and absolute life of a session (ASVS 5.0, 7.3)."""

TOUCH_AFTER = timedelta(minutes=1)
"""How exact `seen_at` is: a session in use is written once a minute, not at every page."""


@dataclass(frozen=True, slots=True)
class Face:
    """A company as its debtors see it on every page."""

    id: uuid.UUID
    name: str
    accent: str
    has_logo: bool
    legal_line: str
    email: str
    phone: str
    zone: str
    takes_cards: bool
    takes_debits: bool

    @property
    def today(self) -> date:
        """The legal day of this company."""
        return clock.today(self.zone)

    @property
    def logo_url(self) -> str:
        """Where the portal shows its logo; "" when it has none."""
        return f"/logo/{self.id}" if self.has_logo else ""


@dataclass(frozen=True, slots=True)
class Visitor:
    """A person with a live session: who, for which account, and how sure we are (tier 1 the link, tier 2 a code)."""

    session_id: uuid.UUID
    debtor_id: uuid.UUID
    contact_id: uuid.UUID
    company_id: uuid.UUID
    tier: int
    name: str
    email: str
    language: str
    role: ContactRole
    account_name: str
    account_code: str
    currency: str
    account_count: int
    """How many accounts of this company the contact acts for."""
    company: Face
    token: str
    is_stale: bool
    """True when the session's `seen_at` should be written again."""
    trusted_from: datetime | None = None
    """Set while nobody else has agreed to this person whom staff added: until then a code lifts nothing."""

    is_authenticated = True
    is_active = True
    is_anonymous = False

    def get_id(self) -> str:
        """What Flask-Login keeps in the cookie: the session's token, never a person's id."""
        return self.token

    @property
    def today(self) -> date:
        return self.company.today

    @property
    def is_verified(self) -> bool:
        return self.tier >= 2

    @property
    def may_invite(self) -> bool:
        return self.role is ContactRole.OWNER

    def as_actor(self) -> Actor:
        return Actor.contact(self.contact_id, self.name)


_FACE = (
    Company.id.label("face_id"),
    Company.trade_name,
    Company.accent,
    Company.logo_type,
    Company.legal_name,
    Company.legal_form,
    Company.capital,
    Company.siren,
    Company.trade_register,
    Company.email.label("company_email"),
    Company.phone,
    Company.zone,
    Company.takes_cards,
    Company.takes_debits,
)


@cache
def _visitor() -> Select[*tuple[Any, ...]]:
    """The query of `find_visitor`, put together once: it is asked for every page."""
    also = aliased(DebtorContact)
    sibling = aliased(Debtor)
    accounts = (
        select(func.count())
        .select_from(also)
        .join(sibling, sibling.id == also.debtor_id)
        .where(also.contact_id == PortalSession.contact_id, also.removed_at.is_(None))
        .where(sibling.company_id == Debtor.company_id)
        .scalar_subquery()
    )
    return (
        select(
            PortalSession.id,
            PortalSession.debtor_id,
            PortalSession.contact_id,
            PortalSession.seen_at,
            PortalSession.verified_at,
            Contact.name,
            Contact.email,
            Contact.language,
            DebtorContact.role,
            DebtorContact.trusted_from,
            Debtor.name.label("account_name"),
            Debtor.account_code,
            Debtor.currency,
            accounts.label("account_count"),
            *_FACE,
        )
        .join(Contact, Contact.id == PortalSession.contact_id)
        .join(Debtor, Debtor.id == PortalSession.debtor_id)
        .join(Company, Company.id == Debtor.company_id)
        .join(
            DebtorContact,
            and_(
                DebtorContact.debtor_id == PortalSession.debtor_id,
                DebtorContact.contact_id == PortalSession.contact_id,
                DebtorContact.removed_at.is_(None),
            ),
        )
        .where(PortalSession.token_hash == bindparam("token_hash"), PortalSession.ended_at.is_(None))
        .where(PortalSession.seen_at > bindparam("seen_after"), PortalSession.created_at > bindparam("begun_after"))
    )


def find_visitor(reader: Reader, token: str) -> Visitor | None:
    """Whose session this token is; None when it has ended, idled too long, or its contact no longer acts. One query."""
    now = clock.real_now()
    facts = {"token_hash": tokens.digest(token), "seen_after": now - IDLE, "begun_after": now - LONGEST}
    row = reader.execute(_visitor(), facts).one_or_none()
    if row is None:
        return None
    awaits_trust = row.trusted_from is not None and row.trusted_from > clock.now()
    is_verified = row.verified_at is not None and row.verified_at > now - IDLE_VERIFIED and not awaits_trust
    return Visitor(
        session_id=row.id,
        debtor_id=row.debtor_id,
        contact_id=row.contact_id,
        company_id=row.face_id,
        tier=2 if is_verified else 1,
        name=row.name or row.email,
        email=row.email,
        language=row.language,
        role=row.role,
        account_name=row.account_name,
        account_code=row.account_code,
        currency=row.currency,
        account_count=row.account_count,
        company=_face(row),
        token=token,
        is_stale=row.seen_at < now - TOUCH_AFTER,
        trusted_from=row.trusted_from if awaits_trust else None,
    )


def find_landing(session: Session, token: str) -> Face | None:
    """The company whose link this is, and nothing else; None when the link opens nothing. Changes nothing."""
    row = session.execute(
        select(*_FACE)
        .select_from(MagicLink)
        .join(Debtor, Debtor.id == MagicLink.debtor_id)
        .join(Company, Company.id == Debtor.company_id)
        .join(
            DebtorContact,
            and_(
                DebtorContact.debtor_id == MagicLink.debtor_id,
                DebtorContact.contact_id == MagicLink.contact_id,
                DebtorContact.removed_at.is_(None),
            ),
        )
        .where(MagicLink.token_hash == tokens.digest(token), MagicLink.revoked_at.is_(None))
        .where(MagicLink.expires_at > clock.now())
    ).one_or_none()
    return None if row is None else _face(row)


def _face(row: Any) -> Face:
    legal = (row.legal_name, " ".join(filter(None, (row.legal_form, row.capital))), f"SIREN {row.siren}")
    return Face(
        id=row.face_id,
        name=row.trade_name,
        accent=row.accent,
        has_logo=row.logo_type is not None,
        legal_line=" · ".join(part for part in (*legal, row.trade_register) if part),
        email=row.company_email,
        phone=row.phone,
        zone=row.zone,
        takes_cards=row.takes_cards,
        takes_debits=row.takes_debits,
    )


def find_contacts(session: Session, email: str) -> list[tuple[uuid.UUID, uuid.UUID]]:
    """(contact, debtor) to whom a new link may be sent for an address: one account of each company, the one that owes most."""
    rows = session.execute(
        select(Contact.id, Debtor.id)
        .join(DebtorContact, and_(DebtorContact.contact_id == Contact.id, DebtorContact.removed_at.is_(None)))
        .join(Debtor, Debtor.id == DebtorContact.debtor_id)
        .where(Contact.email == email, Contact.bounced_at.is_(None))
        .ext(distinct_on(Contact.company_id))
        .order_by(Contact.company_id, Debtor.open_minor.desc(), Debtor.id)
    )
    return [(contact_id, debtor_id) for contact_id, debtor_id in rows]


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who acts for an account."""

    contact_id: uuid.UUID
    name: str
    email: str
    role: ContactRole
    since: datetime
    is_reminded: bool
    has_bounced: bool
    awaits_trust: bool
    """Whom staff added, and nobody has agreed to yet."""
    link_count: int
    """Links that still open the account."""
    last_seen_at: datetime | None


def people_of(session: Session, debtor_id: uuid.UUID) -> list[Person]:
    """Who acts for an account, in the order in which they came."""
    live = (
        select(func.count())
        .where(MagicLink.debtor_id == debtor_id, MagicLink.contact_id == Contact.id)
        .where(MagicLink.revoked_at.is_(None), MagicLink.expires_at > clock.now())
        .scalar_subquery()
    )
    seen = (
        select(func.max(PortalSession.seen_at))
        .where(PortalSession.debtor_id == debtor_id, PortalSession.contact_id == Contact.id)
        .scalar_subquery()
    )
    rows = session.execute(
        select(
            Contact.id.label("contact_id"),
            func.coalesce(DebtorContact.called, Contact.name).label("name"),
            Contact.email,
            DebtorContact.role,
            DebtorContact.created_at.label("since"),
            DebtorContact.is_reminded,
            Contact.bounced_at.is_not(None).label("has_bounced"),
            func.coalesce(DebtorContact.trusted_from > clock.now(), False).label("awaits_trust"),
            live.label("link_count"),
            seen.label("last_seen_at"),
        )
        .join(DebtorContact, DebtorContact.contact_id == Contact.id)
        .where(DebtorContact.debtor_id == debtor_id, DebtorContact.removed_at.is_(None))
        .order_by(DebtorContact.id)
    )
    return [Person(**row) for row in rows.mappings()]


def _shown_name(debtor_id: ColumnElement[uuid.UUID] | InstrumentedAttribute[uuid.UUID]) -> ColumnElement[str]:
    """A person's name as the others of the account may see it: as they themselves gave it, else the address."""
    called = (
        select(DebtorContact.called)
        .where(DebtorContact.debtor_id == debtor_id, DebtorContact.contact_id == Contact.id)
        .order_by(DebtorContact.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    return func.coalesce(func.nullif(func.coalesce(called, Contact.name), ""), Contact.email).label("name")


@dataclass(frozen=True, slots=True)
class LinkLine:
    """A magic link that still opens an account."""

    id: uuid.UUID
    contact_id: uuid.UUID
    name: str
    purpose: LinkPurpose
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None
    use_count: int


def live_links(session: Session, debtor_id: uuid.UUID, *, limit: int = 50) -> list[LinkLine]:
    """The links that open an account now, the latest first."""
    rows = session.execute(
        select(
            MagicLink.id,
            MagicLink.contact_id,
            _shown_name(MagicLink.debtor_id),
            MagicLink.purpose,
            MagicLink.created_at,
            MagicLink.expires_at,
            MagicLink.last_used_at,
            MagicLink.use_count,
        )
        .join(Contact, Contact.id == MagicLink.contact_id)
        .where(MagicLink.debtor_id == debtor_id, MagicLink.revoked_at.is_(None))
        .where(MagicLink.expires_at > clock.now())
        .order_by(MagicLink.created_at.desc(), MagicLink.id.desc())
        .limit(limit)
    )
    return [LinkLine(**row) for row in rows.mappings()]


@dataclass(frozen=True, slots=True)
class SessionLine:
    """A session that is open now."""

    id: uuid.UUID
    name: str
    created_at: datetime
    seen_at: datetime
    user_agent: str
    address: str


def live_sessions(session: Session, debtor_id: uuid.UUID) -> list[SessionLine]:
    """The sessions open in an account now, the latest used first."""
    now = clock.real_now()
    rows = session.execute(
        select(
            PortalSession.id,
            _shown_name(PortalSession.debtor_id),
            PortalSession.created_at,
            PortalSession.seen_at,
            PortalSession.user_agent,
            PortalSession.address,
        )
        .join(Contact, Contact.id == PortalSession.contact_id)
        .where(PortalSession.debtor_id == debtor_id, PortalSession.ended_at.is_(None))
        .where(PortalSession.seen_at > now - IDLE, PortalSession.created_at > now - LONGEST)
        .order_by(PortalSession.seen_at.desc())
        .limit(50)
    )
    return [SessionLine(**row) for row in rows.mappings()]


@dataclass(frozen=True, slots=True)
class AccountLine:
    """An account that a contact acts for."""

    debtor_id: uuid.UUID
    name: str
    account_code: str
    open_minor: int
    currency: str


def accounts_of(session: Session, contact_id: uuid.UUID) -> list[AccountLine]:
    """The accounts a contact acts for (a contact belongs to one company), by name."""
    rows = session.execute(
        select(Debtor.id.label("debtor_id"), Debtor.name, Debtor.account_code, Debtor.open_minor, Debtor.currency)
        .join(DebtorContact, and_(DebtorContact.debtor_id == Debtor.id, DebtorContact.removed_at.is_(None)))
        .where(DebtorContact.contact_id == contact_id)
        .order_by(BY_NAME, Debtor.id)
    )
    return [AccountLine(**row) for row in rows.mappings()]


def logo_of(session: Session, company_id: uuid.UUID) -> tuple[bytes, str] | None:
    """A company's logo and its media type, if it has one."""
    row = session.execute(select(Company.logo, Company.logo_type).where(Company.id == company_id)).one_or_none()
    return None if row is None or row.logo is None or row.logo_type is None else (row.logo, row.logo_type)
