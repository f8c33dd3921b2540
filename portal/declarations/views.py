"""I have paid: say it with a proof, and see what became of it."""

from __future__ import annotations

import uuid
from datetime import date

from flask import Response, flash, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import CombinedMultiDict

from payments.collections.queries import withdrawn
from payments.declarations import queries, rules, service
from payments.declarations.queries import Declarable
from payments.declarations.service import DeclarationDraft
from portal import choice
from portal.declarations.forms import DeclarationForm
from portal.declarations.labels import words
from shared.access.queries import Visitor
from shared.attachments import queries as attached
from shared.attachments import service as attachments
from shared.attachments.examine import UnfitFile
from shared.kit.db import reading, transaction
from shared.kit.errors import Conflict, DomainError, Invalid, Refused
from shared.kit.templating import day
from shared.kit.words import gettext as _
from shared.ledger.rules import Part, total
from shared.web.downloads import hand_out
from shared.web.pages import page, see_other


def list_(visitor: Visitor) -> Response:
    """What I said to have paid, and what became of it."""
    with reading() as session:
        lines = queries.declarations_of(session, visitor.debtor_id)
    return page("portal/declarations/list.html", lines=[(line, words(line)) for line in lines])


def new(visitor: Visitor) -> ResponseReturnValue:
    """Choose invoices and say how much was paid, and when."""
    rows, wanted, terms = _offer(visitor)
    if choice.is_to_be_picked(rows, wanted) and terms.is_offered:
        return see_other("portal.choose.show", purpose="transfer")
    form = DeclarationForm(formdata=None, attempt=str(uuid.uuid4()), paid_on=visitor.today)
    return _form(visitor, form, rows, choice.chosen_at_first(rows, wanted, visitor.today), terms)


def _offer(visitor: Visitor) -> tuple[list[Declarable], list[uuid.UUID], rules.Terms]:
    with reading() as session:
        return (
            queries.declarable(session, visitor.debtor_id),
            choice.asked_for(session, visitor.debtor_id),
            queries.terms_of(session, visitor.company_id),
        )


def _form(
    visitor: Visitor,
    form: DeclarationForm,
    rows: list[Declarable],
    chosen: set[uuid.UUID],
    terms: rules.Terms,
    *,
    status: int = 200,
    refusal: str = "",
) -> Response:
    return page(
        "portal/declarations/new.html",
        status=status,
        form=form,
        picked=choice.pick(
            rows,
            chosen,
            visitor.today,
            visitor.currency,
            change_url=url_for("portal.choose.show", purpose="transfer"),
        ),
        terms=terms,
        refusal=refusal,
        obstacle="" if terms.is_offered else service.explain(rules.Objection.NOT_OFFERED, terms),
    )


def declare(visitor: Visitor) -> ResponseReturnValue:
    """Tell of a transfer."""
    rows, wanted, terms = _offer(visitor)
    form = DeclarationForm(formdata=None)  # read once: a file is a stream
    form.amount.currency = visitor.currency
    form.paid_on.today = visitor.today
    form.process(CombinedMultiDict([request.files, request.form]))
    chosen = set(wanted)
    with reading() as session:
        known = queries.find_attempt(session, visitor.debtor_id, _attempt(visitor, form))
    if known is not None:
        return see_other("portal.declarations.show", declaration_id=known)
    is_valid = form.validate()
    if is_valid and form.amount.data is not None and form.amount.data.minor <= 0:
        form.amount.errors = [_("The amount must be more than zero.")]
        is_valid = False
    if not is_valid:
        return _form(visitor, form, rows, chosen, terms, status=422)
    parts, left = choice.spread(rows, chosen, form.amount.data)
    if not parts:
        return _form(visitor, form, rows, chosen, terms, status=422, refusal=_("Tick at least one invoice."))
    try:
        declaration_id, until_on = _declare(visitor, form, parts, total(parts) + left)
    except UnfitFile as error:
        form.files.errors = [error.message]
        return _form(visitor, form, rows, chosen, terms, status=422)
    except (Refused, Conflict, Invalid) as error:
        return _refused(visitor, form, chosen, error)
    flash(
        _("Thank you. We look for your transfer until %(day)s and send no reminder meanwhile.", day=day(until_on)),
        "good",
    )
    return see_other("portal.declarations.show", declaration_id=declaration_id)


def _declare(visitor: Visitor, form: DeclarationForm, parts: list[Part], minor: int) -> tuple[uuid.UUID, date]:
    files = attachments.check(form.files.data or [])
    draft = DeclarationDraft(
        attempt=_attempt(visitor, form),
        minor=minor,
        paid_on=form.paid_on.data,
        parts=parts,
        bank_reference=form.bank_reference.data or "",
        note=form.note.data or "",
        contact_id=visitor.contact_id,
        files=files,
    )
    with transaction() as session:
        made = service.declare(session, debtor_id=visitor.debtor_id, draft=draft, by=visitor.as_actor())
        return made.id, made.until_on


def _attempt(visitor: Visitor, form: DeclarationForm) -> str:
    return f"portal:{visitor.debtor_id}:{form.attempt.data}"[:120]


def _refused(
    visitor: Visitor, form: DeclarationForm, chosen: set[uuid.UUID], error: DomainError
) -> ResponseReturnValue:
    rows, _wanted, terms = _offer(visitor)
    if error.code in {"declaration.future", "declaration.too_old"}:
        form.paid_on.errors = [error.message]
        return _form(visitor, form, rows, chosen, terms, status=422)
    status = 422 if isinstance(error, Invalid) else 409
    return _form(visitor, form, rows, chosen, terms, status=status, refusal=error.message)


def show(visitor: Visitor, declaration_id: uuid.UUID) -> Response:
    """One declared transfer, and what became of it."""
    with reading() as session:
        line = queries.get_declaration(session, visitor.debtor_id, declaration_id)
        parts = queries.parts_of(session, declaration_id)
        files = attached.attached(
            session, subject_type=queries.SUBJECT, subject_ids=[declaration_id], with_internal=False
        )
        ids = [part.invoice_id for part in parts]
        stopped = withdrawn(session, ids, since=line.created_at) if line.is_live else None
    return page(
        "portal/declarations/show.html",
        line=line,
        parts=parts,
        files=files,
        said=words(line),
        withdrawn=stopped,
    )


def withdraw(visitor: Visitor, declaration_id: uuid.UUID) -> ResponseReturnValue:
    """It was a mistake."""
    with reading() as session:
        queries.get_declaration(session, visitor.debtor_id, declaration_id)
    try:
        with transaction() as session:
            service.withdraw(session, declaration_id=declaration_id, by=visitor.as_actor())
    except Conflict as error:
        flash(error.message, "error")
    else:
        flash(_("Taken back. The invoices follow their due dates again."), "info")
    return see_other("portal.declarations.show", declaration_id=declaration_id)


def file(visitor: Visitor, declaration_id: uuid.UUID, attachment_id: uuid.UUID) -> Response:
    """One of my proofs."""
    with reading() as session:
        queries.get_declaration(session, visitor.debtor_id, declaration_id)
        queries.refuse_other_file(session, declaration_id, attachment_id)
        kept = attached.for_debtor(session, attachment_id, debtor_id=visitor.debtor_id)
    return hand_out(kept)
