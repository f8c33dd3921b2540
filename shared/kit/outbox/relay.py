"""From the queue of record to the workers: due rows are rung in Redis, or performed on the spot."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Sequence
from datetime import timedelta

from redis import Redis
from redis.exceptions import RedisError
from rq import Queue
from rq.exceptions import DuplicateJobError
from rq.serializers import JSONSerializer
from sqlalchemy import Select, func, or_, select, update

from shared.kit import clock, jobs
from shared.kit.db import reading, transaction
from shared.kit.outbox.models import MessageState, OutboxMessage

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=30)
"""How long a rung message waits for a worker before it is rung again (a flushed Redis costs this delay)."""


def due() -> Select[uuid.UUID]:
    """The waiting messages whose time has come and that nobody holds, the oldest first."""
    return (
        select(OutboxMessage.id)
        .where(OutboxMessage.state == MessageState.WAITING)
        .where(OutboxMessage.due_at <= clock.now())
        .where(or_(OutboxMessage.locked_until.is_(None), OutboxMessage.locked_until < func.now()))
        .order_by(OutboxMessage.due_at, OutboxMessage.id)
    )


def _take_due(limit: int, *, but: Sequence[str] = ()) -> list[tuple[str, str, str, int]]:
    oldest = due().where(OutboxMessage.job.not_in(but)).limit(limit).with_for_update(skip_locked=True)
    with transaction() as session:
        rows = session.execute(
            update(OutboxMessage)
            .where(OutboxMessage.id.in_(oldest))
            .values(locked_until=func.now() + LEASE)
            .returning(OutboxMessage.id, OutboxMessage.job, OutboxMessage.queue, OutboxMessage.tries)
        ).all()
        return [(str(row.id), row.job, row.queue, row.tries) for row in rows]


def relay(redis: Redis, *, limit: int = 200) -> int:
    """Ring the doorbell for due messages; gives how many. Safe to run anywhere, any number of times.

    A job that goes in rows is rung for once, not for each of its messages, and its process takes them itself.
    """
    in_rows = [work for work in jobs.all_jobs().values() if work.together]
    for work in in_rows:
        _ring_for_row(redis, work)
    taken = _take_due(limit, but=[work.name for work in in_rows])
    for identity, name, queue_name, tries in taken:
        known = jobs.all_jobs().get(name)
        queue = Queue(queue_name, connection=redis, serializer=JSONSerializer)
        try:
            queue.enqueue_call(
                jobs.perform,
                args=(name, {"message": identity, "tries": tries}),
                job_id=f"{identity}_{tries}",
                timeout=(known.timeout_s if known else 60) + 10,
                result_ttl=0,
                failure_ttl=3600,
                unique=True,
            )
        except DuplicateJobError:
            continue
        except RedisError:
            log.warning("the doorbell does not answer; %s waits", identity)
            break
    return len(taken)


def _ring_for_row(redis: Redis, work: jobs.Job) -> None:
    with reading() as session:
        waits = session.scalar(due().where(OutboxMessage.job == work.name).limit(1))
    if waits is None:
        return
    # One at a time; and if that one was killed, another as soon as a message would be rung for again.
    lease = int(time.time() // LEASE.total_seconds())
    try:
        Queue(work.queue, connection=redis, serializer=JSONSerializer).enqueue_call(
            jobs.perform_row,
            args=(work.name,),
            job_id=f"{work.name.replace('.', '_')}_{lease}",
            timeout=int(jobs.ROW_S) + work.timeout_s + 10,
            result_ttl=0,
            failure_ttl=3600,
            unique=True,
        )
    except DuplicateJobError:
        return
    except RedisError:
        log.warning("the doorbell does not answer; %s waits", work.name)


def perform_due(*, limit: int = 1000) -> int:
    """Perform due messages in this process, without Redis; gives how many (tests, `guichet worker --drain`)."""
    done = 0
    while done < limit:
        taken = _take_due(min(50, limit - done))
        if not taken:
            break
        for identity, name, _queue, tries in taken:
            jobs.perform(name, {"message": identity, "tries": tries})
            done += 1
    return done
