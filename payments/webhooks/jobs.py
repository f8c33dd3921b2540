"""The queue's way into the inbox."""

from __future__ import annotations

import uuid
from contextlib import nullcontext
from typing import Any

from payments.webhooks.handle import handle
from payments.webhooks.receive import JOB
from shared.kit.jobs import job


@job(JOB, queue="news", max_tries=8, timeout_s=120, together=nullcontext)
def handle_event(payload: dict[str, Any]) -> None:
    """Handle one event. Safe to run twice: a handled event is left alone, and handling is asking how things stand."""
    handle(uuid.UUID(payload["event_id"]))
