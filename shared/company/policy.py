"""What a company grants or asks in one matter: a row of its own in the matter's table, else what the matter's rules say."""

from __future__ import annotations

import uuid
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy.orm import Session

from shared.company.models import CompanyPolicy
from shared.kit import audit, clock
from shared.kit.actors import Actor
from shared.kit.db import Base

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_W = TypeVar("_W", bound="DataclassInstance")


def read(session: Session, table: type[Base], company_id: uuid.UUID, words: type[_W]) -> _W:
    """The company's own words as a frozen value; `words()` while it has none. Columns are called as the fields are."""
    row = session.get(table, company_id)
    return words() if row is None else words(**{field.name: getattr(row, field.name) for field in fields(words)})


def write(
    session: Session,
    table: type[CompanyPolicy],
    company_id: uuid.UUID,
    words: _W,
    *,
    action: str,
    by: Actor,
) -> bool:
    """Keep other words from now on, with an audit line of what is new in them; False when nothing is."""
    before = read(session, table, company_id, type(words))
    if words == before:
        return False
    values, former = asdict(words), asdict(before)
    row = session.get(table, company_id, with_for_update=True)
    if row is None:
        row = table(company_id=company_id)
        session.add(row)
    for name, value in values.items():
        setattr(row, name, value)
    row.changed_at = clock.now()
    changed = [name for name, value in values.items() if former[name] != value]
    audit.record(
        session,
        by,
        action,
        subject_type="company",
        subject_id=company_id,
        company_id=company_id,
        before={name: former[name] for name in changed},
        after={name: values[name] for name in changed},
    )
    return True
