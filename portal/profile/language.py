"""The language of a person."""

from __future__ import annotations

from shared.access.queries import Visitor
from shared.debtors.models import Contact
from shared.kit import audit
from shared.kit.db import lock, transaction


def choose_language(visitor: Visitor, language: str) -> None:
    """From now on this person is written to in that language."""
    with transaction() as session:
        contact = lock(session, Contact, visitor.contact_id)
        before, contact.language = contact.language, language
        audit.record(
            session,
            visitor.as_actor(),
            "contact.language_chosen",
            subject_type="contact",
            subject_id=contact.id,
            company_id=visitor.company_id,
            debtor_id=visitor.debtor_id,
            before={"language": before},
            after={"language": language},
        )
