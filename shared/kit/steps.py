"""The steps that a thing takes along its table of edges: append-only, numbered, signed, each taken once."""

from datetime import datetime

from sqlalchemy import ColumnElement, SmallInteger, String, Text, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from shared.kit import clock
from shared.kit.actors import Actor
from shared.kit.db import Base, HasId


class Step(HasId, Base):
    """What every table of steps has, beside the thing, `before` and `after`; the database refuses a number taken twice."""

    __abstract__ = True

    step: Mapped[int] = mapped_column(SmallInteger)
    at: Mapped[datetime]
    actor_kind: Mapped[str] = mapped_column(String(16))
    actor_name: Mapped[str]
    cause: Mapped[str] = mapped_column(Text, default="")


def last(session: Session, table: type[Step], of: ColumnElement[bool]) -> int:
    """How many steps a thing has taken, 0 before its first; `of` says which thing."""
    return session.scalar(select(func.max(table.step)).where(of)) or 0


def take(session: Session, row: Step, of: ColumnElement[bool], *, by: Actor, cause: str) -> int:
    """Number, sign and add a step of a thing that the caller has locked; gives its number."""
    row.step = last(session, type(row), of) + 1
    row.at, row.actor_kind, row.actor_name, row.cause = clock.now(), by.kind, by.name, cause
    session.add(row)
    return row.step
