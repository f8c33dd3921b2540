"""Jobs by name: a registry, subscriptions to topics, duties of the clock, and the one function that RQ runs.

Names are strings, so that renaming a function does not break what is queued during a deploy. Every job says in its
docstring why it is safe to run twice.
"""

from __future__ import annotations

import enum
import logging
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Select, func, select, text, update
from sqlalchemy.orm import Session

from shared.kit import clock
from shared.kit.db import among
from shared.kit.errors import DomainError, Unavailable

log = logging.getLogger(__name__)

QUEUES = ("now", "money", "news", "soon", "night")
"""By who waits, and behind whom, each with a worker of its own: `now` what a person waits for and that asks no provider
(links, codes, receipts of what he just did); `money` what he waits for and that does (payment pages, refunds, debits taken
back); `news` webhooks; `soon` mail and paper; `night` runs, imports, exports."""

CLAIMED_TOGETHER = 25
"""So many starts of a job that goes in rows are claimed, and recorded as done, at once."""

ROW_S = 5.0
"""So long one process goes on with a row; then the next doorbell begins another, and nothing else starves."""

PATIENCE = 3
"""After so many starts that came to nothing one after the other, what they need does not answer: the row ends."""

_BACK_OFF = (10, 30, 60, 300, 900, 3600, 3 * 3600, 6 * 3600)


class NotYet(Unavailable):
    """This start must wait for something of its own; what it shares with its row answers, and the row goes on."""


Around = Callable[[], AbstractContextManager[object]]


@dataclass(frozen=True, slots=True)
class Job:
    """A named piece of work: `run(payload)` opens its own short transactions."""

    name: str
    run: Callable[[dict[str, Any]], None]
    queue: str
    max_tries: int
    timeout_s: int
    exclusive: bool
    together: Around | None
    """Set: its waiting starts go in a row, inside this context, in one process."""
    is_followed: bool = False
    """A duty asks about whatever it left open: when a partner stays silent to its last try, nobody has to look."""


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
    name: str,
    *,
    queue: str = "soon",
    max_tries: int = 8,
    timeout_s: int = 180,
    exclusive: bool = False,
    together: Around | None = None,
    is_followed: bool = False,
) -> Callable[[_F], _F]:
    """Register a job. `exclusive`: while one runs, another start of the same name does nothing.

    `together` is for what there are very many of, as mails: instead of a process for each start, one process performs
    whatever waits, start after start, inside this context (which may keep a connection open). `is_followed`: a duty asks
    about what it leaves open, so that its last try in vain, while a partner is away, is no job that gave up.
    """

    def register(run: _F) -> _F:
        if queue not in QUEUES:
            raise ValueError(f"no queue {queue!r}")
        known = _jobs.get(name)
        if known is not None and known.run.__qualname__ != run.__qualname__:
            raise ValueError(f"two jobs are named {name!r}")
        _jobs[name] = Job(name, run, queue, max_tries, timeout_s, exclusive, together, is_followed)
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
    claimed = _claim_one(identity, seen=int(payload["tries"]), timeout_s=work.timeout_s if work else 60)
    if claimed is None:
        return
    if work is None:
        _finish([identity], error=f"no job is named {name}", dead=True)
        return
    if _attempt(work, claimed) is Attempt.DONE:
        _finish([identity])


def perform_row(name: str) -> None:
    """What RQ runs for a job that goes in rows: start after start while something waits, for `ROW_S` at most.

    What was claimed and not begun is given back. Starts that were done count as done some at a time: of a process that is
    killed in between a few are started again, which every job bears.
    """
    work = _jobs[name]
    until = time.monotonic() + ROW_S
    with (work.together or nullcontext)():
        while (some := _claim_some(work)) and _perform_some(work, some, until):
            pass


def _perform_some(work: Job, claimed: Sequence[_Claimed], until: float) -> bool:
    """Attempt what was claimed; False when the row should end: time is over, or what it needs does not answer."""
    done, begun, in_vain = [], 0, 0
    goes_on = True
    while goes_on and begun < len(claimed):
        each = claimed[begun]
        begun += 1
        outcome = _attempt(work, each)
        if outcome is Attempt.DONE:
            done.append(each.identity)
        in_vain = in_vain + 1 if outcome is Attempt.LATER else 0
        goes_on = in_vain < PATIENCE and time.monotonic() < until
    _finish(done)
    _give_back([each.identity for each in claimed[begun:]])
    return goes_on


class Attempt(enum.Enum):
    """What became of one start. All but DONE are recorded already."""

    DONE = "done"
    LATER = "later"
    STOPPED = "stopped"


class _Claimed(NamedTuple):
    identity: uuid.UUID
    payload: dict[str, Any]
    topic: str | None
    tries: int
    """This start included."""


