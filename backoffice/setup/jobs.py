"""What the clock asks of the set-up: a higher limit whose waiting time is over."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from backoffice.setup import limits
from shared.kit.jobs import duty, job


@duty(every=timedelta(minutes=10))
@job("limits.ripen")
def ripen(_payload: dict[str, Any]) -> None:
    """Put higher limits into force that nobody has stopped in their waiting time. Twice is safe: what was decided stays decided."""
    limits.ripen()
