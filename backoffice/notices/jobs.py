"""Queue entry points of notices, and the clock's duty."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from backoffice.notices import digest
from backoffice.notices.rules import TOPICS
from backoffice.notices.tell import tell
from shared.kit.jobs import duty, job, occasion, on


@job("notices.tell")
def tell_staff(payload: dict[str, Any]) -> None:
    """Note what happened for whom it concerns. Twice is safe: the message of the event identifies each notice."""
    tell(occasion(), payload)


for _topic in TOPICS:
    on(_topic)(tell_staff)


@duty(every=timedelta(minutes=20))
@job("notices.digests", queue="night", timeout_s=600, exclusive=True)
def write_digests(_payload: dict[str, Any]) -> None:
    """Write the daily digests that are due. Twice is safe: what a digest tells is marked with it in one transaction."""
    digest.run()
