"""Disputes: the queue, one dispute, and what is said and sorted on it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

from flask import Response, flash, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from backoffice import bulk, exports
from backoffice.access.member import Member
from backoffice.colleagues import colleagues, find_colleague
from backoffice.disputes import queries, sheet
from backoffice.disputes.forms import DeadlineForm, NoteForm, SayForm, upcoming
from backoffice.labels import word
from backoffice.listing import asked, is_fragment, sentence
from backoffice.replies import queries as replies
from backoffice.replies.rules import Room
from backoffice.unheard import flash_told
from shared.attachments import queries as attachments
from shared.attachments import service as files
from shared.disputes import choices, sheets
from shared.disputes import queries as reads
from shared.disputes import service as disputes
from shared.kit.db import reading, transaction
from shared.kit.errors import DomainError, NotFound
from shared.kit.words import gettext as _
from shared.kit.words import ngettext
from shared.web.downloads import hand_out
from shared.web.pages import page


def browse(member: Member) -> ResponseReturnValue:
    """The queue."""
    ask, today, currency = asked(*queries.FILTERS), member.today, member.desk.currency
    with reading() as session:
        found = queries.browse(session, member.company_id, ask, me=member.id, today=today, zone=member.desk.zone)
        totals = queries.totals(session, member.company_id, ask, me=member.id, today=today, currency=currency)
        counts = reads.counts(session, member.company_id, staff_id=member.id, today=member.today)
        asked_credits, _minor = queries.count_asked(session, member.company_id)
        reasons = choices.reasons(session, member.company_id, with_inactive=True)
        people = colleagues(session, sheet.WRITE)
        answers = replies.replies(session, member.company_id, Room.DISPUTE, "answer")
    if ask.wants_totals and totals and is_fragment():
        words = ngettext("Total of %(n)s dispute", "Total of %(n)s disputes", totals.count)
        return sentence(words, [(_("Contested"), totals.claimed)])
    return page(
        "backoffice/disputes/browse.html",
        ask=ask,
        found=found,
        totals=totals,
        counts=counts,
        asked_credits=asked_credits,
        named_reasons=[(each.code, each.label) for each in reasons],
        named_colleagues=[(str(each.id), each.name) for each in people],
        colleagues=people,
        replies=answers,
        orders=queries.ORDERS,
    )


def export(member: Member, form: str) -> ResponseReturnValue:
    """The queue as a file."""
    ask = asked(*queries.FILTERS)

    def rows() -> Iterator[exports.Row]:
        who = (member.id, member.today, member.desk.zone)
        with reading() as session:
            for row in queries.everything(session, member.company_id, ask, me=who[0], today=who[1], zone=who[2]):
                yield (
                    row.reference,
                    row.account_code,
                    row.debtor_name,
                    row.reason,
                    word(row.status),
                    ", ".join(row.numbers),
                    row.claimed,
                    row.credited,
                    row.opened_at,
                    row.due_on,
                    row.ended_at,
                    row.assignee_name,
                )

    header = [
        _("Reference"),
        _("Account"),
        _("Debtor"),
        _("Reason"),
        _("State"),
        _("Invoices"),
        _("Contested"),
        _("Credited"),
        _("Opened"),
        _("Answer due"),
        _("Ended"),
        _("Assigned to"),
    ]
    return exports.answer(member, form, "disputes", header, rows, asked=request.full_path)


def act(member: Member) -> ResponseReturnValue:
    """Do one thing with all ticked disputes; those with which it cannot be done are counted and left as they are."""
    wanted = bulk.ticked(lambda session, identity: queries.get_dispute(session, member.company_id, identity))
    bulk.each(wanted, lambda session, dispute_id: _act(session, member, dispute_id, request.form.get("act", "")))
    return bulk.back("backoffice.disputes.browse", queries.FILTERS)


def _act(session: Session, member: Member, dispute_id: uuid.UUID, act: str) -> None:
    by = member.as_actor()
    if act == "take_up":
        disputes.take_up(session, dispute_id=dispute_id, by=by)
    elif act == "assign":
        _assign(session, member, dispute_id, request.form.get("assignee", ""))
    elif act == "reply":
        shown = sheets.staff_sheet(session, member.company_id, dispute_id, today=member.today)
        code = request.form.get("reply", "")
        reply = replies.get_reply(session, member.company_id, Room.DISPUTE, code, act="answer")
        text = queries.reader(session, member, shown).read(reply)
        disputes.say(session, dispute_id=dispute_id, text=text, by=by, asks=reply.asks)
    else:
        raise NotFound("dispute.act", _("There is no such act."))


def show(member: Member, dispute_id: uuid.UUID) -> ResponseReturnValue:
    """One dispute with its conversation."""
    return sheet.show(member, dispute_id)


def say(member: Member, dispute_id: uuid.UUID) -> ResponseReturnValue:
    """Write to the debtor."""
    sheet.must_be_ours(member, dispute_id)
    form = SayForm()
    if not form.validate():
        return sheet.show(member, dispute_id, say=form, status=422)
    try:
        checked = files.check(form.files.data or [])
        with transaction() as session:
            disputes.say(
                session,
                dispute_id=dispute_id,
                text=form.text.data or "",
                by=member.as_actor(),
                asks=form.asks.data,
                files=checked,
            )
    except DomainError as error:
        wrong = form.files if error.code.startswith("attachment.") else form.text
        wrong.errors = [error.message]
        return sheet.show(member, dispute_id, say=form, status=error.http_status)
    flash_told(_("Your answer stands in the dispute."))
    return sheet.back(dispute_id)


def note(member: Member, dispute_id: uuid.UUID) -> ResponseReturnValue:
    """Keep a word for colleagues."""
    sheet.must_be_ours(member, dispute_id)
    form = NoteForm()
    if not form.validate():
        return sheet.show(member, dispute_id, note=form, status=422)
    try:
        checked = files.check(form.note_files.data or [])
        with transaction() as session:
            disputes.note(
                session, dispute_id=dispute_id, text=form.note.data or "", by=member.as_actor(), files=checked
            )
    except DomainError as error:
        wrong = form.note_files if error.code.startswith("attachment.") else form.note
        wrong.errors = [error.message]
        return sheet.show(member, dispute_id, note=form, status=error.http_status)
    flash(_("The note is kept; the debtor does not see it."), "good")
    return sheet.back(dispute_id)


def take_up(member: Member, dispute_id: uuid.UUID) -> ResponseReturnValue:
    """Look at it, or go on without waiting for the debtor: he sees so."""
    return sheet.simply(
        member, dispute_id, lambda session: disputes.take_up(session, dispute_id=dispute_id, by=member.as_actor())
    )


def assign(member: Member, dispute_id: uuid.UUID) -> ResponseReturnValue:
    """Make it somebody's, or nobody's."""
    assignee = request.form.get("assignee", "")
    return sheet.simply(member, dispute_id, lambda session: _assign(session, member, dispute_id, assignee))


def _assign(session: Session, member: Member, dispute_id: uuid.UUID, assignee: str) -> None:
    found = find_colleague(session, sheet.WRITE, assignee)
    wanted = disputes.Assignee(found.id, found.name) if found else None
    disputes.assign(session, dispute_id=dispute_id, assignee=wanted, by=member.as_actor())


def change_reason(member: Member, dispute_id: uuid.UUID) -> ResponseReturnValue:
    """Sort it under another reason."""
    code = request.form.get("reason", "")
    return sheet.simply(
        member,
        dispute_id,
        lambda session: disputes.change_reason(session, dispute_id=dispute_id, reason_code=code, by=member.as_actor()),
    )


def move_deadline(member: Member, dispute_id: uuid.UUID) -> ResponseReturnValue:
    """Another day for the answer."""
    sheet.must_be_ours(member, dispute_id)
    form = DeadlineForm(formdata=None)
    upcoming(form, member.today)
    form.process(request.form)
    if not form.validate():
        return sheet.show(member, dispute_id, deadline=form, status=422)
    try:
        with transaction() as session:
            disputes.set_deadline(session, dispute_id=dispute_id, due_on=form.due_on.data, by=member.as_actor())
    except DomainError as error:
        form.due_on.errors = [error.message]
        return sheet.show(member, dispute_id, deadline=form, status=error.http_status)
    return sheet.back(dispute_id)


def file(member: Member, dispute_id: uuid.UUID, attachment_id: uuid.UUID) -> Response:
    """A file of the conversation, as a download."""
    with reading() as session:
        queries.get_dispute(session, member.company_id, dispute_id)
        return hand_out(
            attachments.for_staff(session, attachment_id, company_id=member.company_id, subject=("dispute", dispute_id))
        )


def set_file_aside(member: Member, dispute_id: uuid.UUID, attachment_id: uuid.UUID) -> ResponseReturnValue:
    """Hand a file out no more: it should never have been sent."""
    with transaction() as session:
        queries.get_dispute(session, member.company_id, dispute_id)
        attachments.for_staff(session, attachment_id, company_id=member.company_id, subject=("dispute", dispute_id))
        files.set_aside(session, attachment_id, company_id=member.company_id, by=member.as_actor())
    flash(_("The file is not handed out any more."), "good")
    return sheet.back(dispute_id)
