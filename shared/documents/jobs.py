"""Queue entry points of papers."""

from __future__ import annotations

import uuid
from typing import Any

from shared.documents import orders, render
from shared.kit.jobs import job


@job(orders.JOB, queue="soon", timeout_s=render.PATIENCE_S + 60)
def print_(payload: dict[str, Any]) -> None:
    """Make the next portion of a long paper. Twice is safe: a portion is recorded once."""
    orders.go_on(uuid.UUID(payload["order"]))
