"""What imports ask of a person."""

from __future__ import annotations

from flask import url_for
from sqlalchemy import select
from sqlalchemy.orm import Session

from backoffice.access.member import Member
from backoffice.imports.models import ImportRun, RunState
from backoffice.todo import LastRun, Part, Task
from shared.kit.words import gettext as _

TO_LOOK_AT = (RunState.READY, RunState.FAULTY, RunState.ASKING)


def contribute(session: Session, member: Member) -> Part:
    """Files, of the latest ones, that were read and wait for a yes or for a choice, and the last import."""
    mine = select(ImportRun).where(ImportRun.company_id == member.company_id).order_by(ImportRun.id.desc())
    latest = session.scalars(mine.limit(20)).all()
    waiting = [run for run in latest if run.state in TO_LOOK_AT]
    done = next((run for run in latest if run.state is RunState.DONE), None)
    tasks: tuple[Task, ...] = ()
    if waiting:
        href = url_for("backoffice.imports.show", run_id=waiting[0].id)
        if len(waiting) > 1:
            href = url_for("backoffice.imports.browse")
        tasks = (
            Task(_("Imports to check"), href, len(waiting), "imports.run", icon="upload", note=waiting[0].file_name),
        )
    if done is not None and done.result.get("undo_failed"):
        href = url_for("backoffice.imports.show", run_id=done.id)
        failed = Task(_("Imports that were not taken back"), href, 1, "imports.run", icon="undo", note=done.file_name)
        tasks = (*tasks, failed)
    runs: tuple[LastRun, ...] = ()
    if done is not None:
        href = url_for("backoffice.imports.show", run_id=done.id)
        runs = (LastRun(_("Import"), href, done.finished_at or done.created_at, "imports.read", done.file_name),)
    return Part(tasks, runs)
