"""Jobs by name: a registry, subscriptions to topics, duties of the clock, and the one function that RQ runs.

Names are strings, so that renaming a function does not break what is queued during a deploy. Every job says in its
docstring why it is safe to run twice.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from shared.kit import clock
from shared.kit.errors import DomainError, Unavailable

log = logging.getLogger(__name__)

QUEUES = ("now", "soon", "night")
"""By urgency, not by topic: `now` webhooks; `soon` mail and receipts; `night` runs, imports, exports."""

_BACK_OFF = (10, 30, 60, 300, 900, 3600, 3 * 3600, 6 * 3600)


@dataclass(frozen=True, slots=True)
class Job:
    """A named piece of work: `run(payload)` opens its own short transactions."""

    name: str
    run: Callable[[dict[str, Any]], None]
    queue: str
    max_tries: int
    timeout_s: int
    exclusive: bool


@dataclass(frozen=True, slots=True)
class Duty:
    """A job that the clock asks for at most every so often; the job derives what is due from data."""

    name: str
    every: timedelta


@dataclass(frozen=True, slots=True)
class Occasion:
    """The message that a job is performed for: the same at every new try."""

    id: uuid.UUID
    topic: str | None


_occasion: ContextVar[Occasion | None] = ContextVar("occasion", default=None)


def occasion() -> Occasion:
    """Which message the present job is performed for; raises LookupError outside a job."""
    present = _occasion.get()
    if present is None:
        raise LookupError("no job is being performed")
    return present


_jobs: dict[str, Job] = {}
_subscriptions: dict[str, list[str]] = {}
_duties: dict[str, Duty] = {}

_F = TypeVar("_F", bound=Callable[[dict[str, Any]], None])


def job(
    name: str, *, queue: str = "soon", max_tries: int = 8, timeout_s: int = 180, exclusive: bool = False
) -> Callable[[_F], _F]:
    """Register a job. `exclusive`: while one runs, another start of the same name does nothing."""

    def register(run: _F) -> _F:
        if queue not in QUEUES:
            raise ValueError(f"no queue {queue!r}")
        known = _jobs.get(name)
        if known is not None and known.run.__qualname__ != run.__qualname__:
            raise ValueError(f"two jobs are named {name!r}")
        _jobs[name] = Job(name, run, queue, max_tries, timeout_s, exclusive)
        run.job_name = name  # type: ignore[attr-defined]
        return run

    return register


def on(topic: str) -> Callable[[_F], _F]:
    """Subscribe a job (written above `@job`) to a topic such as "payment.confirmed"."""

    def subscribe(run: _F) -> _F:
        names = _subscriptions.setdefault(topic, [])
        name: str = run.job_name  # type: ignore[attr-defined]
        if name not in names:
            names.append(name)
        return run

    return subscribe


def duty(*, every: timedelta) -> Callable[[_F], _F]:
    """Make a job (written above `@job`) a duty of the clock."""

    def register(run: _F) -> _F:
        name: str = run.job_name  # type: ignore[attr-defined]
        _duties[name] = Duty(name, every)
        return run

    return register


def get(name: str) -> Job:
    """The job of that name; raises KeyError."""
    return _jobs[name]


def subscribers(topic: str) -> tuple[str, ...]:
    return tuple(_subscriptions.get(topic, ()))


def all_jobs() -> dict[str, Job]:
    return dict(_jobs)


def all_topics() -> dict[str, tuple[str, ...]]:
    return {topic: tuple(names) for topic, names in _subscriptions.items()}


def all_duties() -> tuple[Duty, ...]:
    return tuple(_duties.values())


def perform(name: str, payload: dict[str, Any]) -> None:
    """What RQ runs: claim the outbox row, run the job, record what became of it.

    `payload` is {"message": outbox id, "tries": starts seen by the relay}. A copy that comes late finds the count
    moved on and does nothing. Unavailable and unexpected errors are tried again with growing delays; any other
    DomainError stops at once with a record, and waits for a person.
    """
    identity = uuid.UUID(payload["message"])
    work = _jobs.get(name)
    claimed = _claim(identity, seen=int(payload["tries"]), timeout_s=work.timeout_s if work else 60)
    if claimed is None:
        return
    if work is None:
        _finish(identity, error=f"no job is named {name}", dead=True)
        return
    payload_here, topic = claimed
    token = _occasion.set(Occasion(identity, topic))
    try:
        with _alone(work) as free:
            if free:
                work.run(payload_here)
    except Unavailable as error:
        _retry(identity, work, str(error))
    except DomainError as error:
        log.warning("job %s stopped: %s", name, error.code)
        _finish(identity, error=f"{error.code}: {error.message}", dead=True)
    except Exception as error:
        log.exception("job %s failed", name)
        _retry(identity, work, f"{type(error).__name__}: {error}")
    else:
        _finish(identity, error=None, dead=False)
    finally:
        _occasion.reset(token)


def _claim(identity: uuid.UUID, *, seen: int, timeout_s: int) -> tuple[dict[str, Any], str | None] | None:
    from shared.kit.db import transaction
    from shared.kit.outbox.models import MessageState, OutboxMessage

    with transaction() as session:
        row = session.execute(
            update(OutboxMessage)
            .where(OutboxMessage.id == identity)
            .where(OutboxMessage.state == MessageState.WAITING)
            .where(OutboxMessage.tries == seen)
            .values(
                tries=OutboxMessage.tries + 1,
                locked_until=func.now() + timedelta(seconds=timeout_s + 30),
            )
            .returning(OutboxMessage.payload, OutboxMessage.topic)
        ).one_or_none()
        return (row.payload, row.topic) if row else None


def _finish(identity: uuid.UUID, *, error: str | None, dead: bool) -> None:
    from shared.kit.db import transaction
    from shared.kit.outbox.models import MessageState, OutboxMessage

    with transaction() as session:
        session.execute(
            update(OutboxMessage)
            .where(OutboxMessage.id == identity)
            .values(
                state=MessageState.DEAD if dead else MessageState.DONE,
                last_error=error,
                done_at=clock.now(),
                locked_until=None,
            )
        )


def _retry(identity: uuid.UUID, work: Job, error: str) -> None:
    from shared.kit.db import transaction
    from shared.kit.outbox.models import MessageState, OutboxMessage

    with transaction() as session:
        tries = session.scalars(select(OutboxMessage.tries).where(OutboxMessage.id == identity)).one()
        delay = _BACK_OFF[min(tries, len(_BACK_OFF)) - 1]
        session.execute(
            update(OutboxMessage)
            .where(OutboxMessage.id == identity)
            .values(
                state=MessageState.DEAD if tries >= work.max_tries else MessageState.WAITING,
                last_error=error[:2000],
                due_at=clock.now() + timedelta(seconds=delay),
                locked_until=None,
            )
        )


@contextmanager
def _alone(work: Job) -> Iterator[bool]:
    """Hold a session-level advisory lock on an exclusive job's name; yields False when another holds it."""
    from shared.kit.db import get_engine

    if not work.exclusive:
        yield True
        return
    with get_engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        key = {"name": work.name}
        free = connection.execute(text("SELECT pg_try_advisory_lock(hashtextextended(:name, 7))"), key).scalar_one()
        try:
            yield bool(free)
        finally:
            if free:
                connection.execute(text("SELECT pg_advisory_unlock(hashtextextended(:name, 7))"), key)


def knock(session: Session) -> list[str]:
    """Ask for every duty whose interval has passed; one knocker at a time. Gives the names asked for."""
    from sqlalchemy.dialects.postgresql import insert

    from shared.kit.outbox.models import DutyState
    from shared.kit.outbox.write import enqueue

    if not session.execute(text("SELECT pg_try_advisory_xact_lock(hashtextextended('guichet.clock', 7))")).scalar_one():
        return []
    now = clock.now()
    last = {row.name: row.last_at for row in session.scalars(select(DutyState))}
    asked = []
    for each in _duties.values():
        before = last.get(each.name)
        if before is not None and before <= now < before + each.every:
            continue
        session.execute(
            insert(DutyState)
            .values(name=each.name, last_at=now)
            .on_conflict_do_update(index_elements=["name"], set_={"last_at": now})
        )
        enqueue(session, each.name, {}, dedupe_key=f"duty:{now.isoformat()}")
        asked.append(each.name)
    return asked
