"""For how long each company holds what, who agreed that old data goes, and what each sweep removed."""

import enum
import uuid
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from shared.kit.columns import above_zero, enum_column
from shared.kit.db import Base, HasId

ANSWERED_WITHIN = timedelta(days=30)
"""GDPR art. 12.3: an answer within one month; thirty days is never longer."""


class RetentionTerm(HasId, Base):
    """From a day on, a company holds a kind for so long; the latest row of the past or today speaks. Never changed."""

    __tablename__ = "retention_term"
    __table_args__ = (Index(None, "company_id", "kind", "from_on"), above_zero("length"))

    company_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("company.id"))
    kind: Mapped[str] = mapped_column(String(32))
    length: Mapped[int]
    """In the unit of the kind."""
    from_on: Mapped[date]
    set_by: Mapped[str]
    set_by_id: Mapped[uuid.UUID | None]
    created_at: Mapped[datetime]


class ReleaseState(enum.Enum):
    """Where a release stands."""

    ASKED = "asked"
    AGREED = "agreed"
    DECLINED = "declined"


class RetentionRelease(HasId, Base):
    """That the sweep may begin with kinds of a company: asked for by one person who saw what would go, agreed to by another."""

    __tablename__ = "retention_release"
    __table_args__ = (
        Index("uq_retention_release_asked", "company_id", unique=True, postgresql_where="state = 'asked'"),
        Index(None, "company_id", "id"),
    )

    company_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("company.id"))
    state: Mapped[ReleaseState] = mapped_column(enum_column(ReleaseState), default=ReleaseState.ASKED)
    kinds: Mapped[list[str]] = mapped_column(JSONB)
    counts: Mapped[dict[str, Any]] = mapped_column(JSONB)
    """What would have gone of each kind when it was asked for."""
    asked_by: Mapped[str]
    asked_by_id: Mapped[uuid.UUID | None]
    asked_at: Mapped[datetime]
    decided_by: Mapped[str] = mapped_column(default="")
    decided_by_id: Mapped[uuid.UUID | None]
    decided_at: Mapped[datetime | None]


class RetentionRun(HasId, Base):
    """One sweep of a company's data, or (without a company) of what the installation holds. Unfinished: it goes on."""

    __tablename__ = "retention_run"
    __table_args__ = (
        Index(
            "uq_retention_run_unfinished",
            "company_id",
            unique=True,
            postgresql_where="finished_at IS NULL",
            postgresql_nulls_not_distinct=True,
        ),
        Index(None, "company_id", "id"),
    )

    company_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("company.id"))
    counts: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    """How many rows of each kind went."""
    begun_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


class ErasureState(enum.Enum):
    """Where a wish to be erased stands."""

    ASKED = "asked"
    DONE = "done"
    DECLINED = "declined"


class ErasureGround(enum.Enum):
    """Why the law lets a company decline a wish to be erased (GDPR art. 12 and 17)."""

    NEEDED = "needed"
    """Art. 17.1.a: the data is still needed for what it was collected for."""
    LAW = "law"
    """Art. 17.3.b: a law wants it kept."""
    CLAIMS = "claims"
    """Art. 17.3.e: claims are made or defended with it."""
    IDENTITY = "identity"
    """Art. 12.2 and 12.6: nobody could make sure that the person asked."""
    EXCESSIVE = "excessive"
    """Art. 12.5: it is manifestly unfounded or excessive."""


class ErasureRequest(HasId, Base):
    """That a person asked to be erased, and what became of it: an answer is owed within a month (GDPR art. 12.3)."""

    __tablename__ = "erasure_request"
    __table_args__ = (
        Index("uq_erasure_request_asked", "contact_id", unique=True, postgresql_where="state = 'asked'"),
        Index("ix_erasure_request_open", "company_id", "due_on", postgresql_where="state = 'asked'"),
        CheckConstraint("(state = 'declined') = (ground IS NOT NULL)", name="ground"),
    )

    company_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("company.id"))
    contact_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("contact.id"))
    state: Mapped[ErasureState] = mapped_column(enum_column(ErasureState), default=ErasureState.ASKED)
    asked_at: Mapped[datetime]
    due_on: Mapped[date]
    counts: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    """Of each kind: how many rows went and stayed."""
    decided_by: Mapped[str] = mapped_column(default="")
    decided_by_id: Mapped[uuid.UUID | None]
    decided_at: Mapped[datetime | None]
    ground: Mapped[ErasureGround | None] = mapped_column(enum_column(ErasureGround))
    """Why it was declined."""
    answer: Mapped[str] = mapped_column(default="")
    """What staff added to the ground, in their own words to the person."""

    @property
    def asked_on(self) -> date:
        """The company's day on which it was asked for: of a letter, that of the letter."""
        return self.due_on - ANSWERED_WITHIN
