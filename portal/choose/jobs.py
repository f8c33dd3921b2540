"""What the clock asks of kept choices."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from shared.invoices import selections
from shared.kit.db import transaction
from shared.kit.jobs import duty, job


@duty(every=timedelta(hours=6))
@job("choices.sweep", exclusive=True)
def sweep(_payload: dict[str, Any]) -> None:
    """Drop choices that are too old to be used. Safe to run twice."""
    with transaction() as session:
        selections.forget_old(session)
