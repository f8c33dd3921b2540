"""Imports: a file is offered, looked at, confirmed, and followed."""

from __future__ import annotations

import uuid

from flask import Flask, Response, flash, send_file
from flask.typing import ResponseReturnValue

from backoffice.access.guards import find_current
from backoffice.access.member import Member
from backoffice.imports import labels, queries, run, undo_words
from backoffice.imports import undo as taking_back
from backoffice.imports.forms import AnswersForm, ChoicesForm, UndoForm, UploadForm, answers_form, choices_form
from backoffice.imports.models import RunState
from backoffice.imports.source import MAX_BYTES
from shared.kit import files
from shared.kit.db import reading
from shared.kit.money import Money
from shared.kit.words import gettext as _
from shared.web.downloads import allow_weight
from shared.web.pages import page, see_other

ROOM_FOR_THE_FORM = 1024 * 1024


def allow_large_files(app: Flask) -> None:
    """Let this one form carry up to 200 MB, for staff who may import; anybody else is held to the door's limit."""

    def who() -> bool:
        member = find_current()
        return member is not None and member.may("imports.run")

    allow_weight(app, {"backoffice.imports.upload"}, MAX_BYTES + ROOM_FOR_THE_FORM, who=who)


def browse(member: Member) -> ResponseReturnValue:
    """The imports so far, and a place to drop a file."""
    with reading() as session:
        runs = queries.list_runs(session, member.company_id)
    return page("backoffice/imports/browse.html", runs=runs, form=UploadForm())


def upload(member: Member) -> ResponseReturnValue:
    """Take a file, read it at once when it is small, and show what it says."""
    form = UploadForm()
    if not form.validate():
        with reading() as session:
            runs = queries.list_runs(session, member.company_id)
        return page("backoffice/imports/browse.html", runs=runs, form=form, status=422)
    content = form.file.data.read()
    run_id = run.offer(
        content,
        company_id=member.company_id,
        name=form.file.data.filename or "",
        by=member.as_actor(),
        form=form.form.data or "",
    )
    run.begin(run_id)
    return see_other("backoffice.imports.show", run_id=run_id)


def show(member: Member, run_id: uuid.UUID) -> ResponseReturnValue:
    """One import: what the file says, its faults and its certificate; or how far it has come."""
    with reading() as session:
        shown = queries.run_page(session, member.company_id, run_id)
    return _shown(shown)


def progress(member: Member, run_id: uuid.UUID) -> ResponseReturnValue:
    """The fragment that waits: how far it has come, or nothing when the page should be looked at anew."""
    with reading() as session:
        shown = queries.run_page(session, member.company_id, run_id)
    return page("backoffice/imports/_progress.html", run=shown)


def choose(member: Member, run_id: uuid.UUID) -> ResponseReturnValue:
    """Read the file again as a person says."""
    with reading() as session:
        shown = queries.run_page(session, member.company_id, run_id)
    form = choices_form(shown.facts, shown.choices)
    if not form.validate():
        return _shown(shown, form=form, status=422)
    run.choose(run_id, form.as_choices())
    run.begin(run_id)
    return see_other("backoffice.imports.show", run_id=run_id)


def answer(member: Member, run_id: uuid.UUID) -> ResponseReturnValue:
    """Answer what the file leaves open, or change what was answered; it is read again."""
    with reading() as session:
        shown = queries.run_page(session, member.company_id, run_id)
    form = answers_form(shown.questions)
    if not form.validate():
        return _shown(shown, answers=form, status=422)
    run.answer(run_id, form.answers())
    run.begin(run_id)
    return see_other("backoffice.imports.show", run_id=run_id)


def confirm(member: Member, run_id: uuid.UUID) -> ResponseReturnValue:
    """Say yes: the import starts in the background."""
    _mine(member, run_id)
    run.confirm(run_id, by=member.as_actor())
    return see_other("backoffice.imports.show", run_id=run_id)


def cancel(member: Member, run_id: uuid.UUID) -> ResponseReturnValue:
    """Give it up."""
    _mine(member, run_id)
    run.cancel(run_id)
    flash(_("The import is given up; nothing was written."), "info")
    return see_other("backoffice.imports.browse")


def look_at_undo(member: Member, run_id: uuid.UUID) -> ResponseReturnValue:
    """What taking the import back would do, and what stands against it."""
    return _undo_page(member, run_id, UndoForm())


def undo(member: Member, run_id: uuid.UUID) -> ResponseReturnValue:
    """Take it back, in the background: all of it or nothing."""
    form = UndoForm()
    if not form.validate():
        return _undo_page(member, run_id, form, status=422)
    _mine(member, run_id)
    taking_back.ask(run_id, reason=form.reason.data or "", by=member.as_actor())
    return see_other("backoffice.imports.show", run_id=run_id)


def _undo_page(member: Member, run_id: uuid.UUID, form: UndoForm, *, status: int = 200) -> ResponseReturnValue:
    with reading() as session:
        found = queries.get_run(session, member.company_id, run_id)
        shown = taking_back.preview(session, found)
        return page(
            "backoffice/imports/undo.html",
            run=found,
            found=shown,
            change=Money(abs(shown.taken_off), found.currency),
            words=undo_words,
            form=form,
            status=status,
        )


def original(member: Member, run_id: uuid.UUID) -> Response:
    """The file as it was offered, to keep; never to be opened in the browser."""
    with reading() as session:
        found = queries.get_run(session, member.company_id, run_id)
    answer = send_file(
        files.get_store().path(found.file_sha256).resolve(),
        mimetype="application/octet-stream",
        as_attachment=True,
        download_name=found.file_name,
    )
    answer.headers["Cache-Control"] = "private, no-store"  # every debtor of the company stands in it
    return answer


def _shown(
    shown: queries.RunPage, *, form: ChoicesForm | None = None, answers: AnswersForm | None = None, status: int = 200
) -> ResponseReturnValue:
    if shown.may_be_mended:
        form = form or choices_form(shown.facts, shown.choices)
        answers = answers or answers_form(shown.questions)
    return page(
        "backoffice/imports/show.html",
        run=shown,
        form=form,
        answers=answers,
        labels=labels,
        explained=queries.explained(shown),
        status=status,
    )


def _mine(member: Member, run_id: uuid.UUID) -> RunState:
    with reading() as session:
        return queries.get_run(session, member.company_id, run_id).state