def _attempt(work: Job, claimed: _Claimed) -> Attempt:
    token = _occasion.set(Occasion(claimed.identity, claimed.topic))
    try:
        with _alone(work) as free:
            if free:
                work.run(claimed.payload)
    except NotYet as error:
        _retry(claimed.identity, work, str(error))
        return Attempt.STOPPED
    except Unavailable as error:
        _retry(claimed.identity, work, str(error), is_lost=not work.is_followed)
        return Attempt.LATER
    except DomainError as error:
        log.warning("job %s stopped: %s", work.name, error.code)
        _finish([claimed.identity], error=f"{error.code}: {error.message}", dead=True)
        return Attempt.STOPPED
    except Exception as error:
        log.exception("job %s failed", work.name)
        _retry(claimed.identity, work, f"{type(error).__name__}: {error}")
        return Attempt.STOPPED
    finally:
        _occasion.reset(token)
    return Attempt.DONE


def _claim_one(identity: uuid.UUID, *, seen: int, timeout_s: int) -> _Claimed | None:
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
            .returning(OutboxMessage.id, OutboxMessage.payload, OutboxMessage.topic, OutboxMessage.tries)
        ).one_or_none()
        return _Claimed(*row) if row else None


def _claim_some(work: Job) -> list[_Claimed]:
    """Claim the next starts of a job that are due and that nobody else holds, the oldest first.

    One that was claimed before and of which nothing was recorded may have ended its process: it goes last and alone, so that
    it cannot take its neighbours along, and is dead after its tries.
    """
    from shared.kit.outbox.models import OutboxMessage
    from shared.kit.outbox.relay import due

    mine = due().where(OutboxMessage.job == work.name)
    is_suspect = (OutboxMessage.tries > 0) & OutboxMessage.last_error.is_(None)
    if some := _claim(work, mine.where(~is_suspect).limit(CLAIMED_TOGETHER)):
        return some
    while suspect := _claim(work, mine.where(is_suspect).limit(1)):
        if suspect[0].tries <= work.max_tries:
            return suspect
        _finish([suspect[0].identity], error="its process ended each time", dead=True)
    return []


def _claim(work: Job, which: Select[uuid.UUID]) -> list[_Claimed]:
    from shared.kit.db import transaction
    from shared.kit.outbox.models import OutboxMessage

    oldest = which.with_for_update(skip_locked=True)
    with transaction() as session:
        rows = session.execute(
            update(OutboxMessage)
            .where(OutboxMessage.id.in_(oldest))
            .values(
                tries=OutboxMessage.tries + 1,
                # The last of them begins when the others are through, or when time is over.
                locked_until=func.now() + timedelta(seconds=ROW_S + work.timeout_s + 30),
            )
            .returning(OutboxMessage.id, OutboxMessage.payload, OutboxMessage.topic, OutboxMessage.tries)
        ).all()
    return sorted((_Claimed(*row) for row in rows), key=lambda each: each.identity)


def _give_back(identities: Sequence[uuid.UUID]) -> None:
    from shared.kit.db import transaction
    from shared.kit.outbox.models import OutboxMessage

    if not identities:
        return
    with transaction() as session:
        session.execute(
            update(OutboxMessage)
            .where(among(OutboxMessage.id, identities))
            .values(tries=OutboxMessage.tries - 1, locked_until=None)
        )


def _finish(identities: Sequence[uuid.UUID], *, error: str | None = None, dead: bool = False) -> None:
    from shared.kit.db import transaction
    from shared.kit.outbox.models import MessageState, OutboxMessage

    if not identities:
        return
    with transaction() as session:
        session.execute(
            update(OutboxMessage)
            .where(among(OutboxMessage.id, identities))
            .values(
                state=MessageState.DEAD if dead else MessageState.DONE,
                last_error=error,
                done_at=clock.now(),
                locked_until=None,
            )
        )


def _retry(identity: uuid.UUID, work: Job, error: str, *, is_lost: bool = True) -> None:
    from shared.kit.db import transaction
    from shared.kit.outbox.models import MessageState, OutboxMessage

    end = MessageState.DEAD if is_lost else MessageState.DONE
    with transaction() as session:
        tries = session.scalars(select(OutboxMessage.tries).where(OutboxMessage.id == identity)).one()
        delay = _BACK_OFF[min(tries, len(_BACK_OFF)) - 1]
        session.execute(
            update(OutboxMessage)
            .where(OutboxMessage.id == identity)
            .values(
                state=end if tries >= work.max_tries else MessageState.WAITING,
                done_at=clock.now() if tries >= work.max_tries and not is_lost else None,
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
