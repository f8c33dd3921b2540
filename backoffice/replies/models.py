"""Replies that a company keeps ready."""

import uuid

from sqlalchemy import Boolean, ForeignKey, SmallInteger, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from backoffice.replies.rules import Room
from shared.kit.columns import enum_column
from shared.kit.db import Base, HasId


class SavedReply(HasId, Base):
    """A reply in both languages, with placeholders.

    Written when a company first changes what `defaults.DEFAULTS` holds for an act.
    """

    __tablename__ = "saved_reply"
    __table_args__ = (UniqueConstraint("company_id", "room", "code"),)

    company_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("company.id"))
    room: Mapped[Room] = mapped_column(enum_column(Room))
    act: Mapped[str] = mapped_column(String(16))
    """The act of the room beside which it is offered: one of `rules.ACTS`."""
    code: Mapped[str] = mapped_column(String(32))
    title: Mapped[str] = mapped_column(String(80))
    """For staff alone."""
    text_fr: Mapped[str] = mapped_column(Text)
    text_en: Mapped[str] = mapped_column(Text)
    asks: Mapped[bool] = mapped_column(Boolean, default=False)
    """Whether it asks the debtor for something: the deadline of a dispute stands still until he answers."""
    is_active: Mapped[bool] = mapped_column(Boolean, default=True)
    position: Mapped[int] = mapped_column(SmallInteger)
