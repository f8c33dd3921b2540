"""What the house does by itself: asked for by the clock, done by workers. Acts beside `acts`: JSON in, JSON out."""

from __future__ import annotations

from sqlalchemy import update

from payments.collections.reconsider import reconsider_all
from payments.collections.withdraw import watch_frozen
from payments.models import Provider
from payments.reconcile.catch_up import catch_up
from payments.reconcile.sweep import sweep
from shared.kit import jobs
from shared.kit.db import transaction
from shared.kit.outbox.models import MessageState, OutboxMessage
from shared.kit.outbox.relay import perform_due
from shared.messages.models import Message


def keep_house() -> int:
    """Every duty that is due and all the work that follows; gives how much was found to do beside the duties.

    A killed worker's lease runs in the database's own time, which does not leap with ours: here it is over.
    """
    with transaction() as session:
        session.execute(
            update(OutboxMessage).where(OutboxMessage.state == MessageState.WAITING).values(locked_until=None)
        )
        session.execute(update(Message).values(locked_until=None))
        asked = len(jobs.knock(session))
    found = catch_up(Provider.STRIPE) + catch_up(Provider.GOCARDLESS)
    return found + perform_due(limit=20_000) - asked


def look_again() -> int:
    """What the clock asks for every few minutes, now: a debit that could not be stopped changes what else holds."""
    sweep()
    reconsider_all({})
    watch_frozen({})
    return perform_due(limit=20_000)
