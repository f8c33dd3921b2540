"""The queue of record: a message is a row written in the business transaction; Redis is only a doorbell."""

from shared.kit.outbox.models import MessageState, OutboxMessage
from shared.kit.outbox.write import enqueue, enqueue_all, publish

__all__ = ["MessageState", "OutboxMessage", "enqueue", "enqueue_all", "publish"]
