"""Erasing a person: what goes, what the law wants kept and why, and a tombstone so that nobody brings the person back unasked."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from shared.company.models import Company
from shared.debtors import erased
from shared.debtors.models import Contact, Debtor, DebtorContact
from shared.kit import audit, clock, db, personal
from shared.kit.actors import Actor
from shared.kit.errors import Conflict, Invalid, NotFound
from shared.kit.ids import new_id
from shared.kit.personal import Kind
from shared.kit.words import gettext as _
from shared.personal.models import ANSWERED_WITHIN, ErasureGround, ErasureRequest, ErasureState


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
    contact = lock_person(session, contact_id, company_id)
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


def ask(
    session: Session, contact_id: uuid.UUID, *, company_id: uuid.UUID, by: Actor, on: date | None = None
) -> ErasureRequest | None:
    """Write down that a person wants to be erased; None when that is known already. Raises like `erase`.

    `on` is the company's day on which it was asked for; a letter was, before somebody writes it down here. Invalid for a day to come.
    """
    contact = _contact(session, contact_id, company_id)
    company = session.get_one(Company, contact.company_id)
    today = clock.today(company.zone)
    asked_on = on or today
    if asked_on > today:
        raise Invalid("personal.to_come", _("Nobody can have asked on a day that is still to come."))
    if session.scalar(_waiting(contact_id)):
        return None
    row = ErasureRequest(
        id=new_id(),
        company_id=company_id,
        contact_id=contact_id,
        state=ErasureState.ASKED,
        asked_at=clock.now() - (today - asked_on),
        due_on=asked_on + ANSWERED_WITHIN,
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
        after={"asked_on": asked_on.isoformat(), "due_on": row.due_on.isoformat()},
    )
    return row


def decline(
    session: Session, contact_id: uuid.UUID, *, company_id: uuid.UUID, ground: ErasureGround, answer: str, by: Actor
) -> ErasureRequest:
    """Answer a wish with no, on one of the grounds of the law; `answer` is what is said beside it.

    Raises like `erase`, and Conflict when no wish waits.
    """
    _contact(session, contact_id, company_id)
    wish = session.scalar(_waiting(contact_id).with_for_update())
    if wish is None:
        raise Conflict("personal.no_wish", _("No wish of this person waits for an answer."))
    wish.state, wish.ground, wish.answer = ErasureState.DECLINED, ground, answer.strip()
    wish.decided_by, wish.decided_by_id, wish.decided_at = by.name, by.id, clock.now()
    audit.record(
        session,
        by,
        "contact.erasure_declined",
        subject_type="contact",
        subject_id=contact_id,
        company_id=company_id,
        after={"ground": ground.value, "answer": wish.answer},
    )
    return wish


def last_wish(session: Session, contact_id: uuid.UUID) -> ErasureRequest | None:
    """The latest wish of a person, whether somebody has answered it or not; None for whoever never asked."""
    mine = select(ErasureRequest).where(ErasureRequest.contact_id == contact_id)
    return session.scalar(mine.order_by(ErasureRequest.asked_at.desc(), ErasureRequest.id.desc()).limit(1))


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


def lock_person(session: Session, contact_id: uuid.UUID, company_id: uuid.UUID) -> Contact:
    """Lock a person and the accounts that it acts for: money on them decides whether it is still needed. Raises like `erase`."""
    theirs = select(DebtorContact.debtor_id).where(
        DebtorContact.contact_id == contact_id, DebtorContact.removed_at.is_(None)
    )
    session.execute(select(Debtor.id).where(Debtor.id.in_(theirs)).order_by(Debtor.id).with_for_update())
    return _contact(session, contact_id, company_id)


def _contact(session: Session, contact_id: uuid.UUID, company_id: uuid.UUID) -> Contact:
    contact = db.lock(session, Contact, contact_id)
    if contact.company_id != company_id:
        raise NotFound("contact.missing", _("There is no such person."))
    if erased.is_erased(contact.email):
        raise Conflict("contact.erased", _("This person has been erased already."))
    return contact
