"""Verbs on debtors and contacts."""

import unicodedata
import uuid
from collections.abc import Collection
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta

from sqlalchemy import Executable, select
from sqlalchemy.orm import Session

from shared.debtors import erased
from shared.debtors.models import Contact, ContactRole, Debtor, DebtorContact, DebtorKind, DebtorNote
from shared.debtors.rules import says_who
from shared.kit import addresses, audit, clock, db
from shared.kit.actors import Actor
from shared.kit.db import among
from shared.kit.errors import Conflict, Invalid, NotFound, Refused, Unavailable
from shared.kit.ids import new_id
from shared.kit.words import gettext as _

TRUST_AFTER = timedelta(hours=72)
"""How long those who are there already have, to object to a person whom staff added."""

_LETTERS = str.maketrans(
    {"œ": "oe", "æ": "ae", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i", "\u2019": "'"}
)
"""Letters that Unicode does not take apart, as they are written without them."""


@dataclass(frozen=True, slots=True)
class DebtorDraft:
    """What is known of a new customer account."""

    account_code: str
    name: str
    kind: DebtorKind = DebtorKind.BUSINESS
    language: str = "fr"
    currency: str = "EUR"
    siren: str | None = None
    vat_number: str | None = None
    street: str = ""
    postcode: str = ""
    city: str = ""
    country: str = "FR"


@dataclass(frozen=True, slots=True)
class DebtorDetails:
    """Who a debtor is, as staff correct it."""

    name: str
    kind: DebtorKind
    language: str
    siren: str | None = None
    vat_number: str | None = None
    street: str = ""
    street_more: str = ""
    postcode: str = ""
    city: str = ""
    country: str = "FR"


def change_debtor(session: Session, *, debtor: Debtor, details: DebtorDetails, by: Actor) -> bool:
    """Correct who a debtor is; gives whether anything changed. The debtor is locked by the caller."""
    names = [each.name for each in fields(DebtorDetails)]
    before = {name: _plain(getattr(debtor, name)) for name in names}
    for name in names:
        setattr(debtor, name, getattr(details, name))
    after = {name: _plain(getattr(debtor, name)) for name in names}
    changed = {name for name in names if before[name] != after[name]}
    if not changed:
        return False
    debtor.search_text = searched_by(session, debtor)
    audit.record(
        session,
        by,
        "debtor.changed",
        subject_type="debtor",
        subject_id=debtor.id,
        company_id=debtor.company_id,
        debtor_id=debtor.id,
        before={name: before[name] for name in sorted(changed)},
        after={name: after[name] for name in sorted(changed)},
    )
    return True


def _plain(value: object) -> object:
    return value.value if isinstance(value, DebtorKind) else value


def searched_by(session: Session, debtor: Debtor) -> str:
    """What a debtor is found by: its own words, and those of the accounts that went into it."""
    gone = select(Debtor.search_text).where(Debtor.merged_into_id == debtor.id).order_by(Debtor.id)
    own = searchable(debtor.name, debtor.account_code, debtor.siren or "")
    return "  ".join((own, *session.scalars(gone)))


def lock_debtor(session: Session, debtor_id: uuid.UUID) -> Debtor:
    """Lock a debtor: from here on its affairs are ours alone until the commit. Raises NotFound."""
    return db.lock(session, Debtor, debtor_id)


def lock_account(session: Session, debtor_id: uuid.UUID) -> Debtor:
    """Lock a debtor for something new that a person does.

    Raises NotFound; Conflict when it went into another account meanwhile.
    """
    debtor = lock_debtor(session, debtor_id)
    if debtor.merged_into_id is not None:
        raise Conflict(
            "debtor.merged", _("This account went into another one meanwhile. Nothing was done: open that one.")
        )
    return debtor


def lock_owner(session: Session, whose: Executable) -> Debtor | None:
    """Lock the debtor whom a query names; None when it names nobody.

    While we wait for a debtor, its account may go into another one with all that it has: so it is asked again under the lock,
    and the debtor who owns it then is locked. Raises Unavailable when it has another owner each time.
    """
    named = session.scalar(whose)
    for _turn in range(_TURNS):
        if named is None:
            return None
        debtor = lock_debtor(session, named)
        named = session.scalar(whose)
        if named == debtor.id:
            return debtor
    raise Unavailable("debtor.moves", _("Somebody is working on this account. Please try again."))


_TURNS = 5


def lock_debtors(session: Session, debtor_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Debtor]:
    """Lock some debtors in the order of their ids, so that nobody who locks several waits for one who waits for him."""
    rows = session.scalars(
        select(Debtor)
        .where(among(Debtor.id, debtor_ids))
        .order_by(Debtor.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return {each.id: each for each in rows}


def add_debtor(session: Session, *, company_id: uuid.UUID, draft: DebtorDraft, by: Actor) -> Debtor:
    """A new customer account, or one again that was taken back with its import; raises Invalid when the code is taken."""
    there = session.scalar(
        select(Debtor).where(Debtor.company_id == company_id, Debtor.account_code == draft.account_code)
    )
    if there and there.withdrawn_at is None:
        raise Invalid("debtor.code_taken", _("There is already a debtor with code %(code)s.", code=draft.account_code))
    debtor = there or Debtor(
        id=new_id(), company_id=company_id, account_code=draft.account_code, created_at=clock.now()
    )
    debtor.name, debtor.kind = draft.name, draft.kind
    debtor.language, debtor.currency = draft.language, draft.currency
    debtor.siren, debtor.vat_number = draft.siren, draft.vat_number
    debtor.street, debtor.postcode = draft.street, draft.postcode
    debtor.city, debtor.country = draft.city, draft.country
    debtor.search_text = searchable(draft.name, draft.account_code, draft.siren or "")
    debtor.code_says_who = says_who(draft.account_code, draft.name)
    debtor.withdrawn_at = debtor.import_run_id = None
    session.add(debtor)
    session.flush()
    audit.record(
        session,
        by,
        "debtor.added",
        subject_type="debtor",
        subject_id=debtor.id,
        company_id=company_id,
        debtor_id=debtor.id,
        after={"account_code": draft.account_code, "name": draft.name},
    )
    return debtor


def add_contact(
    session: Session,
    *,
    debtor: Debtor,
    email: str,
    name: str = "",
    language: str | None = None,
    role: ContactRole = ContactRole.OWNER,
    is_reminded: bool = True,
    why_back: str = "",
    by: Actor,
) -> Contact:
    """Let a person act for a debtor; the same address in the same company is the same person, and is believed anew.

    Twice is harmless. Whom staff add is trusted with more than looking and paying only later (`agree`, `TRUST_AFTER`).
    Raises Invalid for what is no address, AskedToBeErased for one whose owner was erased and no reason (`why_back`).
    """
    address = normalise_email(email)
    contact = session.scalar(select(Contact).where(Contact.company_id == debtor.company_id, Contact.email == address))
    if contact is None:
        erased.welcome_back(session, debtor, address, why=why_back, by=by)
        contact = Contact(
            id=new_id(),
            company_id=debtor.company_id,
            email=address,
            name=name,
            language=language or debtor.language,
            created_at=clock.now(),
        )
        session.add(contact)
        session.flush()
    else:
        believe(contact)
    live = session.scalar(
        select(DebtorContact)
        .where(DebtorContact.debtor_id == debtor.id, DebtorContact.contact_id == contact.id)
        .where(DebtorContact.removed_at.is_(None))
    )
    if live is None:
        session.add(
            DebtorContact(
                id=new_id(),
                debtor_id=debtor.id,
                contact_id=contact.id,
                role=role,
                is_reminded=is_reminded,
                created_at=clock.now(),
                trusted_from=_trust(by),
                added_by_id=by.id if by.kind == "staff" else None,
                called=name.strip() if by.kind == "contact" else None,
            )
        )
        session.flush()
        audit.record(
            session,
            by,
            "contact.added",
            subject_type="contact",
            subject_id=contact.id,
            company_id=debtor.company_id,
            debtor_id=debtor.id,
            after={"role": role.value},
        )
    return contact


def _trust(by: Actor) -> datetime | None:
    return clock.now() + TRUST_AFTER if by.kind == "staff" else None


def agree(session: Session, *, debtor_id: uuid.UUID, contact_id: uuid.UUID, by: Actor) -> None:
    """Somebody else agrees to a person whom staff have added: from now on that person may do all that its role may.

    Raises NotFound when the person does not act for the debtor, Refused for whoever added it.
    """
    link = _live_link(session, debtor_id, contact_id)
    if by.id is None or by.id in (link.added_by_id, contact_id):
        raise Refused("contact.oneself", _("Somebody else must agree to this person."))
    if link.trusted_from is None:
        return
    link.trusted_from = None
    audit.record(
        session,
        by,
        "contact.agreed",
        subject_type="contact",
        subject_id=contact_id,
        company_id=session.get_one(Debtor, debtor_id).company_id,
        debtor_id=debtor_id,
    )


def _live_link(session: Session, debtor_id: uuid.UUID, contact_id: uuid.UUID) -> DebtorContact:
    link = session.scalar(
        select(DebtorContact)
        .where(DebtorContact.debtor_id == debtor_id, DebtorContact.contact_id == contact_id)
        .where(DebtorContact.removed_at.is_(None))
        .with_for_update()
    )
    if link is None:
        raise NotFound("contact.missing", _("This person does not act for this account."))
    return link


def remove_contact(session: Session, *, debtor_id: uuid.UUID, contact_id: uuid.UUID, by: Actor) -> None:
    """End a person's acting for a debtor; links and sessions are revoked by `access.service`. Raises NotFound."""
    link = _live_link(session, debtor_id, contact_id)
    link.removed_at = clock.now()
    audit.record(
        session,
        by,
        "contact.removed",
        subject_type="contact",
        subject_id=contact_id,
        company_id=session.get_one(Debtor, debtor_id).company_id,
        debtor_id=debtor_id,
        before={"role": link.role.value},
    )


def change_contact(
    session: Session,
    *,
    debtor: Debtor,
    contact_id: uuid.UUID,
    name: str,
    email: str,
    phone: str,
    language: str,
    role: ContactRole,
    is_reminded: bool,
    why_back: str = "",
    by: Actor,
) -> Contact:
    """Correct a person and what it may do for this debtor; what is saved anew is believed until it bounces again.

    Raises NotFound when the person does not act for the debtor, Invalid when the address is somebody else's,
    AskedToBeErased when its owner was erased and there is no reason (`why_back`).
    """
    link = _live_link(session, debtor.id, contact_id)
    contact = db.lock(session, Contact, contact_id)
    address = normalise_email(email)
    taken = select(Contact.id).where(Contact.company_id == contact.company_id, Contact.email == address)
    if session.scalar(taken.where(Contact.id != contact_id)):
        raise Invalid("contact.email_taken", _("Another person already has the address %(email)s.", email=address))
    before = {"email": contact.email, "role": link.role.value, "is_reminded": link.is_reminded}
    believe(contact)
    if address != contact.email:
        erased.welcome_back(session, debtor, address, why=why_back, by=by)
        _distrust(session, contact_id, by=by)
    elif role is ContactRole.OWNER and link.role is not ContactRole.OWNER and (trust := _trust(by)):
        link.trusted_from, link.added_by_id = trust, by.id
    contact.name, contact.email, contact.phone, contact.language = name.strip(), address, phone.strip(), language
    link.role, link.is_reminded = role, is_reminded
    audit.record(
        session,
        by,
        "contact.changed",
        subject_type="contact",
        subject_id=contact_id,
        company_id=debtor.company_id,
        debtor_id=debtor.id,
        before=before,
        after={"email": address, "role": role.value, "is_reminded": is_reminded},
    )
    return contact


def believe(contact: Contact) -> None:
    """Write to an address again, whatever mail servers said of it."""
    contact.bounced_at = contact.doubted_at = None
    contact.bounce_answer = ""


def try_again(
    session: Session, contact_ids: Collection[uuid.UUID], *, company_id: uuid.UUID, by: Actor
) -> list[Contact]:
    """Lift the marks of some addresses of a company; gives whose were lifted. Twice lifts nothing."""
    marked = session.scalars(
        select(Contact)
        .where(Contact.company_id == company_id, among(Contact.id, contact_ids), Contact.bounced_at.is_not(None))
        .order_by(Contact.id)
        .with_for_update()
    ).all()
    for contact in marked:
        before = {"refused_at": str(contact.bounced_at), "answer": contact.bounce_answer}
        believe(contact)
        audit.record(
            session,
            by,
            "contact.tried_again",
            subject_type="contact",
            subject_id=contact.id,
            company_id=company_id,
            before=before,
        )
    return list(marked)


def _distrust(session: Session, contact_id: uuid.UUID, *, by: Actor) -> None:
    """Behind another address may stand another person, in each of the accounts."""
    trust = _trust(by)
    if trust is None:
        return
    for each in session.scalars(
        select(DebtorContact).where(DebtorContact.contact_id == contact_id, DebtorContact.removed_at.is_(None))
    ):
        each.trusted_from, each.added_by_id = trust, by.id


def pause_reminders(session: Session, *, debtor: Debtor, until: date | None, reason: str, by: Actor) -> None:
    """Send no reminder up to and including a day; None ends the pause. The debtor must be locked by the caller."""
    before = debtor.reminders_paused_until
    debtor.reminders_paused_until = until
    debtor.reminders_pause_reason = reason.strip() if until else ""
    audit.record(
        session,
        by,
        "debtor.reminders_paused" if until else "debtor.reminders_resumed",
        subject_type="debtor",
        subject_id=debtor.id,
        company_id=debtor.company_id,
        debtor_id=debtor.id,
        before={"until": before.isoformat() if before else None},
        after={"until": until.isoformat() if until else None, "reason": debtor.reminders_pause_reason},
    )


def add_note(session: Session, *, debtor_id: uuid.UUID, text: str, by: Actor) -> DebtorNote:
    """Keep a note of staff."""
    note = DebtorNote(
        id=new_id(), debtor_id=debtor_id, text=text, author_id=by.id, author_name=by.name, created_at=clock.now()
    )
    session.add(note)
    return note


def normalise_email(email: str) -> str:
    """An address as it is kept (`kit.addresses`); raises Invalid when it is none."""
    address = addresses.normalised(email)
    if address is None or erased.is_erased(address):
        raise Invalid("contact.email", _("%(email)s is not an e-mail address.", email=email.strip()))
    return address


def by_name(*texts: str) -> tuple[str, ...]:
    """The key by which short lists are sorted that a page holds whole: names as people sort them (`models.BY_NAME`), each text a rank.

    "Émile" stands beside "Emile", "Œuvre" as "oeuvre"; what is alike but for that keeps one order.
    """
    return (*(searchable(text) for text in texts), *texts)


def searchable(*texts: str) -> str:
    """Lower case without accents and ligatures, for search and for sorting names as people do; two spaces between the texts.

    "Cœur" is "coeur". Two spaces come before anything that may follow a name, so that "Dupont" stands before "Dupont & Fils".
    """
    joined = "  ".join(text for text in texts if text)
    decomposed = unicodedata.normalize("NFKD", joined)
    bare = "".join(c for c in decomposed if not unicodedata.combining(c))
    return bare.casefold().translate(_LETTERS)
