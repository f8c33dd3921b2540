"""Whether money moves as it should: for /healthz, /readyz and the people who watch them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from payments.models import Payment, Refund
from payments.status import PaymentStatus, RefundStatus
from payments.webhooks.models import EventState
from payments.webhooks.queries import count_by_state, oldest_unhandled_at
from shared.kit import clock, pulse
from shared.kit.jobs import QUEUES
from shared.kit.outbox.models import MessageState, OutboxMessage
from shared.messages.models import Message, MessageStatus
from shared.messages.queries import present_outage

LONGEST_WAIT = timedelta(minutes=30)
"""A webhook that is not handled, or a message that is not sent, after so long means that something stands still."""


SILENT_AFTER_S = 120
"""A clock or worker that has given no sign for so long is not at work."""


@dataclass(frozen=True, slots=True)
class Health:
    """Ages in seconds (None: nothing waits), and counts of what needs a person."""

    oldest_unhandled_webhook_s: int | None
    oldest_unsent_message_s: int | None
    oldest_waiting_job_s: int | None
    stuck_webhooks: int
    dead_jobs: int
    uncertain_messages: int
    mail_outage_s: int | None
    """How long the mail server has taken nothing of ours."""
    unanswered_payments: int
    """Written down more than an hour ago, and no provider has said anything yet."""
    unanswered_refunds: int
    not_at_work: tuple[str, ...]
    """Of the clock and the workers of all queues: who has given no sign of life lately."""

    @property
    def is_ready(self) -> bool:
        """False when something stands still; what merely needs a person does not take the service away."""
        ages = (self.oldest_unhandled_webhook_s, self.oldest_unsent_message_s)
        return not self.not_at_work and all(age is None or age <= LONGEST_WAIT.total_seconds() for age in ages)


def look(session: Session) -> Health:
    """How things stand."""
    now = clock.now()
    events = count_by_state(session)
    unsent = session.scalar(select(func.min(Message.created_at)).where(Message.status == MessageStatus.WAITING))
    due = select(func.min(OutboxMessage.due_at)).where(
        OutboxMessage.state == MessageState.WAITING, OutboxMessage.due_at <= now
    )
    hour_ago = now - timedelta(hours=1)
    lasts = present_outage(session)
    return Health(
        mail_outage_s=_age(lasts.began_at, now) if lasts is not None and lasts.is_certain else None,
        oldest_unhandled_webhook_s=_age(oldest_unhandled_at(session), now),
        oldest_unsent_message_s=_age(unsent, now),
        oldest_waiting_job_s=_age(session.scalar(due), now),
        stuck_webhooks=events.get(EventState.STUCK, 0) + events.get(EventState.SET_ASIDE, 0),
        dead_jobs=_count(session, OutboxMessage.state == MessageState.DEAD),
        uncertain_messages=_count(session, Message.status == MessageStatus.UNCERTAIN),
        unanswered_payments=_count(
            session, (Payment.status == PaymentStatus.CREATED) & (Payment.created_at < hour_ago)
        ),
        not_at_work=_not_at_work(session),
        unanswered_refunds=_count(session, (Refund.status == RefundStatus.APPROVED) & (Refund.created_at < hour_ago)),
    )


def _not_at_work(session: Session) -> tuple[str, ...]:
    ages = pulse.ages(session)
    wanted = (pulse.CLOCK, *(pulse.of_worker(queue) for queue in QUEUES))
    return tuple(name for name in wanted if ages.get(name, SILENT_AFTER_S + 1) > SILENT_AFTER_S)


def _age(moment: datetime | None, now: datetime) -> int | None:
    return None if moment is None else max(0, int((now - moment).total_seconds()))


def _count(session: Session, which: Any) -> int:
    return int(session.scalar(select(func.count()).where(which)) or 0)
