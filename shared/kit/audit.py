"""The audit trail: append-only, one line for every act on money or rights (who, what, when, before, after)."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Identity, Index, String
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, Session, mapped_column

from shared.kit import bulk, clock
from shared.kit.actors import Actor
from shared.kit.db import Base


class AuditLine(Base):
    """One act. A trigger refuses every update and delete."""

    __tablename__ = "audit_line"
    __table_args__ = (
        Index(None, "subject_type", "subject_id"),
        Index(None, "debtor_id", "id"),
        Index(None, "company_id", "id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    at: Mapped[datetime]
    actor_kind: Mapped[str] = mapped_column(String(16))
    actor_id: Mapped[uuid.UUID | None]
    actor_name: Mapped[str]
    action: Mapped[str] = mapped_column(String(64))
    subject_type: Mapped[str] = mapped_column(String(32))
    subject_id: Mapped[uuid.UUID | None]
    company_id: Mapped[uuid.UUID | None]
    debtor_id: Mapped[uuid.UUID | None]
    before: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    after: Mapped[dict[str, Any] | None] = mapped_column(JSONB)


def record(
    session: Session,
    actor: Actor,
    action: str,
    *,
    subject_type: str,
    subject_id: uuid.UUID | None,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    company_id: uuid.UUID | None = None,
    debtor_id: uuid.UUID | None = None,
) -> None:
    """Add one line in the caller's transaction. Values are JSON; amounts in minor units."""
    session.add(
        AuditLine(
            at=clock.now(),
            actor_kind=actor.kind,
            actor_id=actor.id,
            actor_name=actor.name,
            action=action,
            subject_type=subject_type,
            subject_id=subject_id,
            company_id=company_id,
            debtor_id=debtor_id,
            before=before,
            after=after,
        )
    )


def record_all(
    session: Session,
    actor: Actor,
    action: str,
    lines: Sequence[tuple[uuid.UUID, dict[str, Any]]],
    *,
    subject_type: str,
    company_id: uuid.UUID,
    debtor_id: uuid.UUID,
) -> None:
    """A line for each (subject, after) of one debtor, in one statement: what `record` does with each."""
    bulk.insert_rows(
        session,
        AuditLine,
        [{"subject_id": subject_id, "after": after} for subject_id, after in lines],
        at=clock.now(),
        actor_kind=actor.kind,
        actor_id=actor.id,
        actor_name=actor.name,
        action=action,
        subject_type=subject_type,
        company_id=company_id,
        debtor_id=debtor_id,
    )
