"""Work on an import that fails each time blocks nothing for ever: people see it, and begin it again."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select, update

from backoffice.imports import jobs, queries, run, undo
from backoffice.imports.models import ImportRun, RunState
from shared.kit.actors import Actor
from shared.kit.db import reading, transaction
from shared.kit.outbox.models import MessageState, OutboxMessage
from tests.backoffice.imports.test_undo import FIRST, SECOND, later, stands

BY = Actor("staff", None, "Inès Morel")


def die(job: str) -> None:
    """Its last try came to nothing."""
    with transaction() as session:
        mine = update(OutboxMessage).where(OutboxMessage.job == job, OutboxMessage.state == MessageState.WAITING)
        assert session.execute(mine.values(state=MessageState.DEAD, tries=5)).rowcount == 1


def page(desk, run_id):
    with reading() as session:
        return queries.run_page(session, desk.company.id, run_id)


def asked(job: str) -> int:
    with reading() as session:
        return session.scalar(
            select(func.count()).where(OutboxMessage.job == job, OutboxMessage.state == MessageState.WAITING)
        )


@pytest.mark.parametrize("is_swept", [True, False])
def test_a_taking_back_that_failed_each_time_is_said_and_begins_again_when_it_is_wished_again(desk, is_swept):
    first = desk.take(FIRST)
    undo.ask(first.run_id, reason="the wrong file", by=BY)
    undo.ask(first.run_id, reason="the wrong file", by=BY)
    run.end_stale()
    assert (page(desk, first.run_id).state, asked("imports.undo")) == (RunState.UNDOING, 1)
    die("imports.undo")

    if is_swept:
        jobs.stale({})
        shown = page(desk, first.run_id)
        assert (shown.state, shown.undo_failed, shown.is_underway) == (RunState.DONE, True, False)
        with reading() as session:
            assert undo.last_run(session, desk.company.id).id == first.run_id
    undo.ask(first.run_id, reason="the wrong file", by=BY)

    assert (page(desk, first.run_id).state, asked("imports.undo")) == (RunState.UNDOING, 1)
    undo.undo(first.run_id)
    assert page(desk, first.run_id).state is RunState.UNDONE
    assert desk.invoices() == {}


def test_a_writing_that_failed_each_time_waits_for_a_yes_again_and_blocks_no_other_import(desk, frozen):
    first = desk.take(FIRST)
    later(frozen)
    run_id = run.offer(SECOND.encode(), company_id=desk.company.id, name="second.csv", by=BY)
    run.read(run_id)
    run.confirm(run_id, by=BY)
    with transaction() as session:
        session.get_one(ImportRun, run_id).state = RunState.WRITING
    die("imports.write")
    assert "later_import" in stands(first.run_id)

    jobs.stale({})

    shown = page(desk, run_id)
    assert (shown.state, shown.write_failed, shown.is_underway) == (RunState.READY, True, False)
    assert stands(first.run_id) == {}
    jobs.write({"run": str(run_id)})  # somebody tries the dead message again: nobody has said yes since
    assert page(desk, run_id).state is RunState.READY
    run.confirm(run_id, by=BY)
    assert (asked("imports.write"), page(desk, run_id).write_failed) == (1, False)
    jobs.write({"run": str(run_id)})
    assert page(desk, run_id).state is RunState.DONE
