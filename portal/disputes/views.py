"""Disputes: say what is wrong, see what became of it, answer, take back, open again."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from flask import Response, flash, request
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import CombinedMultiDict

from payments.collections.contested import touching
from portal import choice
from portal.disputes import labels
from portal.disputes.forms import AnswerForm, DisputeForm, ReopenForm, Row, blank, read_claims
from portal.disputes.kept import KeptFile, keep, recall
from shared.access.queries import Visitor
from shared.attachments import queries as attached
from shared.attachments import service as attachments
from shared.attachments.rules import Checked
from shared.disputes import choices, queries, service, sheets
from shared.disputes.service import Claim
from shared.disputes.sheets import Sheet
from shared.kit.db import reading, retrying, transaction
from shared.kit.errors import Conflict, Invalid, Refused
from shared.kit.words import gettext as _
from shared.web.downloads import hand_out
from shared.web.pages import page, see_other

SHOWN_LINES = 12


def list_(visitor: Visitor) -> Response:
    """My disputes, the live ones first."""
    with reading() as session:
        rows = queries.of_debtor(session, visitor.debtor_id)
    return page("portal/disputes/list.html", rows=[(row, labels.in_list(row)) for row in rows])


def new(visitor: Visitor) -> ResponseReturnValue:
    """Choose invoices; with some chosen: how much of each, why, in words, with files."""
    with reading() as session:
        wanted = choice.asked_for(session, visitor.debtor_id)
        if not wanted:
            offered = [choice.contested(each) for each in choices.contestable(session, visitor.debtor_id)]
            if choice.is_to_be_picked(offered, wanted):
                return see_other("portal.choose.show", purpose="dispute")
            if len(offered) != 1:
                rows = [choice.card(each, visitor.today, is_chosen=False) for each in offered]
                return page("portal/disputes/choose.html", rows=rows)
            wanted = [offered[0].id]
        invoices = choices.contestable(session, visitor.debtor_id, wanted)
    return _form(_new_form(visitor), blank(invoices))


def _new_form(visitor: Visitor) -> DisputeForm:
    form = DisputeForm(formdata=None, attempt=str(uuid.uuid4()))
    with reading() as session:
        form.offer(choices.reasons(session, visitor.company_id))
    return form


def _form(
    form: DisputeForm,
    rows: Sequence[Row],
    *,
    kept: Sequence[KeptFile] = (),
    refusal: str = "",
    status: int = 200,
) -> Response:
    return page(
        "portal/disputes/new.html",
        status=status,
        form=form,
        rows=rows,
        kept=kept,
        refusal=refusal,
        errors=[f"{row.invoice.number}: {row.error}" for row in rows if row.error],
        many_lines=SHOWN_LINES,
    )


def send(visitor: Visitor) -> ResponseReturnValue:
    """Contest. A form that is not right comes back whole: what was typed, ticked and attached."""
    with reading() as session:
        wanted = choice.asked_for(session, visitor.debtor_id)
        invoices = choices.contestable(session, visitor.debtor_id, wanted)
        reasons = choices.reasons(session, visitor.company_id)
    form = DisputeForm(formdata=None)
    form.offer(reasons)
    form.process(CombinedMultiDict([request.files, request.form]))
    with reading() as session:
        known = queries.find_attempt(session, visitor.debtor_id, _attempt(visitor, form))
    if known is not None:
        return see_other("portal.disputes.show", dispute_id=known)
    rows, claims = read_claims(invoices, request.form)
    files, unfit = _files(visitor, form)
    is_right = form.validate() and len(claims) == len(invoices) and bool(invoices) and not unfit
    if unfit:
        form.files.errors = [unfit]
    refusal = "" if invoices else _("Choose at least one invoice.")
    if is_right:
        try:
            dispute_id = retrying(lambda: _raise(visitor, form, claims, files))
        except (Conflict, Invalid, Refused) as error:
            refusal = error.message
        else:
            flash(_("Thank you. We have received it; this amount is frozen from now on."), "good")
            return see_other("portal.disputes.show", dispute_id=dispute_id)
    kept = keep(visitor, _attempt(visitor, form), files)
    return _form(form, rows, kept=kept, refusal=refusal, status=422)


def _attempt(visitor: Visitor, form: DisputeForm) -> str:
    return f"portal:{visitor.debtor_id}:{form.attempt.data}"[:120]


def _files(visitor: Visitor, form: DisputeForm) -> tuple[list[Checked], str]:
    """The files that this form carries, kept ones first, and what is wrong with those just sent."""
    found = recall(visitor, _attempt(visitor, form), request.form.getlist("kept"))
    try:
        return [*found, *attachments.check(form.files.data or [])], ""
    except Invalid as error:
        return found, error.message


def _raise(visitor: Visitor, form: DisputeForm, claims: Sequence[Claim], files: Sequence[Checked]) -> uuid.UUID:
    with transaction() as session:
        dispute = service.raise_dispute(
            session,
            debtor_id=visitor.debtor_id,
            claims=claims,
            reason_code=form.reason.data or "",
            text=form.text.data or "",
            attempt=_attempt(visitor, form),
            contact_id=visitor.contact_id,
            files=files,
            by=visitor.as_actor(),
        )
        return dispute.id


def show(visitor: Visitor, dispute_id: uuid.UUID) -> Response:
    """One dispute: where it stands, what is frozen and what is to pay, the conversation."""
    return _show(visitor, dispute_id, AnswerForm(formdata=None), ReopenForm(formdata=None))


def _show(
    visitor: Visitor, dispute_id: uuid.UUID, answer_form: AnswerForm, reopen_form: ReopenForm, *, status: int = 200
) -> Response:
    with reading() as session:
        sheet = sheets.debtor_sheet(session, visitor.debtor_id, dispute_id, today=visitor.today)
        flights = touching(session, visitor.debtor_id, [part.invoice_id for part in sheet.parts], since=sheet.opened_at)
    return page(
        "portal/disputes/show.html",
        status=status,
        sheet=sheet,
        said=labels.in_words(sheet),
        decision=sheet.resolution if labels.shows_decision(sheet) else "",
        parts=[(part, labels.part_words(part)) for part in sheet.parts],
        talk_words=labels.talked(sheet, visitor.company.name, visitor.company.zone),
        flights=labels.flight_words(flights) if sheet.is_live else [],
        payable=_payable(sheet),
        answer_form=answer_form,
        reopen_form=reopen_form,
    )


def _payable(sheet: Sheet) -> list[tuple[uuid.UUID, str, int]]:
    """The undisputed rest of each invoice: id, number, minor units."""
    rest = {part.invoice_id: (part.number, part.invoice_payable_minor) for part in sheet.parts}
    return [(invoice_id, number, minor) for invoice_id, (number, minor) in rest.items() if minor > 0]


def answer(visitor: Visitor, dispute_id: uuid.UUID) -> ResponseReturnValue:
    """Write to the company."""
    form = AnswerForm(CombinedMultiDict([request.files, request.form]))
    _mine(visitor, dispute_id)
    if not form.validate():
        return _show(visitor, dispute_id, form, ReopenForm(formdata=None), status=422)
    try:
        files = attachments.check(form.files.data or [])
    except Invalid as error:
        form.files.errors = [error.message]
        return _show(visitor, dispute_id, form, ReopenForm(formdata=None), status=422)

    def act() -> None:
        with transaction() as session:
            service.say(session, dispute_id=dispute_id, text=form.text.data or "", files=files, by=visitor.as_actor())

    try:
        retrying(act)
    except Invalid as error:
        form.text.errors = [error.message]
        return _show(visitor, dispute_id, form, ReopenForm(formdata=None), status=422)
    except Conflict as error:
        flash(error.message, "late")
        return see_other("portal.disputes.show", dispute_id=dispute_id)
    flash(_("Your message is with us."), "good")
    return see_other("portal.disputes.show", dispute_id=dispute_id)


def _mine(visitor: Visitor, dispute_id: uuid.UUID) -> None:
    with reading() as session:
        sheets.debtor_sheet(session, visitor.debtor_id, dispute_id, today=visitor.today)


def withdraw(visitor: Visitor, dispute_id: uuid.UUID) -> ResponseReturnValue:
    """Take it back."""
    _mine(visitor, dispute_id)

    def act() -> None:
        with transaction() as session:
            service.withdraw(session, dispute_id=dispute_id, by=visitor.as_actor())

    try:
        retrying(act)
    except Conflict as error:
        flash(error.message, "late")
    else:
        flash(_("Taken back. The invoices are due as before."), "info")
    return see_other("portal.disputes.show", dispute_id=dispute_id)


def reopen(visitor: Visitor, dispute_id: uuid.UUID) -> ResponseReturnValue:
    """Open it again, with a reason."""
    form = ReopenForm(CombinedMultiDict([request.files, request.form]))
    _mine(visitor, dispute_id)
    if not form.validate():
        return _show(visitor, dispute_id, AnswerForm(formdata=None), form, status=422)
    try:
        files = attachments.check(form.files.data or [])
        retrying(lambda: _reopen(visitor, dispute_id, form, files))
    except Invalid as error:
        form.files.errors = [error.message]
        return _show(visitor, dispute_id, AnswerForm(formdata=None), form, status=422)
    except (Conflict, Refused) as error:
        flash(error.message, "late")
        return see_other("portal.disputes.show", dispute_id=dispute_id)
    flash(_("Open again: we look into it once more."), "good")
    return see_other("portal.disputes.show", dispute_id=dispute_id)


def _reopen(visitor: Visitor, dispute_id: uuid.UUID, form: ReopenForm, files: Sequence[Checked]) -> None:
    with transaction() as session:
        service.reopen(session, dispute_id=dispute_id, text=form.text.data or "", files=files, by=visitor.as_actor())


def file(visitor: Visitor, dispute_id: uuid.UUID, attachment_id: uuid.UUID) -> Response:
    """A file of the conversation."""
    _mine(visitor, dispute_id)
    with reading() as session:
        kept = attached.for_debtor(session, attachment_id, debtor_id=visitor.debtor_id)
    return hand_out(kept)
