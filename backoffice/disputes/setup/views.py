"""Reasons, deadlines, and what is granted."""

from __future__ import annotations

from typing import Any

from flask import Response, flash, request
from flask.typing import ResponseReturnValue
from wtforms import BooleanField, IntegerField, StringField
from wtforms.validators import InputRequired, Length, NumberRange

from backoffice.access.member import Member
from shared.disputes import choices
from shared.disputes import queries as reads
from shared.disputes import service as disputes
from shared.disputes.choices import Reason
from shared.disputes.rules import Policy
from shared.kit.db import reading, transaction
from shared.kit.errors import DomainError, NotFound
from shared.kit.words import gettext as _
from shared.kit.words import lazy_gettext as _l
from shared.web.pages import page, see_other
from shared.web.shared_form import SharedForm

_NEEDED = InputRequired(_l("This is needed."))


class ReasonForm(SharedForm):
    """A reason in both languages, and by when it is answered."""

    label_fr = StringField(_l("In French"), [_NEEDED, Length(max=120)])
    label_en = StringField(_l("In English"), [_NEEDED, Length(max=120)])
    deadline_days = IntegerField(
        _l("Answer within, in days"), [_NEEDED, NumberRange(1, 365, _l("Between 1 and 365 days."))]
    )
    is_active = BooleanField(_l("Debtors may choose it"))


class NewReasonForm(ReasonForm):
    """One more reason."""

    code = StringField(_l("Short name"), [_NEEDED, Length(max=32)])


class PolicyForm(SharedForm):
    """What is granted after a decision."""

    owed_again_days = IntegerField(
        _l("After a decision, days before what stays owed is asked for again"),
        [_NEEDED, NumberRange(0, 90, _l("Between 0 and 90 days."))],
    )
    reopen_days = IntegerField(
        _l("Days within which the debtor may open a dispute again"),
        [_NEEDED, NumberRange(0, 365, _l("Between 0 and 365 days."))],
    )
    most_reopens = IntegerField(
        _l("How often the debtor may"), [_NEEDED, NumberRange(0, 20, _l("Between 0 and 20 times."))]
    )


def reasons(member: Member) -> ResponseReturnValue:
    """The reasons with their deadlines, and what is granted."""
    return _reasons_page(member)


def _reasons_page(member: Member, policy: PolicyForm | None = None, status: int = 200) -> Response:
    with reading() as session:
        found = choices.reasons(session, member.company_id, with_inactive=True)
        granted = reads.policy_of(session, member.company_id)
    return page(
        "backoffice/disputes/setup/reasons.html",
        status=status,
        reasons=found,
        form=policy or _stored_policy(granted),
    )


def _stored_policy(granted: Policy) -> PolicyForm:
    names = ("owed_again_days", "reopen_days", "most_reopens")
    return PolicyForm(formdata=None, data={name: getattr(granted, name) for name in names})


def change_policy(member: Member) -> ResponseReturnValue:
    """What the company grants from now on."""
    form = PolicyForm()
    with reading() as session:
        granted = reads.policy_of(session, member.company_id)
    if not form.validate() or form.met_another(_stored_policy(granted)):
        return _reasons_page(member, form, 422)
    policy = Policy(form.owed_again_days.data or 0, form.reopen_days.data or 0, form.most_reopens.data or 0)
    with transaction() as session:
        disputes.set_policy(session, company_id=member.company_id, policy=policy, by=member.as_actor())
    flash(_("Saved."), "good")
    return see_other("backoffice.disputes.setup.reasons")


def new_reason(member: Member) -> ResponseReturnValue:
    """One more reason."""
    form = NewReasonForm(data={"is_active": True, "deadline_days": 10})
    if request.method == "GET":
        return page("backoffice/disputes/setup/new_reason.html", form=form)
    with reading() as session:
        taken = {"new"} | {each.code for each in choices.reasons(session, member.company_id, with_inactive=True)}
    if form.validate() and (form.code.data or "") in taken:
        form.code.errors = [_("There is already a reason with this short name.")]
    if form.errors:
        return page("backoffice/disputes/setup/new_reason.html", status=422, form=form)
    return _save_reason(member, form.code.data or "", form, "backoffice/disputes/setup/new_reason.html")


def reason(member: Member, reason: str) -> ResponseReturnValue:
    """Another wording, deadline, or off the list."""
    found = _find_reason(member, reason)
    names = ("label_fr", "label_en", "deadline_days", "is_active")
    template = "backoffice/disputes/setup/reason.html"
    stored = ReasonForm(formdata=None, data={name: getattr(found, name) for name in names})
    if request.method == "GET":
        return page(template, form=stored, reason=found)
    form = ReasonForm()
    if not form.validate() or form.met_another(stored):
        return page(template, status=422, form=form, reason=found)
    return _save_reason(member, reason, form, template, reason=found)


def _find_reason(member: Member, code: str) -> Reason:
    with reading() as session:
        for each in choices.reasons(session, member.company_id, with_inactive=True):
            if each.code == code:
                return each
    raise NotFound("dispute.reason", _("There is no such reason."))


def _save_reason(member: Member, code: str, form: ReasonForm, template: str, **shown: Any) -> ResponseReturnValue:
    try:
        with transaction() as session:
            disputes.set_reason(
                session,
                company_id=member.company_id,
                code=code,
                label_en=form.label_en.data or "",
                label_fr=form.label_fr.data or "",
                deadline_days=form.deadline_days.data or 0,
                is_active=form.is_active.data,
                by=member.as_actor(),
            )
    except DomainError as error:
        form.form_errors = [error.message]
        return page(template, status=error.http_status, form=form, **shown)
    flash(_("Saved."), "good")
    return see_other("backoffice.disputes.setup.reasons")
