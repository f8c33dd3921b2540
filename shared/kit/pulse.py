"""Signs of life: the clock and the worker of each queue say every few seconds that they go on.

In the database's time, so that neither a virtual clock nor another machine's makes anybody young or old.
"""

from __future__ import annotations

import logging
import time
from datetime import datetime

from sqlalchemy import String, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Mapped, Session, mapped_column

from shared.kit.db import Base, transaction

log = logging.getLogger(__name__)

EVERY_S = 15.0
"""How often a sign is written at most; an idle worker looks up every half minute."""

CLOCK = "clock"


class Pulse(Base):
    """The last sign of one part: `clock`, or `worker:` and its queue."""

    __tablename__ = "pulse"

    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    beat_at: Mapped[datetime]


def of_worker(queue: str) -> str:
    """The name of the worker of a queue."""
    return f"worker:{queue}"


class Beating:
    """One part's own sign, written when the last one is old enough. It never raises: who works goes on working."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._next = 0.0

    def beat(self) -> None:
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + EVERY_S
        try:
            with transaction() as session:
                write(session, self._name)
        except SQLAlchemyError as error:
            log.warning("no sign of life could be written: %s", type(error).__name__)


def write(session: Session, name: str) -> None:
    """Say that a part lives."""
    sign = insert(Pulse).values(name=name, beat_at=func.clock_timestamp())
    session.execute(sign.on_conflict_do_update(index_elements=["name"], set_={"beat_at": func.clock_timestamp()}))


def ages(session: Session) -> dict[str, int]:
    """Seconds since the last sign of each part that ever gave one."""
    age = func.extract("epoch", func.clock_timestamp() - Pulse.beat_at)
    return {row[0]: max(0, int(row[1])) for row in session.execute(select(Pulse.name, age))}
