"""What becomes of a wish to be erased, and what the person is told of it: that it came in, and how it was answered.

The answer to an erasure is the last message that the address is needed for: it is written before the address goes, belongs to no
contact any more, and is emptied by the sweep once it has left (`personal`).
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared.company.models import Company
from shared.debtors.models import Contact, DebtorContact
from shared.kit.actors import Actor
from shared.kit.ids import new_id
from shared.kit.words import gettext as _
from shared.messages import service as messages
from shared.messages import unheard
from shared.personal import erase as erasure
from shared.personal.erase import Part
from shared.personal.labels import TOLD, complaint
from shared.personal.models import ErasureGround


def ask(session: Session, contact_id: uuid.UUID, *, company_id: uuid.UUID, by: Actor, on: date | None = None) -> bool:
    """Write down a wish and confirm it by mail; False when no message could be written. Asked twice it is one wish and one mail.

    Raises like `personal.erase.ask`.
    """
    wish = erasure.ask(session, contact_id, company_id=company_id, by=by, on=on)
    if wish is None:
        return True
    return _tell(session, _reader(session, contact_id), "erasure_asked", {"due_on": wish.due_on})


def decline(
    session: Session, contact_id: uuid.UUID, *, company_id: uuid.UUID, ground: ErasureGround, answer: str, by: Actor
) -> bool:
    """Answer a wish with no: on which ground, and where to complain, is told by mail. False when none could be written.

    Raises like `personal.erase.decline`.
    """
    wish = erasure.decline(session, contact_id, company_id=company_id, ground=ground, answer=answer, by=by)
    facts = {"ground": lambda: str(TOLD[ground]), "answer": wish.answer}
    return _tell(session, _reader(session, contact_id), "erasure_declined", facts)


def erase(session: Session, contact_id: uuid.UUID, *, company_id: uuid.UUID, by: Actor) -> tuple[list[Part], bool]:
    """Erase a person as far as the law lets us, and say by mail what went and what stays. With whether a message could be written.

    Raises like `personal.erase.erase`.
    """
    erasure.lock_person(session, contact_id, company_id)
    reader = _reader(session, contact_id)
    parts = erasure.erase(session, contact_id, company_id=company_id, by=by)
    leaves = any(part.kind.name == "contacts" and part.goes for part in parts)
    kept = [part.kind for part in parts if part.stays]
    facts = {"leaves": leaves, "kept": lambda: [(str(kind.label), str(kind.keeps)) for kind in kept]}
    return parts, _tell(session, replace(reader, debtor_id=None) if leaves else reader, "erasure_done", facts)


@dataclass(frozen=True, slots=True)
class _Reader:
    """Who is told, as known before anything goes."""

    contact_id: uuid.UUID
    company_id: uuid.UUID
    name: str
    address: str
    language: str
    is_refused: bool
    debtor_id: uuid.UUID | None
    """An account that the person acts for."""


def _reader(session: Session, contact_id: uuid.UUID) -> _Reader:
    contact = session.get_one(Contact, contact_id)
    debtor_id = session.scalar(
        select(DebtorContact.debtor_id)
        .where(DebtorContact.contact_id == contact_id, DebtorContact.removed_at.is_(None))
        .order_by(DebtorContact.id)
        .limit(1)
    )
    return _Reader(
        contact_id,
        contact.company_id,
        contact.name,
        contact.email,
        contact.language,
        contact.bounced_at is not None,
        debtor_id,
    )


def _tell(session: Session, reader: _Reader, kind: str, facts: Mapping[str, Any]) -> bool:
    country = session.get_one(Company, reader.company_id).country
    facts = {**facts, "complaint": lambda: complaint(country)}
    key = f"{kind}:{new_id()}"
    if reader.debtor_id is not None:
        return bool(
            messages.write(
                session,
                kind=kind,
                debtor_id=reader.debtor_id,
                contact_ids=[reader.contact_id],
                facts=facts,
                reason=_why,
                dedupe_key=key,
            )
        )
    if reader.is_refused:
        unheard.note(reader.name or reader.address)
        return False
    written = messages.write_to_staff(
        session,
        kind=kind,
        company_id=reader.company_id,
        name=reader.name,
        address=reader.address,
        language=reader.language,
        facts=facts,
        reason=_why,
        dedupe_key=key,
    )
    return written is not None


def _why() -> str:
    return _("The law wants you to be told what becomes of the data that we hold about you (GDPR art. 12.3).")
