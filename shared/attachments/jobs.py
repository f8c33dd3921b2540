"""Queue entry points of attachments."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from shared.attachments import scan as scanning
from shared.attachments import waiting
from shared.kit.jobs import duty, job


@job("attachments.scan", queue="soon", max_tries=12, timeout_s=120)
def scan(payload: dict[str, Any]) -> None:
    """Have one file scanned. Twice is safe: a file that has its verdict is left alone."""
    scanning.scan(uuid.UUID(payload["attachment"]))


@duty(every=timedelta(hours=1))
@job("attachments.ask_again", queue="night", exclusive=True)
def ask_again(_payload: dict[str, Any]) -> None:
    """Ask for what no scanner has seen. Twice is safe: one request per file and hour."""
    scanning.ask_again()


@duty(every=timedelta(hours=6))
@job("attachments.sweep", queue="night", exclusive=True)
def sweep(_payload: dict[str, Any]) -> None:
    """Delete the files of forms that were never sent. Twice is safe: what is gone is gone."""
    waiting.sweep()
