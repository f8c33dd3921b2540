"""When nothing leaves: the breaker. One row while it lasts, a probe closes it, and its history stays."""

from __future__ import annotations

import enum
import uuid
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from shared.kit import clock
from shared.kit.ids import new_id
from shared.kit.mailer import Stage
from shared.messages.models import MailOutage

FIRST_PROBE = timedelta(seconds=30)
LONGEST_REST = timedelta(minutes=5)


class Gate(enum.Enum):
    """Whether messages may go to the mail server now."""

    OPEN = "open"
    PROBE = "probe"
    """One message, to see whether the server takes it again."""
    NEWCOMER = "newcomer"
    """One message that has not been tried yet: the last one may have been refused for its own sake."""
    SHUT = "shut"


def present(session: Session, *, lock: bool = False) -> MailOutage | None:
    """The outage that lasts, or None."""
    query = select(MailOutage).where(MailOutage.ended_at.is_(None))
    return session.scalars(query.with_for_update() if lock else query).one_or_none()


def gate(session: Session) -> Gate:
    """Whether messages may go now."""
    found = present(session)
    if found is None:
        return Gate.OPEN
    if found.probe_at <= clock.now():
        return Gate.PROBE
    return Gate.SHUT if found.is_certain else Gate.NEWCOMER


def goes_on(
    session: Session, *, stage: Stage, answer: str, is_certain: bool, message_id: uuid.UUID | None = None
) -> None:
    """The server did not take a message, or was not there: an outage begins, or lasts."""
    found = present(session, lock=True)
    now = clock.now()
    if found is None:
        # Two processes may meet a silent server in the same moment: one begins the outage, the other prolongs it.
        begun = session.scalar(
            insert(MailOutage)
            .values(
                id=new_id(),
                stage=stage,
                answer=answer,
                is_certain=is_certain,
                message_id=message_id,
                probes=0,
                probe_at=now + FIRST_PROBE,
                began_at=now,
            )
            .on_conflict_do_nothing()
            .returning(MailOutage.id)
        )
        found = None if begun is not None else present(session, lock=True)
        if found is None:
            return
    found.stage, found.answer = stage, answer
    found.is_certain = found.is_certain or is_certain
    found.probes += 1
    found.probe_at = now + min(FIRST_PROBE * 2 ** min(found.probes, 10), LONGEST_REST)


def ends(session: Session) -> None:
    """The server takes messages again."""
    found = present(session, lock=True)
    if found is not None:
        found.ended_at = clock.now()
