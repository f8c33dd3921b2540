"""Promises: the queue, one promise, taking one down for a debtor, what is allowed, and expected cash."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import asdict
from datetime import timedelta

from flask import Response, flash, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from backoffice import bulk, exports
from backoffice.access.member import Member
from backoffice.colleagues import Colleague, colleagues, find_colleague
from backoffice.labels import word
from backoffice.listing import asked, is_fragment, sentence
from backoffice.promises import queries, take
from backoffice.promises.forms import LimitsForm
from backoffice.promises.labels import cause
from backoffice.replies import queries as replies
from backoffice.replies.rules import Room
from backoffice.unheard import flash_told
from shared.kit.db import reading, transaction
from shared.kit.errors import DomainError, NotFound
from shared.kit.words import gettext as _
from shared.kit.words import ngettext
from shared.promises import queries as promises
from shared.promises import service
from shared.promises.rules import Limits
from shared.web.pages import page, see_other

WRITE = "promises.write"
LONGEST_REASON = 2_000


def browse(member: Member) -> ResponseReturnValue:
    """The queue."""
    ask = asked(*queries.FILTERS)
    desk = member.desk
    with reading() as session:
        found = queries.browse(session, desk.id, ask, me=member.id, today=desk.today)
        totals = queries.totals(session, desk.id, ask, me=member.id, today=desk.today, currency=desk.currency)
        record = queries.record(session, desk.id, today=desk.today)
        staff = colleagues(session, WRITE)
        answers = replies.replies(session, desk.id, Room.PROMISE, "cancel")
    if ask.wants_totals and totals and is_fragment():
        words = ngettext("Total of %(n)s promise", "Total of %(n)s promises", totals.count)
        return sentence(words, [(_("Promised"), totals.amount)])
    return page(
        "backoffice/promises/browse.html",
        ask=ask,
        found=found,
        totals=totals,
        record=record,
        orders=queries.ORDERS,
        colleagues=staff,
        replies=answers,
    )


def export(member: Member, form: str) -> ResponseReturnValue:
    """The queue as a file."""
    ask = asked(*queries.FILTERS)

    def rows() -> Iterator[exports.Row]:
        with reading() as session:
            for row in queries.everything(session, member.company_id, ask, me=member.id, today=member.today):
                yield (
                    row.reference,
                    row.debtor_name,
                    word(row.state),
                    row.promised_on,
                    row.until_on,
                    row.amount,
                    row.kept,
                    row.by_name,
                    row.assigned_name,
                    row.created_at,
                    row.note,
                )

    header = [
        _("Reference"),
        _("Debtor"),
        _("State"),
        _("Pays by"),
        _("In time until"),
        _("Promised"),
        _("Came"),
        _("Promised by"),
        _("Follows it"),
        _("Promised on"),
        _("In his words"),
    ]
    return exports.answer(member, form, "promises", header, rows, asked=request.full_path)


def show(member: Member, promise_id: uuid.UUID) -> ResponseReturnValue:
    """One promise with every step."""
    with reading() as session:
        line = queries.get_promise(session, member.company_id, promise_id)
        reader = queries.reader(session, member, line)
        chosen = request.args.get("reply", "")
        return page(
            "backoffice/promises/show.html",
            line=line,
            parts=promises.parts_of(session, promise_id),
            steps=promises.steps_of(session, promise_id),
            record=promises.record_of(session, line.debtor_id, today=member.today),
            offered=replies.offer(session, member.company_id, Room.PROMISE, "cancel", reader, chosen=chosen),
            cause_word=cause,
            colleagues=colleagues(session, WRITE),
        )


def act(member: Member) -> ResponseReturnValue:
    """One act on all that is ticked: give to somebody, or cancel. What cannot be done is counted and left."""
    wanted = bulk.ticked(lambda session, identity: queries.get_promise(session, member.company_id, identity))
    bulk.each(wanted, lambda session, identity: _act(session, member, identity, request.form.get("act", "")))
    return bulk.back("backoffice.promises.browse", queries.FILTERS)


def _act(session: Session, member: Member, promise_id: uuid.UUID, act: str) -> None:
    if act == "assign":
        _assign(session, member, promise_id)
    elif act == "cancel":
        line = queries.get_promise(session, member.company_id, promise_id)
        code = request.form.get("reply", "")
        reply = replies.get_reply(session, member.company_id, Room.PROMISE, code, act="cancel") if code else None
        reason = queries.reader(session, member, line).read(reply) if reply else ""
        service.cancel(session, promise_id=promise_id, reason=reason, by=member.as_actor())
    else:
        raise NotFound("act.missing", _("There is no such act."))


def assign(member: Member, promise_id: uuid.UUID) -> ResponseReturnValue:
    """Say who follows it."""
    with transaction() as session:
        queries.get_promise(session, member.company_id, promise_id)
        to = _assign(session, member, promise_id)
    flash(_("%(name)s follows it.", name=to.name) if to else _("Nobody follows it."), "good")
    return see_other("backoffice.promises.show", promise_id=promise_id)


def _assign(session: Session, member: Member, promise_id: uuid.UUID) -> Colleague | None:
    to = find_colleague(session, WRITE, request.form.get("assignee", ""))
    staff_id, name = (to.id, to.name) if to else (None, "")
    service.assign(session, promise_id=promise_id, staff_id=staff_id, name=name, by=member.as_actor())
    return to


def cancel(member: Member, promise_id: uuid.UUID) -> ResponseReturnValue:
    """End it: the invoices are reminded and collected again, and the debtor is told."""
    with reading() as session:
        queries.get_promise(session, member.company_id, promise_id)
    reason = request.form.get("reason", "")[:LONGEST_REASON]
    try:
        with transaction() as session:
            service.cancel(session, promise_id=promise_id, reason=reason, by=member.as_actor())
    except DomainError as error:
        flash(error.message, "error")
    else:
        flash_told(_("The promise is cancelled."))
    return see_other("backoffice.promises.show", promise_id=promise_id)


def new(member: Member, debtor_id: uuid.UUID) -> ResponseReturnValue:
    """Take down what a debtor promised."""
    return take.answer(member, take.offer(member, debtor_id))


def change(member: Member, promise_id: uuid.UUID) -> ResponseReturnValue:
    """Another day or amount, in the place of the former promise."""
    with reading() as session:
        before = queries.get_promise(session, member.company_id, promise_id)
    if not before.is_live:
        flash(_("This promise has ended and can no longer be changed."), "error")
        return see_other("backoffice.promises.show", promise_id=promise_id)
    return take.answer(member, take.offer(member, before.debtor_id, before))


def expected(member: Member) -> ResponseReturnValue:
    """The cash that may be expected, by day."""
    desk = member.desk
    days = min(max(request.args.get("days", default=30, type=int), 7), queries.LONGEST)
    with reading() as session:
        cash = queries.expected_cash(session, desk.id, today=desk.today, days=days, currency=desk.currency)
    weeks = [
        (
            f"{desk.today + timedelta(days=7 * week):%d/%m}",
            [day for day in cash.days if 0 <= (day.on - desk.today).days - 7 * week < 7],
        )
        for week in range((days + 6) // 7)
    ]
    return page("backoffice/promises/expected.html", cash=cash, days=days, weeks=weeks, currency=desk.currency)


def limits(member: Member) -> ResponseReturnValue:
    """What the company allows."""
    with reading() as session:
        now = promises.limits_of(session, member.company_id)
    return _limits_page(LimitsForm(formdata=None, **asdict(now)))


def _limits_page(form: LimitsForm, *, status: int = 200) -> Response:
    return page("backoffice/promises/limits.html", status=status, form=form)


def set_limits(member: Member) -> ResponseReturnValue:
    """Allow otherwise from now on."""
    form = LimitsForm()
    with reading() as session:
        now = promises.limits_of(session, member.company_id)
    if not form.validate() or form.met_another(LimitsForm(formdata=None, **asdict(now))):
        return _limits_page(form, status=422)
    wanted = Limits(**{name: form[name].data for name in asdict(Limits())})
    with transaction() as session:
        changed = service.set_limits(session, company_id=member.company_id, limits=wanted, by=member.as_actor())
    flash(_("Saved.") if changed else _("Nothing has changed."), "good")
    return see_other("backoffice.promises.limits")
