"""Direct debit: what is signed, how to sign, how to end it, automatic payment."""

from __future__ import annotations

import uuid
from typing import cast

from flask import Response, flash, redirect, request, session, url_for
from flask.typing import ResponseReturnValue

from payments import papers, queries
from payments.collections.queries import Choice, choices_of
from payments.collections.words import WHY_FOR_DEBTOR
from payments.labels import MANDATE_FOR_DEBTOR
from payments.mandates import setup
from payments.queries import MandateLine
from payments.status import MANDATE_ENDS, MandateStatus
from portal.downloads import download
from portal.mandates import autopay as choices
from portal.mandates.autopay import autopay_of
from portal.mandates.autopay import set_autopay as choose_autopay
from portal.mandates.creditor import creditor_of
from portal.mandates.forms import AutopayForm, MandateForm
from shared.access.queries import Visitor
from shared.documents.facts import Language
from shared.kit.db import reading
from shared.kit.errors import Conflict, Refused, Unavailable
from shared.kit.settings import get_settings
from shared.kit.templating import day
from shared.kit.words import current_language
from shared.kit.words import gettext as _
from shared.web.pages import page, safe_next, see_other, send_away
from shared.web.security import client_address

NOBODY = uuid.UUID(int=0)
TEXT_VERSION = "sepa-core-1"
"""Which text of consent the debtor read: kept as evidence beside the time and the address."""


def overview(visitor: Visitor) -> Response:
    """The mandate, automatic payment, and the debits to come."""
    with reading() as db:
        mandates = queries.mandates_of(db, visitor.debtor_id)
        debits = queries.next_debits(db, visitor.debtor_id)
    return page(
        "portal/mandates/overview.html",
        mandate=next((one for one in mandates if one.is_usable), None),
        waiting=next((one for one in mandates if one.status is MandateStatus.CREATED and one.url), None),
        suspended=[one for one in mandates if one.status is MandateStatus.SUSPENDED],
        past=[one for one in mandates if one.status in MANDATE_ENDS and one.given_at is not None],
        words=MANDATE_FOR_DEBTOR,
        autopay=autopay_of(visitor),
        debits=debits,
        is_offered=_is_offered(visitor),
    )


def _is_offered(visitor: Visitor) -> bool:
    return visitor.company.takes_debits and get_settings().gocardless_access_token is not None


def new(visitor: Visitor) -> ResponseReturnValue:
    """What a mandate means, and the consent to sign one."""
    _keep_way_back()
    return _new_page(visitor, MandateForm())


def _new_page(visitor: Visitor, form: MandateForm, *, status: int = 200, refusal: str = "") -> Response:
    with reading() as db:
        creditor = creditor_of(db, visitor.company_id)
    return page(
        "portal/mandates/new.html",
        status=status,
        form=form,
        refusal=refusal,
        creditor=creditor,
        attempt=str(uuid.uuid4()),
        is_offered=_is_offered(visitor),
    )


def start(visitor: Visitor) -> ResponseReturnValue:
    """Go to the provider's page on which the mandate is signed."""
    form = MandateForm()
    if not form.validate_on_submit():
        return _new_page(visitor, form, status=422)
    try:
        attempt = str(uuid.UUID(request.form.get("attempt", "")))
        step = setup.begin(
            debtor_id=visitor.debtor_id,
            contact_id=visitor.contact_id,
            attempt=attempt,
            language=current_language(),
            return_url=_outside("portal.mandates.returned"),
            exit_url=_outside("portal.mandates.returned"),
            evidence={
                "address": client_address(),
                "browser": request.user_agent.string[:200],
                "text_version": TEXT_VERSION,
                "language": current_language(),
                "session": str(visitor.session_id),
            },
            by=visitor.as_actor(),
        )
    except ValueError:
        return _new_page(visitor, form, status=422, refusal=_("This form is too old. Please try again."))
    except (Refused, Conflict, Unavailable) as refusal:
        return _new_page(visitor, form, status=refusal.http_status, refusal=refusal.message)
    if step.url is not None:
        return send_away(step.url)
    return see_other("portal.mandates.returned", mandate_id=step.mandate_id)


def _outside(endpoint: str) -> str:
    """An address that the provider sends the browser back to; `{mandate_id}` is filled in when the mandate is written."""
    return get_settings().public_url + url_for(endpoint, mandate_id=NOBODY).replace(str(NOBODY), "{mandate_id}")


def _keep_way_back() -> None:
    """Whoever came from a payment goes back to it once the mandate is signed."""
    if wanted := request.args.get("next"):
        session["after_mandate"] = safe_next(wanted, "/")


