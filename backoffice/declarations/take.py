"""Taking down a transfer that a debtor says to have made, by telephone or letter: the form, and the act."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask import Response, flash, request
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import CombinedMultiDict

from backoffice import choosing
from backoffice.access.member import Member
from backoffice.declarations.forms import DeclarationForm
from backoffice.matching import get_debtor
from payments.declarations import queries, service
from payments.declarations.queries import Declarable
from payments.declarations.rules import Terms
from payments.declarations.service import DeclarationDraft
from shared.attachments import service as attachments
from shared.debtors.models import Debtor
from shared.kit.db import reading, transaction
from shared.kit.errors import Conflict, DomainError
from shared.kit.templating import day
from shared.kit.words import gettext as _
from shared.ledger.rules import Part, total
from shared.web.pages import page, see_other


@dataclass(frozen=True, slots=True)
class Offer:
    """What a debtor may say to have paid."""

    debtor: Debtor
    rows: list[Declarable]
    terms: Terms
    today: date


def offer(member: Member, debtor_id: uuid.UUID) -> Offer:
    """What this debtor may say to have paid. Raises NotFound for anybody else's debtor."""
    with reading() as session:
        debtor = get_debtor(session, member.company_id, debtor_id)
        rows = queries.declarable(session, debtor_id)
        return Offer(debtor, rows, queries.terms_of(session, member.company_id), member.today)


def answer(member: Member, given: Offer) -> ResponseReturnValue:
    """The empty form, or what became of a filled one."""
    if request.method == "GET":
        form = DeclarationForm(formdata=None, attempt=str(uuid.uuid4()), paid_on=given.today)
        return _page(given, form, choosing.at_first(given.rows, given.today))
    form = DeclarationForm(formdata=None)  # read once: a file is a stream
    form.amount.currency = given.debtor.currency
    form.paid_on.today = given.today
    form.process(CombinedMultiDict([request.files, request.form]))
    ticked = choosing.chosen()
    with reading() as session:
        known = queries.find_attempt(session, given.debtor.id, _attempt(given, form))
    if known is not None:
        return see_other("backoffice.declarations.show", declaration_id=known)
    if not form.validate():
        return _page(given, form, ticked, status=422)
    parts, left = choosing.spread(given.rows, ticked, form.amount.data)
    if not parts:
        return _page(given, form, ticked, status=422, wrong=_("Tick at least one invoice."))
    return _take(member, given, form, parts, total(parts) + left)


def _take(member: Member, given: Offer, form: DeclarationForm, parts: list[Part], minor: int) -> ResponseReturnValue:
    try:
        checked = attachments.check(form.files.data or [])
        draft = DeclarationDraft(
            attempt=_attempt(given, form),
            minor=minor,
            paid_on=form.paid_on.data,
            parts=parts,
            bank_reference=form.bank_reference.data or "",
            note=form.note.data or "",
            files=checked,
        )
        with transaction() as session:
            made = service.declare(session, debtor_id=given.debtor.id, draft=draft, by=member.as_actor())
    except DomainError as error:
        status = 409 if isinstance(error, Conflict) else 422
        field = _field(form, error.code)
        if field is None:
            return _page(given, form, choosing.chosen(), status=status, wrong=error.message)
        field.errors = [error.message]
        return _page(given, form, choosing.chosen(), status=status)
    flash(_("Taken down. No reminder and no debit for it until %(day)s.", day=day(made.until_on)), "good")
    return see_other("backoffice.declarations.show", declaration_id=made.id)


def _attempt(given: Offer, form: DeclarationForm) -> str:
    return f"desk:{given.debtor.id}:{form.attempt.data}"[:120]


def _field(form: DeclarationForm, code: str) -> Any:
    """What of the form was refused; None when it was no single field."""
    if code.startswith("attachment."):
        return form.files
    return form.paid_on if code in {"declaration.future", "declaration.too_old"} else None


def _page(
    given: Offer, form: DeclarationForm, ticked: set[uuid.UUID], *, status: int = 200, wrong: str = ""
) -> Response:
    return page("backoffice/declarations/new.html", status=status, given=given, form=form, chosen=ticked, wrong=wrong)
