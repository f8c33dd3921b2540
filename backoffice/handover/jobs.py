"""Queue entry points of handing over."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from backoffice.handover.pass_on import release_departed
from shared.kit.jobs import duty, job


@duty(every=timedelta(minutes=5))
@job("handover.release", queue="soon", timeout_s=300, exclusive=True)
def release(_payload: dict[str, Any]) -> None:
    """Make nobody's what belongs to who has left. Twice is safe: what is nobody's is released no more."""
    release_departed()
