"""Acts on the outbox: replay and abandon, with an audit line."""

import uuid

from sqlalchemy.orm import Session

from shared.kit import audit, clock, db, jobs, outbox
from shared.kit.actors import Actor
from shared.kit.errors import Conflict, NotFound
from shared.kit.outbox.models import MessageState, OutboxMessage
from shared.kit.words import gettext as _


def replay(session: Session, message_id: uuid.UUID, *, by: Actor) -> None:
    """Try a dead message again from its first try; jobs are safe to run twice. Raises Conflict for one that is done."""
    message = db.lock(session, OutboxMessage, message_id)
    if message.state is MessageState.DONE and message.last_error is None:
        raise Conflict("outbox.done", _("This message is done."))
    before = message.state
    message.state, message.tries, message.due_at, message.locked_until = MessageState.WAITING, 0, clock.now(), None
    message.done_at = None
    _record(session, by, "outbox.replayed", message, before)


def abandon(session: Session, message_id: uuid.UUID, *, by: Actor) -> None:
    """Give a dead message up: it is done as it is, and its error stays for the record."""
    message = db.lock(session, OutboxMessage, message_id)
    if message.state is not MessageState.DEAD:
        raise Conflict("outbox.alive", _("Only a dead message can be abandoned."))
    message.state, message.done_at = MessageState.DONE, clock.now()
    _record(session, by, "outbox.abandoned", message, MessageState.DEAD)


def ask_duty(session: Session, name: str, *, by: Actor) -> None:
    """Ask for a duty of the clock now; it derives what is due from the data, so that asking twice is harmless."""
    if name not in {duty.name for duty in jobs.all_duties()}:
        raise NotFound("duty.missing", _("There is no such duty."))
    outbox.enqueue(session, name, {})
    audit.record(session, by, "duty.asked", subject_type="duty", subject_id=None, after={"name": name})


def _record(session: Session, by: Actor, action: str, message: OutboxMessage, before: MessageState) -> None:
    audit.record(
        session,
        by,
        action,
        subject_type="outbox_message",
        subject_id=message.id,
        before={"state": before.value, "error": message.last_error},
        after={"job": message.job},
    )
