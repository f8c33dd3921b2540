"""Promises: the queue, one promise, taking one down for a debtor, what is allowed, and expected cash."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import timedelta

from flask import Response, flash, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from backoffice import exports
from backoffice.access.member import Member
from backoffice.colleagues import colleagues, find_colleague
from backoffice.labels import word
from backoffice.listing import asked
from backoffice.promises import queries, take
from backoffice.promises.forms import LimitsForm
from backoffice.promises.labels import cause
from shared.kit.db import reading, transaction
from shared.kit.errors import Conflict, DomainError, NotFound
from shared.kit.words import gettext as _
from shared.kit.words import ngettext
from shared.promises import queries as promises
from shared.promises import service
from shared.promises.rules import Limits
from shared.web.pages import page, see_other

WRITE = "promises.write"
MOST_AT_ONCE = 200


def browse(member: Member) -> ResponseReturnValue:
    """The queue."""
    ask = asked(*queries.FILTERS)
    desk = member.desk
    with reading() as session:
        found = queries.browse(session, desk.id, ask, me=member.id, today=desk.today)
        totals = queries.totals(session, desk.id, ask, me=member.id, today=desk.today, currency=desk.currency)
        record = queries.record(session, desk.id, today=desk.today)
        staff = colleagues(session, WRITE)
    return page(
        "backoffice/promises/browse.html",
        ask=ask,
        found=found,
        totals=totals,
        record=record,
        orders=queries.ORDERS,
        colleagues=staff,
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
        _("Given by"),
        _("Follows it"),
        _("Given"),
        _("In his words"),
    ]
    return exports.answer(member, form, "promises", header, rows, asked=request.full_path)


def show(member: Member, promise_id: uuid.UUID) -> ResponseReturnValue:
    """One promise with every step."""
    with reading() as session:
        line = queries.get_promise(session, member.company_id, promise_id)
        return page(
            "backoffice/promises/show.html",
            line=line,
            parts=promises.parts_of(session, promise_id),
            steps=promises.steps_of(session, promise_id),
            record=promises.record_of(session, line.debtor_id, today=member.today),
            cause_word=cause,
            colleagues=colleagues(session, WRITE),
        )


def bulk(member: Member) -> ResponseReturnValue:
    """One act on all that is ticked: give to somebody, or cancel. What cannot be done is counted and left."""
    wanted = _ids(request.form.getlist("id")[:MOST_AT_ONCE])
    act = request.form.get("act", "")
    with reading() as session:
        for promise_id in wanted:
            queries.get_promise(session, member.company_id, promise_id)
        to = find_colleague(session, WRITE, request.form.get("colleague", "")) if act == "assign" else None
    if not wanted or act not in {"assign", "cancel"}:
        flash(_("Tick something first."), "error")
        return see_other("backoffice.promises.browse")

    def one(session: Session, promise_id: uuid.UUID) -> None:
        if act == "cancel":
            reason = request.form.get("reason", "")
            service.cancel(session, promise_id=promise_id, reason=reason, by=member.as_actor())
        else:
            service.assign(
                session,
                promise_id=promise_id,
                staff_id=to.id if to else None,
                name=to.name if to else "",
                by=member.as_actor(),
            )

    _each(wanted, one)
    return see_other("backoffice.promises.browse")


def _each(wanted: list[uuid.UUID], act: Callable[[Session, uuid.UUID], None]) -> None:
    """Each in a transaction of its own, and say what became of all."""
    refused = ""
    done = 0
    for identity in wanted:
        try:
            with transaction() as session:
                act(session, identity)
        except Conflict as error:
            refused = error.message
        else:
            done += 1
    if done:
        flash(ngettext("Done: %(n)s promise.", "Done: %(n)s promises.", done), "good")
    if refused:
        left = len(wanted) - done
        flash(ngettext("Left as it is: %(n)s.", "Left as they are: %(n)s.", left) + " " + refused, "error")


def _ids(texts: list[str]) -> list[uuid.UUID]:
    try:
        return [uuid.UUID(text) for text in dict.fromkeys(texts)]
    except ValueError as error:
        raise NotFound("promise.missing", _("There is no such promise.")) from error


def assign(member: Member, promise_id: uuid.UUID) -> ResponseReturnValue:
    """Say who follows it."""
    with transaction() as session:
        queries.get_promise(session, member.company_id, promise_id)
        to = find_colleague(session, WRITE, request.form.get("colleague", ""))
        service.assign(
            session,
            promise_id=promise_id,
            staff_id=to.id if to else None,
            name=to.name if to else "",
            by=member.as_actor(),
        )
    flash(_("%(name)s follows it.", name=to.name) if to else _("Nobody follows it."), "good")
    return see_other("backoffice.promises.show", promise_id=promise_id)


def cancel(member: Member, promise_id: uuid.UUID) -> ResponseReturnValue:
    """End it: the invoices are reminded and collected again, and the debtor is told."""
    with reading() as session:
        queries.get_promise(session, member.company_id, promise_id)
    try:
        with transaction() as session:
            service.cancel(
                session, promise_id=promise_id, reason=request.form.get("reason", "")[:500], by=member.as_actor()
            )
    except DomainError as error:
        flash(error.message, "error")
    else:
        flash(_("The promise is cancelled, and the debtor is told."), "good")
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
    if not form.validate():
        return _limits_page(form, status=422)
    wanted = Limits(**{name: form[name].data for name in asdict(Limits())})
    with transaction() as session:
        changed = service.set_limits(session, company_id=member.company_id, limits=wanted, by=member.as_actor())
    flash(_("Saved.") if changed else _("Nothing has changed."), "good")
    return see_other("backoffice.promises.limits")
