"""The company's settings; bank details apart, behind a fresh proof."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Response, flash, redirect, session, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from backoffice.access.member import Member
from backoffice.access.tell import tell_administrators
from backoffice.setup import limits, service
from backoffice.setup.forms import BankForm, CompanyForm, NewCompanyForm
from shared.company.models import Company, TermsKind
from shared.giving import limit
from shared.kit.db import reading, transaction
from shared.kit.errors import DomainError, Refused
from shared.kit.money import Money, format_money
from shared.kit.words import current_language
from shared.kit.words import gettext as _
from shared.web.pages import page, see_other

TEXTS = (
    "trade_name",
    "legal_name",
    "legal_form",
    "capital",
    "siren",
    "trade_register",
    "street",
    "street_more",
    "postcode",
    "city",
    "email",
    "phone",
    "website",
    "language",
    "zone",
    "accent",
    "discount_terms",
)
OTHERS = (
    "terms_days",
    "penalty_rate",
    "notice_days",
    "collects",
    "reminds",
    "sends_from",
    "sends_until",
    "takes_cards",
    "takes_debits",
    "link_days",
)


def company(member: Member) -> ResponseReturnValue:
    """The settings; without any company, the way to the first one."""
    if member.company is None:
        if not member.may("company.write"):
            raise Refused("company.none", _("There is no company yet. An administrator has to set up the first one."))
        return redirect(url_for("backoffice.setup.add_company"), 303)
    return _company(member, None)


def _company(member: Member, form: CompanyForm | None) -> Response:
    with reading() as db_session:
        found = db_session.get_one(Company, member.company_id)
        waiting = limit.waiting(db_session, member.company_id)
    shown = form or _stored(found)
    return page(
        "backoffice/setup/company.html",
        status=422 if form else 200,
        form=shown,
        found=found,
        waiting=waiting,
        member=member,
    )


def _stored(found: Company) -> CompanyForm:
    return CompanyForm(
        formdata=None,
        data={name: getattr(found, name) for name in (*TEXTS, *OTHERS)}
        | {
            "vat_number": found.vat_number or "",
            "terms_kind": found.terms_kind.value,
            "four_eyes": Money(found.four_eyes_minor, found.currency),
        },
    )


def change_company(member: Member) -> ResponseReturnValue:
    """Save the settings."""
    form = CompanyForm()
    form.four_eyes.currency = member.desk.currency
    with reading() as db_session:
        stored = _stored(db_session.get_one(Company, member.company_id))
    if not form.validate() or form.met_another(stored):
        return _company(member, form)
    try:
        with transaction() as db_session:
            changed, is_raised = _change(db_session, member, form)
    except DomainError as error:
        form.four_eyes.errors = [error.message]
        return _company(member, form)
    if is_raised:
        flash(_("Saved. The higher limit does not count yet: it waits, as is said below."), "wait")
    else:
        flash(_("Saved.") if changed else _("Nothing has changed."), "good")
    return see_other("backoffice.setup.company")


def _change(db_session: Session, member: Member, form: CompanyForm) -> tuple[bool, bool]:
    """Whether something is saved, and whether a higher limit waits now; a lower one counts at once."""
    kept = db_session.get_one(Company, member.company_id)
    name, before, after = member.desk.name, Money(kept.four_eyes_minor, kept.currency), form.four_eyes.data
    values = _values(form)
    if is_raised := after.minor > before.minor:
        del values["four_eyes_minor"]
    changed = service.change(db_session, member.company_id, values, action="company.changed", by=member.as_actor())
    if is_raised:
        limits.ask(db_session, member.desk, after, by=member.as_actor())
    elif before != after:
        limits.lowered(db_session, member.desk, by=member.as_actor())
        tell_administrators(
            db_session,
            lambda: _(
                "%(company)s: what one person may give away alone was %(before)s and is now %(after)s.",
                company=name,
                before=format_money(before, current_language()),
                after=format_money(after, current_language()),
            ),
            by=member.as_actor(),
            company_id=member.company_id,
        )
    return changed, is_raised


def agree_limit(member: Member, raise_id: uuid.UUID) -> ResponseReturnValue:
    """Agree to a higher limit, as a second administrator."""
    with transaction() as db_session:
        limits.agree(db_session, member.desk, raise_id, by=member.as_actor())
    flash(_("The higher limit counts from now on."), "good")
    return see_other("backoffice.setup.company")


def decline_limit(member: Member, raise_id: uuid.UUID) -> ResponseReturnValue:
    """The limit stays as it is."""
    with transaction() as db_session:
        limits.decline(db_session, member.desk, raise_id, by=member.as_actor())
    flash(_("The limit stays as it is."), "good")
    return see_other("backoffice.setup.company")


def _values(form: CompanyForm) -> dict[str, Any]:
    values: dict[str, Any] = {name: (form[name].data or "").strip() for name in TEXTS}
    values |= {name: form[name].data for name in OTHERS}
    return values | {
        "vat_number": form.vat_number.data or None,
        "terms_kind": TermsKind(form.terms_kind.data),
        "four_eyes_minor": form.four_eyes.data.minor,
    }


def bank(member: Member) -> ResponseReturnValue:
    """Other bank details: every invoice, mandate and transfer code shows them from now on."""
    with reading() as db_session:
        found = db_session.get_one(Company, member.company_id)
    stored = {"iban": found.iban, "bic": found.bic, "ics": found.ics}
    form = BankForm(data=stored)
    if not form.validate_on_submit() or form.met_another(BankForm(formdata=None, data=stored)):
        return page("backoffice/setup/bank.html", status=422 if form.is_submitted() else 200, form=form)
    values = {"iban": form.iban.data, "bic": form.bic.data, "ics": (form.ics.data or "").strip()}
    with transaction() as db_session:
        changed = service.change(
            db_session, member.company_id, values, action="company.bank_changed", by=member.as_actor()
        )
        if changed:
            name = member.desk.name
            tell_administrators(
                db_session,
                lambda: _("%(company)s: the bank details were changed.", company=name),
                by=member.as_actor(),
                company_id=member.company_id,
            )
    flash(_("The bank details are changed.") if changed else _("Nothing has changed."), "good")
    return see_other("backoffice.setup.company")


def add_company(member: Member) -> ResponseReturnValue:
    """The first company, or one more."""
    form = NewCompanyForm(
        data={
            "language": member.language,
            "zone": "Europe/Paris",
            "accent": "#1f5f5b",
            "terms_days": 30,
            "notice_days": 14,
            "collects": True,
            "reminds": True,
            "takes_cards": True,
            "takes_debits": True,
            "link_days": 45,
            "four_eyes": Money(50_000),
            **_hours(),
        }
    )
    if form.validate_on_submit():
        bank_values = {"iban": form.iban.data, "bic": form.bic.data, "ics": (form.ics.data or "").strip()}
        try:
            with transaction() as db_session:
                made = service.add(
                    db_session, _values(form) | bank_values | {"code": form.code.data}, by=member.as_actor()
                )
                name = made.trade_name
                tell_administrators(
                    db_session,
                    lambda: _("The company %(name)s was set up.", name=name),
                    by=member.as_actor(),
                    company_id=made.id,
                )
        except DomainError as error:
            form.code.errors = [error.message]
        else:
            session["company"] = str(made.id)
            flash(_("%(name)s is set up. Import its open invoices next.", name=made.trade_name), "good")
            return see_other("backoffice.home.today")
    return page("backoffice/setup/add_company.html", status=422 if form.is_submitted() else 200, form=form)


def _hours() -> dict[str, Any]:
    defaults = Company.__table__.c
    return {name: defaults[name].default.arg for name in ("sends_from", "sends_until")}
