"""A mandate as a paper, and who stands on it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import cast

from sqlalchemy import select
from sqlalchemy.orm import Session

from payments.queries import MandateLine
from shared.access.queries import Visitor
from shared.company.models import Company
from shared.documents import keep
from shared.documents import queries as documents
from shared.documents.facts import Language, MandateFacts, SignatureFacts
from shared.documents.keep import KeptFile
from shared.kit.db import reading
from shared.kit.errors import NotFound
from shared.kit.words import current_language
from shared.kit.words import gettext as _


@dataclass(frozen=True, slots=True)
class Creditor:
    """Who may debit: what SEPA wants a debtor to read before he signs."""

    name: str
    ics: str
    address: str
    notice_days: int
    email: str


def creditor_of(session: Session, company_id: uuid.UUID) -> Creditor:
    """The creditor of a company's mandates."""
    row = session.execute(
        select(
            Company.legal_name,
            Company.ics,
            Company.street,
            Company.postcode,
            Company.city,
            Company.notice_days,
            Company.email,
        ).where(Company.id == company_id)
    ).one()
    return Creditor(
        name=row.legal_name,
        ics=row.ics,
        address=f"{row.street}, {row.postcode} {row.city}",
        notice_days=row.notice_days,
        email=row.email,
    )


def mandate_paper(visitor: Visitor, mandate: MandateLine) -> KeptFile:
    """The mandate that was signed; raises NotFound while it is not."""
    if mandate.given_at is None:
        raise NotFound("mandate.unsigned", _("This mandate is not signed."))
    with reading() as session:
        creditor = creditor_of(session, visitor.company_id)
        parties = documents.get_parties(session, visitor.debtor_id)
    facts = MandateFacts(
        rum=mandate.rum,
        ics=creditor.ics,
        creditor=parties.company,
        debtor=parties.debtor,
        language=cast("Language", current_language()),
        zone=parties.zone,
        holder=mandate.holder_name,
        iban_ending=mandate.iban_ending,
        iban_country=mandate.iban_country,
        bank_name=mandate.bank_name,
        signature=SignatureFacts(at=mandate.given_at, by=mandate.holder_name),
        notice_days=creditor.notice_days,
    )
    return keep.mandate(facts, debtor_id=visitor.debtor_id, mandate_id=mandate.id)
