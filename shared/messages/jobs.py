"""Queue entry points of messages."""

from datetime import timedelta
from typing import Any

from shared.kit import outbox
from shared.kit.db import transaction
from shared.kit.jobs import duty, job
from shared.kit.mailer import one_connection
from shared.messages import digest
from shared.messages.deliver import next_start_at, send_what_waits


@job("messages.deliver", queue="soon", timeout_s=180, together=one_connection)
def deliver(_payload: dict[str, Any]) -> None:
    """Send what waits. Twice is safe: each message's row says whether it left, and a start that finds nothing ends."""
    send_what_waits()
    _ring_again()


@job("messages.deliver_now", queue="now", timeout_s=180)
def deliver_now(_payload: dict[str, Any]) -> None:
    """Send what somebody waits for. Twice is safe, as for `deliver`."""
    send_what_waits(only_awaited=True)
    _ring_again()


@duty(every=timedelta(minutes=10))
@job("messages.knock", queue="soon", timeout_s=60)
def knock(_payload: dict[str, Any]) -> None:
    """See to it that nothing is left lying. Twice is safe: it only rings."""
    _ring_again()


def _ring_again() -> None:
    """Ask for the next start at the moment from which it has something to do: once for each such moment."""
    moment = next_start_at()
    if moment is not None:
        with transaction() as session:
            outbox.enqueue(session, "messages.deliver", {}, dedupe_key=f"at:{moment.isoformat()}", due_at=moment)


@duty(every=timedelta(minutes=30))
@job("messages.digests", queue="night", timeout_s=900, exclusive=True)
def write_digests(_payload: dict[str, Any]) -> None:
    """Write the weekly digests that are due. Twice is safe: what a digest tells is marked with it in one transaction."""
    digest.run()
