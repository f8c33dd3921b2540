"""Writing messages: rendered and stored in the caller's transaction, sent by a job after its commit."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from shared.access.models import LinkPurpose
from shared.company.models import Company
from shared.debtors.models import Contact, Debtor, DebtorContact
from shared.kit import audit, clock, colours, outbox
from shared.kit.actors import Actor
from shared.kit.db import among
from shared.kit.errors import Conflict, NotFound
from shared.kit.ids import new_id
from shared.kit.settings import get_settings
from shared.kit.words import gettext as _
from shared.kit.words import speaking
from shared.messages import unheard
from shared.messages.models import Message, MessageStatus
from shared.messages.render import Rendered, code_place, link_place, new_marker, render

AWAITED = frozenset({"code", "link"})
"""Somebody looks at his inbox for these: they do not queue behind a reminder run."""

Reason = str | Callable[[], str]
"""Why somebody gets a message: a text, or a function that says it in the language of the moment."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A stored file that goes with a message."""

    name: str
    sha256: str
    media_type: str = "application/pdf"


def write(
    session: Session,
    *,
    kind: str,
    debtor_id: uuid.UUID,
    reason: Reason,
    dedupe_key: str,
    contact_ids: Sequence[uuid.UUID] | None = None,
    also: uuid.UUID | None = None,
    facts: Mapping[str, Any] | None = None,
    link: LinkPurpose | None = None,
    attachments: Sequence[Attachment] = (),
    subject_id: uuid.UUID | None = None,
    at_most_once: bool = False,
    is_news: bool = False,
    decision: Mapping[str, Any] | None = None,
    until_at: datetime | None = None,
) -> list[uuid.UUID]:
    """Write a message to each of a debtor's people, in the language of each; gives the ids of those written.

    Without `contact_ids` it goes to everybody who is reminded, and to the one whose act it speaks of (`also`), for whom
    the template sees `is_own`. People whose address was refused are left out. The template `mail/<kind>.j2` sees
    `company`, `debtor`, `contact`, `today`, `link` and all `facts` (Money, dates, texts).
    With the same `dedupe_key` a person gets it once. `at_most_once` is for reminders: a message whose sending was cut
    off is not sent again by itself; all others are sent at least once. What `is_news` asks nothing of its reader: it
    waits for the weekly digest of a person who wants one. `decision` is kept with a reminder: what it was decided by.
    From `until_at` on it would say something untrue: if it has not left by then (the mail server was away), it is dropped.

    Whoever tells somebody that a message is on its way looks at what this gives: it is empty when nobody can be written to.
    """
    draft = Draft(
        kind=kind,
        debtor_id=debtor_id,
        reason=reason,
        dedupe_key=dedupe_key,
        contact_ids=contact_ids,
        also=also,
        facts=facts or {},
        link=link,
        attachments=attachments,
        subject_id=subject_id,
        at_most_once=at_most_once,
        is_news=is_news,
        decision=decision,
        until_at=until_at,
    )
    return write_all(session, [draft])[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What `write` is asked for."""

    kind: str
    debtor_id: uuid.UUID
    reason: Reason
    dedupe_key: str
    contact_ids: Sequence[uuid.UUID] | None = None
    also: uuid.UUID | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    link: LinkPurpose | None = None
    attachments: Sequence[Attachment] = ()
    subject_id: uuid.UUID | None = None
    at_most_once: bool = False
    is_news: bool = False
    decision: Mapping[str, Any] | None = None
    until_at: datetime | None = None


def write_all(session: Session, drafts: Sequence[Draft]) -> list[list[uuid.UUID]]:
    """What `write` does, for many at once: people are read and messages are kept in one statement each."""
    reminded = _reminded(session, [each.debtor_id for each in drafts if each.contact_ids is None])
    rows: list[list[dict[str, Any]]] = []
    for draft in drafts:
        debtor = session.get_one(Debtor, draft.debtor_id)
        company = session.get_one(Company, debtor.company_id)
        if draft.contact_ids is None:
            people = _with(session, reminded.get(draft.debtor_id, []), draft)
        else:
            people = recipients(session, draft.debtor_id, draft.contact_ids)
        if not people:
            unheard.note(debtor.name)
        rows.append([_row(draft, company, debtor, contact) for contact in people])
    kept = _store(session, [row for some in rows for row in some])
    return [[row["id"] for row in some if row["id"] in kept] for some in rows]


def _row(draft: Draft, company: Company, debtor: Debtor, contact: Contact) -> dict[str, Any]:
    marker = new_marker()
    with speaking(contact.language):
        why = draft.reason() if callable(draft.reason) else draft.reason
        context = {
            **_context(company, debtor, contact, marker),
            "is_own": draft.also == contact.id,
            "why": why,
            **draft.facts,
        }
        rendered = render(draft.kind, context, language=contact.language)
    return _values(
        rendered,
        status=MessageStatus.GATHERED if draft.is_news and contact.wants_digest else MessageStatus.WAITING,
        company_id=company.id,
        debtor_id=debtor.id,
        contact_id=contact.id,
        kind=draft.kind,
        language=contact.language,
        to_name=contact.name,
        to_address=contact.email,
        attachments=[asdict(each) for each in draft.attachments],
        link_purpose=draft.link,
        subject_id=draft.subject_id,
        reason=why,
        decision=dict(draft.decision) if draft.decision is not None else None,
        dedupe_key=f"{draft.dedupe_key}:{contact.id}",
        at_most_once=draft.at_most_once,
        marker=marker,
        until_at=draft.until_at,
    )


def write_to_staff(
    session: Session,
    *,
    kind: str,
    company_id: uuid.UUID,
    name: str,
    address: str,
    language: str,
    reason: Reason,
    dedupe_key: str,
    facts: Mapping[str, Any],
) -> uuid.UUID | None:
    """Write a message to somebody of the house, or to a person of no account (any more); gives its id, or None when it was written before."""
    company = session.get_one(Company, company_id)
    with speaking(language):
        why = reason() if callable(reason) else reason
        about = company_facts(company)
        context = {
            "company": about,
            "accent": about["accent"],
            "on_accent": about["on_accent"],
            "contact": {"name": name, "email": address},
            "today": clock.today(company.zone),
            "why": why,
            **facts,
        }
        rendered = render(kind, context, language=language)
    row = _values(
        rendered,
        status=MessageStatus.WAITING,
        company_id=company.id,
        kind=kind,
        language=language,
        to_name=name,
        to_address=address,
        attachments=[],
        reason=why,
        dedupe_key=dedupe_key,
        at_most_once=False,
        marker=new_marker(),
    )
    return row["id"] if _store(session, [row]) else None


def _values(rendered: Rendered, **values: Any) -> dict[str, Any]:
    """One row of the table."""
    return {
        "id": new_id(),
        "subject": rendered.subject,
        "text_body": rendered.text,
        "html_body": rendered.html,
        "rank": 0 if values["kind"] in AWAITED else 1,
        "tries": 0,
        "created_at": clock.now(),
        **values,
    }


def _store(session: Session, rows: Sequence[dict[str, Any]]) -> set[uuid.UUID]:
    """Keep messages and have them sent; gives which were kept, for one with the same dedupe key stays as it is."""
    if not rows:
        return set()
    statement = insert(Message.__table__).on_conflict_do_nothing(index_elements=["dedupe_key"])  # type: ignore[arg-type]
    kept = set(session.execute(statement.returning(Message.__table__.c.id), list(rows)).scalars())
    for row in rows:
        if row["id"] in kept and row["status"] is MessageStatus.WAITING:
            _post(session, row["id"], row["kind"])
    return kept


def _post(session: Session, message_id: uuid.UUID, kind: str) -> None:
    """Wake up what sends: once a transaction, for it takes all that waits."""
    job = "messages.deliver_now" if kind in AWAITED else "messages.deliver"
    if not session.info.get(job):
        session.info[job] = True
        outbox.enqueue(session, job, {}, dedupe_key=str(message_id))


def choose_digest(session: Session, contact_id: uuid.UUID, *, wants: bool, debtor_id: uuid.UUID, by: Actor) -> None:
    """Whether news waits for one message a week. Without a digest from now on, what was gathered is sent at once."""
    contact = session.scalars(select(Contact).where(Contact.id == contact_id).with_for_update()).one_or_none()
    if contact is None:
        raise NotFound("contact.missing", _("There is no such person."))
    if contact.wants_digest == wants:
        return
    contact.wants_digest = wants
    if not wants:
        release(session, contact_id)
    audit.record(
        session,
        by,
        "contact.digest_chosen",
        subject_type="contact",
        subject_id=contact.id,
        company_id=contact.company_id,
        debtor_id=debtor_id,
        before={"wants_digest": not wants},
        after={"wants_digest": wants},
    )


def release(session: Session, contact_id: uuid.UUID) -> None:
    """Send one by one what was gathered for a person who wants no digest (any more)."""
    gathered = session.scalars(
        select(Message)
        .where(Message.contact_id == contact_id, Message.status == MessageStatus.GATHERED)
        .order_by(Message.id)
        .with_for_update()
    ).all()
    for message in gathered:
        if message.debtor_id is not None and not recipients(session, message.debtor_id, [contact_id]):
            drop(message, "no longer a person of this account")
            continue
        message.status = MessageStatus.WAITING
        message.to_address = session.get_one(Contact, contact_id).email  # it may have been corrected meanwhile
        _post(session, message.id, message.kind)


def drop(message: Message, why: str) -> None:
    """Not to be sent any more, and why."""
    message.status = MessageStatus.DROPPED
    message.error = why


def _reminded(session: Session, debtor_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, list[Contact]]:
    """The people of each debtor who are reminded and whose address takes messages."""
    found: dict[uuid.UUID, list[Contact]] = {}
    if debtor_ids:
        rows = session.execute(
            select(DebtorContact.debtor_id, Contact)
            .join(Contact, Contact.id == DebtorContact.contact_id)
            .where(among(DebtorContact.debtor_id, debtor_ids), DebtorContact.removed_at.is_(None))
            .where(DebtorContact.is_reminded, Contact.bounced_at.is_(None))
            .order_by(DebtorContact.id)
        )
        for debtor_id, contact in rows:
            found.setdefault(debtor_id, []).append(contact)
    return found


def _with(session: Session, reminded: list[Contact], draft: Draft) -> list[Contact]:
    """Those who are reminded, and the one whose act it is."""
    if draft.also is None or any(each.id == draft.also for each in reminded):
        return reminded
    return reminded + recipients(session, draft.debtor_id, [draft.also])


def recipients(session: Session, debtor_id: uuid.UUID, contact_ids: Sequence[uuid.UUID] | None) -> list[Contact]:
    """The people a message goes to: those named, or all who are reminded; never one whose address was refused."""
    query = (
        select(Contact)
        .join(DebtorContact, DebtorContact.contact_id == Contact.id)
        .where(DebtorContact.debtor_id == debtor_id, DebtorContact.removed_at.is_(None))
        .where(Contact.bounced_at.is_(None))
        .order_by(DebtorContact.id)
    )
    wanted = DebtorContact.is_reminded if contact_ids is None else among(Contact.id, contact_ids)
    return list(session.scalars(query.where(wanted)))


def send_again(session: Session, message_id: uuid.UUID, *, by: Actor) -> None:
    """Staff decide that an uncertain or refused message goes out again; raises Conflict for any other."""
    message = session.scalars(select(Message).where(Message.id == message_id).with_for_update()).one()
    if message.status not in (MessageStatus.UNCERTAIN, MessageStatus.REFUSED):
        raise Conflict("message.not_again", _("This message is on its way or was sent."))
    if message.forgotten_at is not None:
        raise Conflict("message.forgotten", _("The words of this message are no longer kept."))
    message.status = MessageStatus.WAITING
    message.error = message.try_at = message.until_at = None
    message.tries = 0
    outbox.enqueue(session, "messages.deliver", {})
    audit.record(
        session,
        by,
        "message.sent_again",
        subject_type="message",
        subject_id=message.id,
        company_id=message.company_id,
        debtor_id=message.debtor_id,
    )


def leave(session: Session, message_id: uuid.UUID, *, by: Actor) -> None:
    """Staff decide that an uncertain message is not sent again; raises Conflict for any other."""
    message = session.scalars(select(Message).where(Message.id == message_id).with_for_update()).one()
    if message.status is not MessageStatus.UNCERTAIN:
        raise Conflict("message.certain", _("What became of this message is known."))
    drop(message, "somebody left it as it is")
    audit.record(
        session,
        by,
        "message.left",
        subject_type="message",
        subject_id=message.id,
        company_id=message.company_id,
        debtor_id=message.debtor_id,
    )


def company_facts(company: Company) -> dict[str, str]:
    """What the frame of a message says of the company."""
    accent, on_accent = colours.button(company.accent)
    legal = [company.legal_name, company.legal_form, company.trade_register, f"SIREN {company.siren}"]
    return {
        "name": company.trade_name,
        "legal_line": " · ".join(part for part in legal if part),
        "address_line": f"{company.street}, {company.postcode} {company.city}",
        "contact_line": " · ".join(part for part in (company.email, company.phone) if part),
        "accent": accent,
        "on_accent": on_accent,
        "iban": company.iban,
        "bic": company.bic,
        "ics": company.ics,
    }


def _context(company: Company, debtor: Debtor, contact: Contact, marker: str) -> dict[str, Any]:
    facts = company_facts(company)
    return {
        "company": facts,
        "accent": facts["accent"],
        "on_accent": facts["on_accent"],
        "debtor": {"name": debtor.name, "account_code": debtor.account_code, "kind": debtor.kind.value},
        "contact": {"name": contact.name, "email": contact.email},
        "today": clock.today(company.zone),
        "link": f"{get_settings().public_url}/l/{link_place(marker)}",
        "code": code_place(marker),
        "public_url": get_settings().public_url,
    }
