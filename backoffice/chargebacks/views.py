"""Contested payments: the queue, one case, notes, and what becomes of the debt."""

from __future__ import annotations

import uuid

from flask import Response, flash, request
from flask.typing import ResponseReturnValue

from backoffice.access.member import Member
from backoffice.access.second_person import witness
from backoffice.chargebacks import queries
from backoffice.chargebacks.forms import DecideForm, NoteForm
from backoffice.colleagues import colleagues, find_colleague
from backoffice.listing import asked
from backoffice.unheard import flash_told
from payments.chargebacks import queries as chargebacks
from payments.chargebacks import rules, service
from payments.chargebacks.queries import ChargebackLine
from shared.kit.db import reading, transaction
from shared.kit.errors import DomainError
from shared.kit.words import gettext as _
from shared.web.pages import page, see_other

WRITE = "chargebacks.write"


def browse(member: Member) -> ResponseReturnValue:
    """The queue."""
    ask = asked(*queries.FILTERS)
    with reading() as session:
        found = queries.browse(session, member.company_id, ask, me=member.id)
    return page("backoffice/chargebacks/browse.html", ask=ask, found=found, orders=queries.ORDERS)


def show(member: Member, chargeback_id: uuid.UUID) -> ResponseReturnValue:
    """One case: what happened, by when somebody must act, and what may be done."""
    with reading() as session:
        line = queries.get_chargeback(session, member.company_id, chargeback_id)
    return _show(member, line)


def _show(
    member: Member,
    line: ChargebackLine,
    *,
    note_form: NoteForm | None = None,
    decide_form: DecideForm | None = None,
    status: int = 200,
    wrong: str = "",
) -> Response:
    with reading() as session:
        return page(
            "backoffice/chargebacks/show.html",
            status=status,
            member=member,
            line=line,
            parts=chargebacks.parts_of(session, line.id),
            steps=chargebacks.steps_of(session, line.id),
            note_form=note_form or NoteForm(formdata=None),
            decide_form=decide_form or DecideForm(formdata=None),
            colleagues=colleagues(session, WRITE),
            is_urgent=rules.is_urgent(line.state, due_on=line.due_on, today=member.today),
            wrong=wrong,
        )


def note(member: Member, chargeback_id: uuid.UUID) -> ResponseReturnValue:
    """Keep a note for colleagues."""
    with reading() as session:
        line = queries.get_chargeback(session, member.company_id, chargeback_id)
    form = NoteForm()
    if not form.validate():
        return _show(member, line, note_form=form, status=422)
    with transaction() as session:
        service.note(session, chargeback_id=line.id, text=form.note.data or "", by=member.as_actor())
    flash(_("Saved."), "good")
    return see_other("backoffice.chargebacks.show", chargeback_id=chargeback_id)


def assign(member: Member, chargeback_id: uuid.UUID) -> ResponseReturnValue:
    """Say who looks after it."""
    with transaction() as session:
        queries.get_chargeback(session, member.company_id, chargeback_id)
        to = find_colleague(session, WRITE, request.form.get("assignee", ""))
        staff_id, name = (to.id, to.name) if to else (None, "")
        service.assign(session, chargeback_id=chargeback_id, staff_id=staff_id, name=name, by=member.as_actor())
    flash(_("%(name)s looks after it.", name=to.name) if to else _("Nobody looks after it."), "good")
    return see_other("backoffice.chargebacks.show", chargeback_id=chargeback_id)


def owe(member: Member, chargeback_id: uuid.UUID) -> ResponseReturnValue:
    """It is owed: ask for it again."""
    return _decide(member, chargeback_id, gives_up=False)


def give_up(member: Member, chargeback_id: uuid.UUID) -> ResponseReturnValue:
    """Ask for it no more."""
    return _decide(member, chargeback_id, gives_up=True)


def _decide(member: Member, chargeback_id: uuid.UUID, *, gives_up: bool) -> ResponseReturnValue:
    with reading() as session:
        line = queries.get_chargeback(session, member.company_id, chargeback_id)
    form = DecideForm()
    if not form.validate():
        return _show(member, line, decide_form=form, status=422)
    said, by = form.text.data or "", member.as_actor()
    try:
        with transaction() as session:
            if gives_up:
                is_done = service.give_up(session, chargeback_id=line.id, text=said, by=witness(session, by))
            else:
                service.owe(session, chargeback_id=line.id, text=said, by=by)
                is_done = True
    except DomainError as error:
        return _show(member, line, decide_form=form, status=error.http_status, wrong=error.message)
    if not is_done:
        flash(
            _("Noted. Somebody else must agree: with what was given before, it is above the company’s limit."), "good"
        )
    elif gives_up:
        flash_told(_("Written off."))
    else:
        flash_told(_("It is asked for again like any other invoice."))
    return see_other("backoffice.chargebacks.show", chargeback_id=chargeback_id)
