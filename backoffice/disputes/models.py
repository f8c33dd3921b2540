"""Credits that wait for a second person."""

import enum
import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from shared.kit.columns import Minor, above_zero, enum_column
from shared.kit.db import Base, HasId


class ProposalState(enum.Enum):
    """Where a credit above the company's limit stands."""

    ASKED = "asked"
    APPROVED = "approved"
    DECLINED = "declined"


class CreditProposal(HasId, Base):
    """An acceptance whose credit is above the company's limit: nothing happens before a second person approves it."""

    __tablename__ = "dispute_credit_proposal"
    __table_args__ = (
        Index("ix_dispute_credit_proposal_one", "dispute_id", unique=True, postgresql_where="state = 'asked'"),
        Index("ix_dispute_credit_proposal_asked", "company_id", "id", postgresql_where="state = 'asked'"),
        Index(None, "dispute_id", "id"),
        above_zero("total_minor"),
    )

    company_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("company.id"))
    dispute_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("dispute.id"))
    state: Mapped[ProposalState] = mapped_column(enum_column(ProposalState), default=ProposalState.ASKED)
    total_minor: Mapped[Minor]
    credit: Mapped[dict[str, Any]] = mapped_column(JSONB)
    """The wish: minors by part, number, credit note, VAT rate."""
    text: Mapped[str] = mapped_column(Text, default="")
    owed_again_on: Mapped[date | None]
    asked_by_id: Mapped[uuid.UUID]
    asked_by_name: Mapped[str]
    asked_at: Mapped[datetime]
    decided_by_id: Mapped[uuid.UUID | None]
    decided_by_name: Mapped[str] = mapped_column(default="")
    decided_at: Mapped[datetime | None]
