"""What each member of staff wants to hear of, and what they were told."""

import enum
import uuid
from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from shared.kit.columns import enum_column
from shared.kit.db import Base, HasId


class NoticeGroup(enum.Enum):
    """What a notice is about."""

    DISPUTES = "disputes"
    PLANS = "plans"
    PROMISES = "promises"
    DECLARATIONS = "declarations"
    PAYMENTS = "payments"
    """Money that goes back or is contested, mandates that end, refunds that wait."""


class Delivery(enum.Enum):
    """How a member hears of it."""

    IMMEDIATE = "immediate"
    """One mail for each."""
    DAILY = "daily"
    """One mail each working morning with all of it."""
    NONE = "none"
    """No mail: it stands in the list of the back-office alone."""


class Scope(enum.Enum):
    """Whose affairs a member hears of."""

    MINE = "mine"
    """What is assigned to this member, and what nobody has taken yet."""
    ALL = "all"


class StaffNoticePreference(HasId, Base):
    """What one member of staff chose for one group; without a row the defaults of `rules` hold."""

    __tablename__ = "staff_notice_preference"
    __table_args__ = (UniqueConstraint("member_id", "notice_group"),)

    member_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("staff_member.id"))
    notice_group: Mapped[NoticeGroup] = mapped_column(enum_column(NoticeGroup))
    delivery: Mapped[Delivery] = mapped_column(enum_column(Delivery))
    scope: Mapped[Scope] = mapped_column(enum_column(Scope))
    changed_at: Mapped[datetime]


class StaffNotice(HasId, Base):
    """That one member of staff is to hear of one event: unique by event and member."""

    __tablename__ = "staff_notice"
    __table_args__ = (
        UniqueConstraint("dedupe_key"),
        Index(None, "member_id", "id"),
        Index("ix_staff_notice_unread", "member_id", postgresql_where="read_at IS NULL"),
        Index(
            "ix_staff_notice_waiting",
            "company_id",
            "member_id",
            postgresql_where="delivery = 'daily' AND message_id IS NULL",
        ),
    )

    member_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("staff_member.id"))
    company_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("company.id"))
    debtor_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("debtor.id"))
    topic: Mapped[str] = mapped_column(String(64))
    """"dispute.raised": what happened."""
    by_kind: Mapped[str] = mapped_column(String(16))
    """Who did it: "contact", "staff", or the system."""
    subject_id: Mapped[uuid.UUID]
    """The dispute, plan, promise or declaration."""
    delivery: Mapped[Delivery] = mapped_column(enum_column(Delivery))
    """As the member wanted it when it happened."""
    dedupe_key: Mapped[str] = mapped_column(String(200))
    message_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("message.id"))
    """The mail that tells it."""
    created_at: Mapped[datetime]
    told_at: Mapped[datetime | None]
    """When that mail was written."""
    read_at: Mapped[datetime | None]
    """When the member ticked it off in the list."""
