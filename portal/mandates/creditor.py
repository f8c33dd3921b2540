"""Who may debit: what SEPA wants a debtor to read before he signs."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared.company.models import Company


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
