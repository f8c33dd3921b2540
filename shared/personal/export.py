"""Everything that is held about one person: for the person, as JSON and as a page (GDPR art. 15 and 20)."""

from __future__ import annotations

import json
import uuid
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared.company.models import Company
from shared.debtors.models import Contact
from shared.kit import clock, personal
from shared.kit.errors import NotFound
from shared.kit.words import gettext as _
from shared.personal import queries
from shared.personal.labels import BASES, complaint, kept_for


def find_contact(session: Session, company_id: uuid.UUID, address: str) -> uuid.UUID:
    """The contact of a company with an address; raises NotFound."""
    found = session.scalar(
        select(Contact.id).where(Contact.company_id == company_id, Contact.email == address.strip().lower())
    )
    if found is None:
        raise NotFound("contact.missing", _("Nobody with the address %(email)s is known here.", email=address.strip()))
    return found


def language_of(session: Session, contact_id: uuid.UUID, *, company_id: uuid.UUID) -> str:
    """The language of a contact; raises NotFound for another company's."""
    found = session.scalar(select(Contact.language).where(Contact.id == contact_id, Contact.company_id == company_id))
    if found is None:
        raise NotFound("contact.missing", _("There is no such person."))
    return found


def gather(session: Session, contact_id: uuid.UUID, *, company_id: uuid.UUID) -> dict[str, Any]:
    """What is held about a contact, in JSON values, in the language of the moment. Raises NotFound for another company's.

    It holds what the person did and was sent, and by which rules it was decided; nothing about others of the same accounts.
    """
    contact = session.scalar(select(Contact).where(Contact.id == contact_id, Contact.company_id == company_id))
    if contact is None:
        raise NotFound("contact.missing", _("There is no such person."))
    company = session.get_one(Company, company_id)
    today = clock.today(company.zone)
    kinds = []
    for kind in sorted(personal.all_kinds(), key=lambda kind: (-kind.order, kind.name)):
        if kind.export is None:
            continue
        length = queries.term_of(session, company_id, kind, on=today) if kind.term else None
        kinds.append(
            {
                "kind": kind.name,
                "title": str(kind.label),
                "what_for": str(kind.why),
                "legal_basis": str(BASES[kind.basis]),
                "kept": kept_for(kind, length),
                "source": str(kind.term.source) if kind.term else str(kind.keeps),
                "rows": kind.export(session, contact_id),
            }
        )
    return {
        "about": {"name": contact.name, "address": contact.email, "language": contact.language},
        "company": {
            "name": company.legal_name,
            "siren": company.siren,
            "address": company.email,
            "complaint": complaint(company.country),
            "zone": company.zone,
        },
        "made_at": clock.now().isoformat(),
        "kinds": kinds,
    }


def as_json(found: dict[str, Any]) -> bytes:
    """The file to hand out."""
    return json.dumps(found, ensure_ascii=False, indent=2).encode()
