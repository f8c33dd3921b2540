"""Imports that wait for a job which no longer comes: it was tried as often as it may be, and is dead.

Nothing was written then, for one transaction writes all. The run goes back to where a person may begin it again, and says so.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backoffice.imports.models import ImportRun, RunState
from shared.kit import clock
from shared.kit.outbox.models import MessageState, OutboxMessage

AFTER = timedelta(hours=3)
"""A run of which no job was ever asked (a command was killed) is given up when it was offered so long ago."""
_JOBS = {RunState.WAITING: "imports.write", RunState.WRITING: "imports.write", RunState.UNDOING: "imports.undo"}


def is_stuck(session: Session, run: ImportRun) -> bool:
    """Whether a run is under way and nothing will bring it to its end."""
    job = _JOBS.get(run.state)
    if job is None or not _nobody_imports(session, run):
        return False
    asked = select(OutboxMessage.state).where(
        OutboxMessage.job == job, OutboxMessage.payload["run"].astext == str(run.id)
    )
    states = set(session.scalars(asked))
    if not states:
        return run.created_at < clock.now() - AFTER
    return MessageState.WAITING not in states


def give_back(run: ImportRun) -> None:
    """A stuck run waits for a person again: to be imported once more or given up, or as it was before it was to be taken back."""
    if run.state is RunState.UNDOING:
        run.state, run.result = RunState.DONE, run.result | {"undo_failed": True}
    else:
        run.state, run.facts = RunState.READY, run.facts | {"write_failed": True}


def end_stuck(session: Session) -> int:
    """Give back all that are stuck; gives how many. Twice is harmless."""
    runs = session.scalars(
        select(ImportRun).where(ImportRun.state.in_(_JOBS)).order_by(ImportRun.id).with_for_update(skip_locked=True)
    ).all()
    stuck = [run for run in runs if is_stuck(session, run)]
    for run in stuck:
        give_back(run)
    return len(stuck)


def _nobody_imports(session: Session, run: ImportRun) -> bool:
    """Whoever imports for a company holds this lock (`writing.prepare`)."""
    key = func.hashtextextended(f"guichet.import.{run.company_id}", 7)
    return bool(session.scalar(select(func.pg_try_advisory_xact_lock(key))))
