"""Erasing a person: what goes, what the law wants kept and why, and a tombstone so that nobody brings the person back unasked."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from shared.company.models import Company
from shared.debtors import erased
from shared.debtors.models import Contact, Debtor, DebtorContact
from shared.kit import audit, clock, db, personal
from shared.kit.actors import Actor
from shared.kit.errors import Conflict, NotFound
from shared.kit.ids import new_id
from shared.kit.personal import Kind
from shared.kit.words import gettext as _
from shared.personal.models import ErasureRequest, ErasureState

ANSWERED_WITHIN = timedelta(days=30)
"""GDPR art. 12.3: an answer within one month; thirty days is never longer."""


@dataclass(frozen=True, slots=True)
class Part:
    """Of one kind: how many rows of a person go, and how many stay, for the reason that the kind gives (`keeps`)."""

    kind: Kind
    goes: int
    stays: int


def preview(session: Session, contact_id: uuid.UUID) -> list[Part]:
    """What an erasure would do now, kind by kind, without those of which there is nothing."""
    parts = []
    for kind in personal.all_kinds():
        if kind.of_person is None:
            continue
        everything = _count(session, kind.of_person(contact_id))
        goes = _count(session, kind.erasable(contact_id)) if kind.erasable else 0
        if everything:
            parts.append(Part(kind, goes, everything - goes))
    return parts


def _count(session: Session, query: Any) -> int:
    return session.execute(select(func.count()).select_from(query.subquery())).scalar_one()


def erase(session: Session, contact_id: uuid.UUID, *, company_id: uuid.UUID, by: Actor) -> list[Part]:
    """Erase what may go, and answer a wish that waits. What goes is what the preview says at this moment.

    Raises NotFound for another company's contact, Conflict for one that was erased already.
    """
    _lock_accounts(session, contact_id)
    contact = _contact(session, contact_id, company_id)
    address = contact.email
    parts = preview(session, contact_id)
    for kind in personal.all_kinds():
        if kind.erasable is None or kind.remove is None:
            continue
        keys = session.execute(kind.erasable(contact_id).with_for_update()).all()
        if keys:
            kind.remove(session, keys)
    session.flush()
    session.refresh(contact)
    if erased.is_erased(contact.email):
        erased.bury(session, company_id, address)
    counts = {part.kind.name: {"erased": part.goes, "kept": part.stays} for part in parts}
    audit.record(
        session,
        by,
        "contact.erased",
        subject_type="contact",
        subject_id=contact_id,
        company_id=company_id,
        after={"counts": counts},
    )
    wish = session.scalar(_waiting(contact_id).with_for_update())
    if wish:
        wish.state, wish.counts = ErasureState.DONE, counts
        wish.decided_by, wish.decided_by_id, wish.decided_at = by.name, by.id, clock.now()
    return parts


def ask(session: Session, contact_id: uuid.UUID, *, company_id: uuid.UUID, by: Actor) -> ErasureRequest:
    """Write down that a person wants to be erased; asked twice it is one wish. Raises like `erase`."""
    contact = _contact(session, contact_id, company_id)
    known = session.scalar(_waiting(contact_id))
    if known:
        return known
    company = session.get_one(Company, contact.company_id)
    row = ErasureRequest(
        id=new_id(),
        company_id=company_id,
        contact_id=contact_id,
        state=ErasureState.ASKED,
        asked_at=clock.now(),
        due_on=clock.today(company.zone) + ANSWERED_WITHIN,
        counts={},
    )
    session.add(row)
    session.flush()
    audit.record(
        session,
        by,
        "contact.erasure_asked",
        subject_type="contact",
        subject_id=contact_id,
        company_id=company_id,
        after={"due_on": row.due_on.isoformat()},
    )
    return row


def waiting_wish(session: Session, contact_id: uuid.UUID) -> ErasureRequest | None:
    """The wish of a person that nobody has answered, or None."""
    return session.scalar(_waiting(contact_id))


def wishes(session: Session, company_id: uuid.UUID) -> Sequence[tuple[ErasureRequest, Contact]]:
    """Wishes of a company that wait for an answer, the most urgent first."""
    query = (
        select(ErasureRequest, Contact)
        .join(Contact, Contact.id == ErasureRequest.contact_id)
        .where(ErasureRequest.company_id == company_id, ErasureRequest.state == ErasureState.ASKED)
    )
    return [(row[0], row[1]) for row in session.execute(query.order_by(ErasureRequest.due_on, ErasureRequest.id))]


def _waiting(contact_id: uuid.UUID) -> Select[ErasureRequest]:
    return select(ErasureRequest).where(
        ErasureRequest.contact_id == contact_id, ErasureRequest.state == ErasureState.ASKED
    )


def _lock_accounts(session: Session, contact_id: uuid.UUID) -> None:
    """Money on them decides whether the person is still needed: it stands still meanwhile."""
    theirs = select(DebtorContact.debtor_id).where(
        DebtorContact.contact_id == contact_id, DebtorContact.removed_at.is_(None)
    )
    session.execute(select(Debtor.id).where(Debtor.id.in_(theirs)).order_by(Debtor.id).with_for_update())


def _contact(session: Session, contact_id: uuid.UUID, company_id: uuid.UUID) -> Contact:
    contact = db.lock(session, Contact, contact_id)
    if contact.company_id != company_id:
        raise NotFound("contact.missing", _("There is no such person."))
    if erased.is_erased(contact.email):
        raise Conflict("contact.erased", _("This person has been erased already."))
    return contact
