"""Payments: the list, one payment, refunds, and asking the provider."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

from flask import Response, flash, request
from flask.typing import ResponseReturnValue

from backoffice import exports, files
from backoffice.access.member import Member
from backoffice.access.second_person import witness
from backoffice.labels import word
from backoffice.listing import asked, is_fragment, sentence
from backoffice.payments import queries
from backoffice.payments.forms import RefundForm, UndoForm
from payments import follow, papers
from payments.chargebacks import queries as chargebacks
from payments.models import Provider
from payments.queries import payment_story
from payments.receipts import service as receipts
from payments.refunds import service as refunds
from payments.status import COLLECTED
from shared.kit.db import reading, transaction
from shared.kit.errors import DomainError, NotFound
from shared.kit.money import Money
from shared.kit.words import gettext as _
from shared.kit.words import ngettext
from shared.ledger.service import loss_of
from shared.web import unsent
from shared.web.pages import page, see_other

FILTERS = ("state", "means", "debtor", "from", "to")


def browse(member: Member) -> ResponseReturnValue:
    """The list."""
    ask, zone = asked(*FILTERS), member.desk.zone
    with reading() as session:
        found = queries.browse(session, member.company_id, ask, zone=zone)
        totals = queries.totals(session, member.company_id, ask, zone=zone, currency=member.desk.currency)
    if ask.wants_totals and totals and is_fragment():
        words = ngettext("Total of %(n)s payment", "Total of %(n)s payments", totals.count)
        return sentence(words, [(_("Amount"), totals.amount)])
    return page("backoffice/payments/browse.html", ask=ask, found=found, totals=totals, orders=queries.ORDERS)


def export(member: Member, form: str) -> ResponseReturnValue:
    """The list as a file."""
    ask = asked(*FILTERS)

    def rows() -> Iterator[exports.Row]:
        with reading() as session:
            for row in queries.everything(session, member.company_id, ask, zone=member.desk.zone):
                yield (
                    row.reference,
                    row.created_at,
                    row.debtor_code,
                    row.debtor_name,
                    word(row.means),
                    word(row.provider),
                    word(row.status),
                    row.amount,
                    row.refunded,
                    row.charge_on,
                    row.failure_code,
                )

    header = [
        _("Reference"),
        _("Begun"),
        _("Account"),
        _("Debtor"),
        _("How"),
        _("Provider"),
        _("State"),
        _("Amount"),
        _("Refunded"),
        _("Debit day"),
        _("Failure"),
    ]
    return exports.answer(member, form, "payments", header, rows, asked=request.full_path)


def show(member: Member, payment_id: uuid.UUID) -> ResponseReturnValue:
    """One payment with every step."""
    return _show(member, payment_id, None)


def _show(member: Member, payment_id: uuid.UUID, form: RefundForm | None, status: int = 200) -> Response:
    with reading() as session:
        payment = queries.get_payment(session, member.company_id, payment_id)
        story = payment_story(session, payment_id, company_id=member.company_id)
        contact = queries.find_contact(session, payment)
        case = chargebacks.of_payment(session, payment_id)
        waiting = {each.id for each in queries.refunds_of(session, payment_id) if refunds.waits(session, each)}
        lost = Money(max(0, loss_of(session, payment_id)), payment.currency)
    is_by_hand = payment.provider is Provider.HAND
    return page(
        "backoffice/payments/show.html",
        status=status,
        member=member,
        payment=payment,
        story=story,
        contact=contact,
        case=case,
        lost=lost,
        waiting=waiting,
        may_refund=not is_by_hand and payment.status in COLLECTED,
        may_undo=is_by_hand and payment.status in COLLECTED,
        has_receipt=payment.status in COLLECTED,
        form=form,
    )


def receipt(member: Member, payment_id: uuid.UUID) -> ResponseReturnValue:
    """The receipt of a payment that has come, as its debtor has it."""
    with reading() as session:
        queries.get_payment(session, member.company_id, payment_id)
        story = payment_story(session, payment_id, company_id=member.company_id)
    if story is None:
        raise NotFound("payment.missing", _("There is no such payment."))
    return files.answer(papers.receipt(story))


def ask_provider(member: Member, payment_id: uuid.UUID) -> ResponseReturnValue:
    """Ask the provider how it stands, now."""
    with reading() as session:
        queries.get_payment(session, member.company_id, payment_id)
    try:
        status = follow.follow(payment_id, by=member.as_actor(), cause="asked by staff")
    except DomainError as error:
        flash(error.message, "error")
    else:
        flash(_("The provider has answered. The payment stands at: %(state)s.", state=word(status)), "good")
    return see_other("backoffice.payments.show", payment_id=payment_id)


def ask_refund(member: Member, payment_id: uuid.UUID) -> ResponseReturnValue:
    """Ask for a refund; above the company's limit a second person must approve it."""
    form = RefundForm()
    with reading() as session:
        currency = queries.get_payment(session, member.company_id, payment_id).currency
    form.amount.currency = currency
    form.process(request.form)
    if not form.validate():
        return _show(member, payment_id, form, 422)
    try:
        with transaction() as session:
            queries.get_payment(session, member.company_id, payment_id)
            refund = refunds.ask(
                session,
                payment_id=payment_id,
                minor=form.amount.data.minor,
                reason=form.reason.data or "",
                is_owed=form.is_owed.data == "yes",
                by=member.as_actor(),
            )
    except DomainError as error:
        form.amount.errors = [error.message]
        return _show(member, payment_id, form, error.http_status)
    flash(_("The refund stands at: %(state)s.", state=word(refund.status)), "good")
    return see_other("backoffice.payments.show", payment_id=payment_id)


def decide_refund(member: Member, payment_id: uuid.UUID, refund_id: uuid.UUID, decision: str) -> ResponseReturnValue:
    """Approve or decline a refund that somebody else asked for."""
    with transaction() as session:
        queries.get_refund(session, member.company_id, payment_id, refund_id)
        by = member.as_actor()
        if decision == "approve":
            refund = refunds.approve(session, refund_id, by=witness(session, by))
        else:
            refund = refunds.decline(session, refund_id, by=by)
    flash(_("The refund stands at: %(state)s.", state=word(refund.status)), "good")
    return see_other("backoffice.payments.show", payment_id=payment_id)


def settle_refund(member: Member, payment_id: uuid.UUID, refund_id: uuid.UUID, answer: str) -> ResponseReturnValue:
    """Say of what a refund opened whether it is owed after all, and collected again, or not owed."""
    with transaction() as session:
        queries.get_refund(session, member.company_id, payment_id, refund_id)
        if answer == "owed":
            refunds.ask_again(session, refund_id, by=member.as_actor())
        else:
            refunds.give_up(session, refund_id, by=member.as_actor())
    if answer == "owed":
        flash(_("It is owed: what is debited by itself is announced first, the rest is the debtor's to pay."), "good")
    else:
        flash(_("It is not owed: what was open of it is written off, and nobody asks for it."), "good")
    return see_other("backoffice.payments.show", payment_id=payment_id)


def undo(member: Member, payment_id: uuid.UUID) -> ResponseReturnValue:
    """A receipt recorded by hand was a mistake: what it settled is open again."""
    form = UndoForm()
    if not form.validate():
        return unsent.not_taken(form, "backoffice.payments.show", payment_id=payment_id)
    with transaction() as session:
        queries.get_payment(session, member.company_id, payment_id)
        receipts.undo_receipt(session, payment_id=payment_id, reason=form.reason.data or "", by=member.as_actor())
    flash(_("The receipt is undone; what it settled is open again."), "good")
    return see_other("backoffice.payments.show", payment_id=payment_id)
