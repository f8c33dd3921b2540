"""The queue's way to refunds."""

from __future__ import annotations

import uuid
from typing import Any

from payments.refunds.send import send
from shared.kit.jobs import job, on


@on("refund.approved")
@job("payments.refunds.send", queue="money", timeout_s=120)
def send_refund(payload: dict[str, Any]) -> None:
    """Send an approved refund. Safe to run twice: its request and key are frozen, and a sent one is left alone."""
    send(uuid.UUID(payload["refund_id"]))
