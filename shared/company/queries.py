"""Reading what a company is."""

from __future__ import annotations

import uuid
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared.company.models import Company
from shared.kit import clock


def today_of(session: Session, company_id: uuid.UUID) -> date:
    """The legal day of a company: today in its own time zone. Raises NoResultFound for a company that is not."""
    return clock.today(session.get_one(Company, company_id).zone)


def day_of(session: Session, company_id: uuid.UUID, moment: datetime) -> date:
    """The legal day of a company on which a moment falls: near midnight it is not the UTC one. Raises NoResultFound."""
    return clock.day_of(moment, session.get_one(Company, company_id).zone)


def todays(session: Session) -> dict[uuid.UUID, date]:
    """Company → its legal day: for what the clock does in all of them."""
    return {row.id: clock.today(row.zone) for row in session.execute(select(Company.id, Company.zone))}