def returned(visitor: Visitor, mandate_id: uuid.UUID) -> ResponseReturnValue:
    """Where the debtor comes back to from the provider's page: what the provider says of the mandate."""
    if "X-Fragment" not in request.headers:
        setup.look(mandate_id, visitor.debtor_id)
    mandate = _mandate(visitor, mandate_id)
    way_back = session.get("after_mandate", "")
    if mandate.is_usable and way_back:
        session.pop("after_mandate", None)
    return page(
        "portal/mandates/returned.html", mandate=mandate, words=MANDATE_FOR_DEBTOR[mandate.status], way_back=way_back
    )


def resume(visitor: Visitor, mandate_id: uuid.UUID) -> ResponseReturnValue:
    """Go on with a mandate whose page is open, or whose opening was never answered."""
    _mandate(visitor, mandate_id)
    step = setup.open_page(mandate_id)
    if step.url is not None:
        return send_away(step.url)
    return see_other("portal.mandates.returned", mandate_id=mandate_id)


def cancel(visitor: Visitor, mandate_id: uuid.UUID) -> ResponseReturnValue:
    """End a mandate: nothing more is debited under it."""
    status = setup.cancel(mandate_id, visitor.debtor_id, visitor.as_actor())
    if status in MANDATE_ENDS:
        flash(_("The mandate is cancelled. Nothing more will be debited under it."), "good")
    else:
        flash(_("The mandate is not cancelled yet: we are waiting for an answer."), "wait")
    return see_other("portal.mandates.overview")


def pdf(visitor: Visitor, mandate_id: uuid.UUID) -> Response:
    """The mandate as a file."""
    kept = papers.mandate(_mandate(visitor, mandate_id), language=cast("Language", current_language()))
    return download(kept.content, kept.name, kept.media_type)


def _mandate(visitor: Visitor, mandate_id: uuid.UUID) -> MandateLine:
    return papers.mandate_of(mandate_id, visitor.debtor_id)


def autopay(visitor: Visitor) -> ResponseReturnValue:
    """The choice of automatic payment."""
    now = autopay_of(visitor)
    with reading() as db:
        mandate = queries.usable_mandate(db, visitor.debtor_id)
    if mandate is None:
        return redirect(url_for("portal.mandates.new", next=url_for("portal.mandates.autopay")), 303)
    form = AutopayForm(autopay="on" if now.is_on or "on" in request.args else "off", maximum=now.maximum)
    return page("portal/mandates/autopay.html", form=form, mandate=mandate)


def set_autopay(visitor: Visitor) -> ResponseReturnValue:
    """Choose whether invoices are paid by themselves."""
    form = AutopayForm()
    is_valid = form.validate_on_submit()
    if is_valid and form.maximum.data is not None and form.maximum.data.minor <= 0:
        form.maximum.errors = [_("The amount must be more than zero.")]
        is_valid = False
    if not is_valid:
        with reading() as db:
            mandate = queries.usable_mandate(db, visitor.debtor_id)
        return page("portal/mandates/autopay.html", status=422, form=form, mandate=mandate)
    is_on = form.autopay.data == "on"
    left = choose_autopay(visitor, is_on=is_on, maximum=form.maximum.data)
    flash(_("Automatic payment is on.") if is_on else _("Automatic payment is off."), "good")
    for on in sorted(one for one in left if one is not None):
        flash(_("A debit of %(day)s has left for the bank already: it can no longer be stopped.", day=day(on)), "wait")
    return see_other("portal.mandates.overview")


def debits(visitor: Visitor) -> ResponseReturnValue:
    """What is debited by itself, invoice by invoice, and what is left out."""
    now = autopay_of(visitor)
    if not now.is_on:
        return redirect(url_for("portal.mandates.autopay"), 303)
    words = request.args.get("q", "").replace("\x00", "").strip()[:80]
    with reading() as db:
        found, count = choices_of(db, visitor.debtor_id, words=words)
    return page(
        "portal/mandates/debits.html",
        coming=[each for each in found if not each.is_left_out and not _is_waiting(each)],
        waiting=[each for each in found if not each.is_left_out and _is_waiting(each)],
        left_out=[each for each in found if each.is_left_out],
        reasons=WHY_FOR_DEBTOR,
        words=words,
        count=count,
        shown=len(found),
    )


def _is_waiting(each: Choice) -> bool:
    """Whether something keeps an invoice from being debited, so that it is not said to be."""
    return each.is_above_maximum or each.why_not in WHY_FOR_DEBTOR


def leave_out(visitor: Visitor, invoice_id: uuid.UUID) -> ResponseReturnValue:
    """Take one invoice out of automatic payment."""
    pay_by = choices.leave_out(visitor, invoice_id)
    flash(_("Nothing will be debited for this invoice. Please pay it by %(day)s.", day=day(pay_by)), "good")
    return see_other("portal.mandates.debits")


def take_back(visitor: Visitor, invoice_id: uuid.UUID) -> ResponseReturnValue:
    """Let an invoice be debited by itself after all."""
    choices.take_back(visitor, invoice_id)
    flash(_("This invoice will be debited by itself. You will get a notice with the day first."), "good")
    return see_other("portal.mandates.debits")
