"""Writing to the outbox inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from shared.kit import clock, jobs
from shared.kit.ids import new_id
from shared.kit.outbox.models import MessageState, OutboxMessage, new_dedupe_key

CHANNEL = "guichet_outbox"


def publish(
    session: Session,
    topic: str,
    payload: dict[str, Any],
    *,
    dedupe_key: str | None = None,
    due_at: datetime | None = None,
) -> None:
    """Tell every job subscribed to `topic`. Payloads carry ids, never personal data.

    With a `dedupe_key` each job hears of it once, however often it is published. Of two topics under one key a job that
    listens to both hears of both.
    """
    key = f"{topic}:{dedupe_key}" if dedupe_key is not None else None
    for name in jobs.subscribers(topic):
        _write(session, name, payload, topic=topic, dedupe_key=key, due_at=due_at)


def enqueue_all(session: Session, job_name: str, payloads: Mapping[str, dict[str, Any]]) -> None:
    """Ask for one job many times, a thousand a statement: payloads by their dedupe keys. Raises KeyError for an unknown job."""
    if not payloads:
        return
    now = clock.now()
    rows = [
        {
            "id": new_id(),
            "job": job_name,
            "queue": jobs.get(job_name).queue,
            "payload": payload,
            "dedupe_key": dedupe_key,
            "state": MessageState.WAITING,
            "due_at": now,
            "tries": 0,
            "created_at": now,
        }
        for dedupe_key, payload in payloads.items()
    ]
    session.execute(insert(OutboxMessage).on_conflict_do_nothing(index_elements=["job", "dedupe_key"]), rows)
    session.execute(select(func.pg_notify(CHANNEL, "")))


def enqueue(
    session: Session,
    job_name: str,
    payload: dict[str, Any],
    *,
    dedupe_key: str | None = None,
    due_at: datetime | None = None,
) -> None:
    """Ask for one job by name; raises KeyError for an unknown one."""
    _write(session, job_name, payload, topic=None, dedupe_key=dedupe_key, due_at=due_at)


def _write(
    session: Session,
    job_name: str,
    payload: dict[str, Any],
    *,
    topic: str | None,
    dedupe_key: str | None,
    due_at: datetime | None,
) -> None:
    identity = new_id()
    now = clock.now()
    session.execute(
        insert(OutboxMessage)
        .values(
            id=identity,
            topic=topic,
            job=job_name,
            queue=jobs.get(job_name).queue,
            payload=payload,
            dedupe_key=dedupe_key or new_dedupe_key(identity),
            state=MessageState.WAITING,
            due_at=due_at or now,
            tries=0,
            created_at=now,
        )
        .on_conflict_do_nothing(index_elements=["job", "dedupe_key"])
    )
    session.execute(select(func.pg_notify(CHANNEL, "")))
