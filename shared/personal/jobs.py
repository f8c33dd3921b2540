"""What the clock asks of personal data."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from shared.kit.actors import Actor
from shared.kit.jobs import duty, job
from shared.personal.sweep import sweep


@duty(every=timedelta(hours=24))
@job("personal.sweep", queue="night", exclusive=True, timeout_s=3600)
def sweep_personal(_payload: dict[str, Any]) -> None:
    """Remove what is over. Safe to run twice: what is gone is not due."""
    sweep(by=Actor.system("retention"))
