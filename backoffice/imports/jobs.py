"""The import's work in the background."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from backoffice.imports import run, undo
from shared.kit.jobs import duty, job


@job("imports.read", queue="night", max_tries=3, timeout_s=1800)
def read(payload: dict[str, Any]) -> None:
    """Read a large file for its preview. Safe to run twice: a run that has been read is left as it is."""
    run.read(uuid.UUID(payload["run"]))


@duty(every=timedelta(minutes=10))
@job("imports.stale", queue="night")
def stale(_payload: dict[str, Any]) -> None:
    """End the readings that never came to an end, and give back imports whose job is dead. Safe to run twice: what has ended is left as it is."""
    run.end_stale()


@job("imports.write", queue="night", max_tries=5, timeout_s=3600)
def write(payload: dict[str, Any]) -> None:
    """Write a confirmed import. Safe to run twice: one transaction writes all, and a run that is done stays done."""
    run.write(uuid.UUID(payload["run"]), only_confirmed=True)


@job("imports.undo", queue="night", max_tries=5, timeout_s=3600)
def take_back(payload: dict[str, Any]) -> None:
    """Take an import back. Safe to run twice: one transaction does all, and a run that was taken back stays so."""
    undo.undo(uuid.UUID(payload["run"]))
