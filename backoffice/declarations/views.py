"""Declared transfers: the queue, one of them, matching it with money, refusing it, and the terms."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import asdict

from flask import Response, flash, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from backoffice import bulk, exports
from backoffice.access.member import Member
from backoffice.colleagues import Colleague, colleagues, find_colleague
from backoffice.declarations import queries, take
from backoffice.declarations.forms import RecordForm, RefuseForm, TermsForm
from backoffice.labels import word
from backoffice.listing import asked, is_fragment, sentence
from backoffice.matching import debtors_called
from backoffice.replies import queries as replies
from backoffice.replies.rules import Room
from backoffice.unheard import flash_told
from payments.declarations import queries as declarations
from payments.declarations import service
from payments.declarations.queries import DeclarationLine
from payments.declarations.rules import Terms
from shared.attachments import queries as attached
from shared.kit.db import reading, transaction
from shared.kit.errors import DomainError, Invalid, NotFound
from shared.kit.money import Money
from shared.kit.templating import money
from shared.kit.words import gettext as _
from shared.kit.words import ngettext
from shared.web.downloads import hand_out
from shared.web.pages import page, see_other

WRITE = "declarations.write"


def browse(member: Member) -> ResponseReturnValue:
    """The queue."""
    ask = asked(*queries.FILTERS)
    desk = member.desk
    with reading() as session:
        found = queries.browse(session, desk.id, ask, me=member.id, today=desk.today)
        totals = queries.totals(session, desk.id, ask, me=member.id, today=desk.today, currency=desk.currency)
        staff = colleagues(session, WRITE)
        answers = replies.replies(session, desk.id, Room.DECLARATION, "refuse")
    if ask.wants_totals and totals and is_fragment():
        words = ngettext("Total of %(n)s declared transfer", "Total of %(n)s declared transfers", totals.count)
        return sentence(words, [(_("Amount"), totals.amount)])
    return page(
        "backoffice/declarations/browse.html",
        ask=ask,
        found=found,
        totals=totals,
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
                    row.paid_on,
                    row.amount,
                    row.bank_reference,
                    row.until_on,
                    row.by_name,
                    row.assigned_name,
                    row.created_at,
                    row.answer,
                )

    header = [
        _("Reference"),
        _("Debtor"),
        _("State"),
        _("Made on"),
        _("Amount"),
        _("Label of the transfer"),
        _("Search ends"),
        _("Declared by"),
        _("Looked for by"),
        _("Declared"),
        _("Answer to the debtor"),
    ]
    return exports.answer(member, form, "declarations", header, rows, asked=request.full_path)


def show(member: Member, declaration_id: uuid.UUID) -> ResponseReturnValue:
    """One declared transfer, the receipts that it may be, and what to do with it."""
    with reading() as session:
        line = queries.get_declaration(session, member.company_id, declaration_id)
    return _show(member, line)


def _show(
    member: Member,
    line: DeclarationLine,
    *,
    record_form: RecordForm | None = None,
    refusal: RefuseForm | None = None,
    status: int = 200,
    wrong: str = "",
) -> Response:
    with reading() as session:
        reader = queries.reader(session, member, line)
        chosen = request.args.get("reply", "")
        offered = replies.offer(session, member.company_id, Room.DECLARATION, "refuse", reader, chosen=chosen)
        return page(
            "backoffice/declarations/show.html",
            status=status,
            line=line,
            parts=declarations.parts_of(session, line.id),
            steps=declarations.steps_of(session, line.id),
            files=attached.attached(
                session, subject_type=declarations.SUBJECT, subject_ids=[line.id], with_internal=True
            ),
            suggestions=declarations.suggestions(session, line.id) if line.is_matchable else [],
            record_form=record_form
            or RecordForm(formdata=None, amount=line.amount, received_on=line.paid_on, memo=line.bank_reference),
            refusal=refusal or RefuseForm(formdata=None, answer=offered.text),
            offered=offered,
            colleagues=colleagues(session, WRITE),
            wrong=wrong,
            is_urgent=line.is_live and (line.until_on - member.today).days <= queries.SOON_DAYS,
        )


def record(member: Member, declaration_id: uuid.UUID) -> ResponseReturnValue:
    """Record the transfer that arrived, and match it, in one act."""
    with reading() as session:
        line = queries.get_declaration(session, member.company_id, declaration_id)
    form = RecordForm(formdata=None)
    form.amount.currency = line.amount.currency
    form.received_on.today = member.today
    form.process(request.form)
    if not form.validate():
        return _show(member, line, record_form=form, status=422)
    minor = form.amount.data.minor
    try:
        with transaction() as session:
            parts, left = queries.spread(session, declaration_id, minor)
            payment = service.record(
                session,
                declaration_id=declaration_id,
                minor=minor,
                received_on=form.received_on.data,
                memo=(form.memo.data or "").strip(),
                parts=parts,
                by=member.as_actor(),
            )
            reference = payment.reference
    except DomainError as error:
        return _show(member, line, record_form=form, status=error.http_status, wrong=error.message)
    said = _("%(reference)s is recorded and matched; the debtor gets a receipt.", reference=reference)
    if left:
        credit = money(Money(left, line.amount.currency))
        said += " " + _("%(credit)s of it is unapplied credit.", credit=credit)
    flash(said, "good")
    return see_other("backoffice.declarations.show", declaration_id=declaration_id)


def match(member: Member, declaration_id: uuid.UUID) -> ResponseReturnValue:
    """Link a receipt that is recorded already."""
    with reading() as session:
        queries.get_declaration(session, member.company_id, declaration_id)
    try:
        payment_id = uuid.UUID(request.form.get("payment", ""))
    except ValueError as error:
        raise Invalid("declaration.no_receipt", _("Choose a receipt.")) from error
    try:
        with transaction() as session:
            service.match(session, declaration_id=declaration_id, payment_id=payment_id, by=member.as_actor())
    except NotFound:
        raise
    except DomainError as error:
        flash(error.message, "error")
    else:
        flash_told(_("Matched."))
    return see_other("backoffice.declarations.show", declaration_id=declaration_id)


def refuse(member: Member, declaration_id: uuid.UUID) -> ResponseReturnValue:
    """Say that it was not found."""
    with reading() as session:
        line = queries.get_declaration(session, member.company_id, declaration_id)
    form = RefuseForm()
    if not form.validate():
        return _show(member, line, refusal=form, status=422)
    said = form.answer.data or ""
    try:
        with transaction() as session:
            service.refuse(session, declaration_id=declaration_id, answer=said, by=member.as_actor())
    except DomainError as error:
        form.answer.errors = [error.message]
        return _show(member, line, refusal=form, status=error.http_status)
    flash_told(_("Reminders go on for these invoices."))
    return see_other("backoffice.declarations.show", declaration_id=declaration_id)


def assign(member: Member, declaration_id: uuid.UUID) -> ResponseReturnValue:
    """Say who looks for it."""
    with transaction() as session:
        queries.get_declaration(session, member.company_id, declaration_id)
        to = _assign(session, member, declaration_id)
    flash(_("%(name)s looks for it.", name=to.name) if to else _("Nobody looks for it."), "good")
    return see_other("backoffice.declarations.show", declaration_id=declaration_id)


def _assign(session: Session, member: Member, declaration_id: uuid.UUID) -> Colleague | None:
    to = find_colleague(session, WRITE, request.form.get("assignee", ""))
    staff_id, name = (to.id, to.name) if to else (None, "")
    service.assign(session, declaration_id=declaration_id, staff_id=staff_id, name=name, by=member.as_actor())
    return to


def act(member: Member) -> ResponseReturnValue:
    """One act on all that is ticked: give to somebody, or refuse with one answer. What cannot be done is counted and left."""
    wanted = bulk.ticked(lambda session, identity: queries.get_declaration(session, member.company_id, identity))
    bulk.each(wanted, lambda session, identity: _act(session, member, identity, request.form.get("act", "")))
    return bulk.back("backoffice.declarations.browse", queries.FILTERS)


def _act(session: Session, member: Member, declaration_id: uuid.UUID, act: str) -> None:
    if act == "assign":
        _assign(session, member, declaration_id)
    elif act == "refuse":
        line = queries.get_declaration(session, member.company_id, declaration_id)
        code = request.form.get("reply", "")
        reply = replies.get_reply(session, member.company_id, Room.DECLARATION, code, act="refuse")
        answer = queries.reader(session, member, line).read(reply)
        service.refuse(session, declaration_id=declaration_id, answer=answer, by=member.as_actor())
    else:
        raise NotFound("act.missing", _("There is no such act."))


def new(member: Member, debtor_id: uuid.UUID) -> ResponseReturnValue:
    """Take down a transfer that a debtor says to have made."""
    return take.answer(member, take.offer(member, debtor_id))


def choose(member: Member) -> ResponseReturnValue:
    """Whose transfer is taken down."""
    ask = asked()
    with reading() as session:
        found = debtors_called(session, member.company_id, ask.q) if ask.q else []
    return page("backoffice/declarations/choose.html", ask=ask, found=found)


def file(member: Member, declaration_id: uuid.UUID, attachment_id: uuid.UUID) -> ResponseReturnValue:
    """A proof."""
    with reading() as session:
        queries.get_declaration(session, member.company_id, declaration_id)
        declarations.refuse_other_file(session, declaration_id, attachment_id)
        kept = attached.for_staff(session, attachment_id, company_id=member.company_id)
    return hand_out(kept)


def terms(member: Member) -> ResponseReturnValue:
    """What the company does with declared transfers."""
    with reading() as session:
        now = declarations.terms_of(session, member.company_id)
    return page("backoffice/declarations/terms.html", form=TermsForm(formdata=None, **asdict(now)))


def set_terms(member: Member) -> ResponseReturnValue:
    """Do otherwise from now on."""
    form = TermsForm()
    with reading() as session:
        now = declarations.terms_of(session, member.company_id)
    if not form.validate() or form.met_another(TermsForm(formdata=None, **asdict(now))):
        return page("backoffice/declarations/terms.html", status=422, form=form)
    wanted = Terms(**{name: form[name].data for name in asdict(Terms())})
    with transaction() as session:
        changed = service.set_terms(session, company_id=member.company_id, terms=wanted, by=member.as_actor())
    flash(_("Saved.") if changed else _("Nothing has changed."), "good")
    return see_other("backoffice.declarations.terms")
