"""Opening a dispute for a debtor: invoices, lines or amounts, in his words."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field

from flask import flash, request
from flask.typing import ResponseReturnValue
from wtforms import HiddenField, SelectField, TextAreaField
from wtforms.validators import InputRequired, Length

from backoffice.access.member import Member
from backoffice.disputes import queries
from backoffice.matching import get_debtor
from backoffice.options import options
from shared.attachments.service import check
from shared.debtors.models import Debtor
from shared.disputes import choices
from shared.disputes import service as disputes
from shared.disputes.choices import Contestable
from shared.disputes.service import Claim
from shared.disputes.steps import LONGEST_TEXT
from shared.kit.db import reading, transaction
from shared.kit.errors import DomainError, NotFound
from shared.kit.ids import new_id
from shared.kit.money import Money, MoneyParseError, format_money
from shared.kit.words import current_language
from shared.kit.words import gettext as _
from shared.kit.words import lazy_gettext as _l
from shared.web.downloads import FilesField
from shared.web.forms import BaseForm
from shared.web.pages import page, see_other


class OpeningForm(BaseForm):
    """Why, in whose name, in which words."""

    attempt = HiddenField()
    reason = SelectField(_l("Reason"), [InputRequired(_l("Choose a reason."))])
    contact = SelectField(_l("Answers go to"))
    text = TextAreaField(
        _l("What the debtor says"), [InputRequired(_l("Write a few words.")), Length(max=LONGEST_TEXT)]
    )
    files = FilesField(_l("Files"))


@dataclass
class Picked:
    """What was ticked and typed beside the invoices."""

    invoices: set[uuid.UUID] = field(default_factory=set)
    lines: set[uuid.UUID] = field(default_factory=set)
    typed: dict[uuid.UUID, str] = field(default_factory=dict)
    errors: dict[uuid.UUID, str] = field(default_factory=dict)
    claims: list[Claim] = field(default_factory=list)
    complaint: str = ""


def new(member: Member, debtor_id: uuid.UUID) -> ResponseReturnValue:
    """Open a dispute for a debtor. With `?invoice=` only these invoices are shown, with their lines."""
    only = _asked_invoices()
    with reading() as session:
        debtor = get_debtor(session, member.company_id, debtor_id)
        items = [each for each in choices.contestable(session, debtor_id, only) if each.left_minor > 0]
        reasons = choices.reasons(session, member.company_id)
        people = queries.people(session, debtor_id)
    form = OpeningForm(formdata=None, data={"attempt": str(new_id())})
    form.reason.choices = options([("", _("Choose …")), *((each.code, each.label) for each in reasons)])
    form.contact.choices = options(
        [*((str(contact_id), name) for contact_id, name in people), ("", _("everybody who is reminded"))]
    )
    picked = Picked(invoices={each.invoice_id for each in items} if only else set())
    status = 200
    if request.method == "POST":
        status = 422
        form = _filled(form)
        picked = _picked(items)
        if form.validate() and picked.claims and not picked.errors:
            try:
                dispute_id = _open(member, debtor, form, picked)
            except DomainError as error:
                wrong = form.files if error.code.startswith("attachment.") else None
                if wrong is not None:
                    wrong.errors = [error.message]
                else:
                    picked.complaint = error.message
                status = error.http_status
            else:
                flash(_("The dispute is open: what is contested is neither collected nor reminded."), "good")
                return see_other("backoffice.disputes.show", dispute_id=dispute_id)
    return page(
        "backoffice/disputes/opening/new.html",
        status=status,
        debtor=debtor,
        items=items,
        form=form,
        picked=picked,
        only=only,
    )


def _filled(form: OpeningForm) -> OpeningForm:
    """The form as it was sent, with its files and the choices of before."""
    sent = OpeningForm()
    sent.reason.choices, sent.contact.choices = form.reason.choices, form.contact.choices
    return sent


def _asked_invoices() -> list[uuid.UUID] | None:
    try:
        return [uuid.UUID(each) for each in request.args.getlist("invoice")[:50]] or None
    except ValueError as error:
        raise NotFound("invoice.missing", _("There is no such invoice.")) from error


def _picked(items: list[Contestable]) -> Picked:
    given = request.form
    picked = Picked(
        invoices={each.invoice_id for each in items if str(each.invoice_id) in given.getlist("invoice")},
        lines={line for each in items for line, _text, _minor in each.lines if str(line) in given.getlist("line")},
    )
    for item in items:
        text = given.get(f"amount-{item.invoice_id}", "").strip()
        lines = [line for line, _text, _minor in item.lines if line in picked.lines]
        if item.invoice_id not in picked.invoices and not lines:
            continue
        picked.invoices.add(item.invoice_id)
        picked.typed[item.invoice_id] = text
        minor = None
        if text and not lines:
            minor = _amount(text, item, picked)
        picked.claims.append(Claim(item.invoice_id, minor=minor, line_ids=lines))
    if not picked.claims:
        picked.complaint = _("Tick at least one invoice.")
    return picked


def _amount(text: str, item: Contestable, picked: Picked) -> int | None:
    left = item.money(item.left_minor)
    try:
        amount = Money.parse(text, item.currency)
    except MoneyParseError:
        picked.errors[item.invoice_id] = _("This is not an amount.")
        return None
    if not 0 < amount.minor <= left.minor:
        picked.errors[item.invoice_id] = _("At most %(most)s.", most=format_money(left, current_language()))
        return None
    return amount.minor


def _open(member: Member, debtor: Debtor, form: OpeningForm, picked: Picked) -> uuid.UUID:
    checked = check(form.files.data or [])
    with transaction() as session:
        return disputes.raise_dispute(
            session,
            debtor_id=debtor.id,
            claims=picked.claims,
            reason_code=form.reason.data or "",
            text=form.text.data or "",
            attempt=f"desk:{form.attempt.data}"[:120],
            by=member.as_actor(),
            contact_id=uuid.UUID(form.contact.data) if form.contact.data else None,
            files=checked,
        ).id
