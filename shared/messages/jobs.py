"""Queue entry points of messages."""

import uuid
from datetime import timedelta
from typing import Any

from shared.kit.jobs import duty, job
from shared.kit.mailer import one_connection
from shared.messages import digest
from shared.messages.deliver import deliver as send


@job("messages.deliver", queue="soon", max_tries=12, timeout_s=90, together=one_connection)
def deliver(payload: dict[str, Any]) -> None:
    """Send one message. Twice is safe: the row's status says whether it left (see deliver.py)."""
    send(uuid.UUID(payload["message_id"]))


@job("messages.deliver_now", queue="now", max_tries=12, timeout_s=90)
def deliver_now(payload: dict[str, Any]) -> None:
    """Send a message that somebody waits for. Twice is safe, as for `deliver`."""
    send(uuid.UUID(payload["message_id"]))


@duty(every=timedelta(minutes=30))
@job("messages.digests", queue="night", timeout_s=900, exclusive=True)
def write_digests(_payload: dict[str, Any]) -> None:
    """Write the weekly digests that are due. Twice is safe: what a digest tells is marked with it in one transaction."""
    digest.run()
