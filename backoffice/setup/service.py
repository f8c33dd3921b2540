"""Verbs on the company's settings, each with an audit line of what changed."""

import uuid
from datetime import time
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared.company.models import Company
from shared.disputes.service import ensure_reasons
from shared.kit import audit, clock, db
from shared.kit.actors import Actor
from shared.kit.errors import Invalid
from shared.kit.ids import new_id
from shared.kit.words import gettext as _


def change(session: Session, company_id: uuid.UUID, values: dict[str, Any], *, action: str, by: Actor) -> bool:
    """Set some of a company's columns; True when something changed."""
    company = db.lock(session, Company, company_id)
    changed = {name: value for name, value in values.items() if getattr(company, name) != value}
    if not changed:
        return False
    before = {name: getattr(company, name) for name in changed}
    for name, value in changed.items():
        setattr(company, name, value)
    audit.record(
        session,
        by,
        action,
        subject_type="company",
        subject_id=company_id,
        company_id=company_id,
        before={name: _written(value) for name, value in before.items()},
        after={name: _written(value) for name, value in changed.items()},
    )
    return True


def add(session: Session, values: dict[str, Any], *, by: Actor) -> Company:
    """One more company; raises Invalid when its short name is taken."""
    if session.scalar(select(Company.id).where(Company.code == values["code"])):
        raise Invalid("company.code_taken", _("There is already a company with this short name."))
    company = Company(id=new_id(), created_at=clock.now(), **values)
    session.add(company)
    session.flush()
    audit.record(
        session,
        by,
        "company.added",
        subject_type="company",
        subject_id=company.id,
        company_id=company.id,
        after={"code": company.code, "legal_name": company.legal_name},
    )
    ensure_reasons(session, company.id)
    return company


def _written(value: Any) -> Any:
    if isinstance(value, (time, Decimal)):
        return str(value)
    return getattr(value, "value", value)
