"""What the reconciliation remembers."""

import enum
import uuid
from datetime import datetime

from sqlalchemy import Index, String, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from payments.models import Provider
from shared.kit.columns import Minor, enum_column
from shared.kit.db import Base, HasId


class ProviderWatermark(Base):
    """Up to which moment a provider's list of events has been read."""

    __tablename__ = "provider_watermark"

    provider: Mapped[Provider] = mapped_column(enum_column(Provider), primary_key=True)
    events_read_until: Mapped[datetime]


class CorrectionState(enum.Enum):
    """Where a correction stands."""

    PROPOSED = "proposed"
    DONE = "done"
    DECLINED = "declined"


class Correction(HasId, Base):
    """A difference that one person proposes to put right and another one approves. What was done stands in it for good."""

    __tablename__ = "correction"
    __table_args__ = (
        Index("uq_correction_waiting", "difference", "subject", unique=True, postgresql_where="state = 'proposed'"),
    )

    difference: Mapped[str] = mapped_column(String(64))
    """The name of the check that differs."""
    subject: Mapped[str] = mapped_column(String(200))
    key: Mapped[uuid.UUID | None]
    """The row that it is about."""
    expected_minor: Mapped[Minor]
    found_minor: Mapped[Minor]
    currency: Mapped[str] = mapped_column(String(3), default="")
    remedy: Mapped[str] = mapped_column(String(32))
    """A value of `remedies.Remedy`."""
    reason: Mapped[str] = mapped_column(Text)
    state: Mapped[CorrectionState] = mapped_column(enum_column(CorrectionState), default=CorrectionState.PROPOSED)
    asked_by: Mapped[str]
    asked_by_id: Mapped[uuid.UUID]
    asked_at: Mapped[datetime]
    decided_by: Mapped[str] = mapped_column(default="")
    decided_at: Mapped[datetime | None]
    done: Mapped[list[str]] = mapped_column(JSONB, default=list)
    """What was written, one sentence each."""
