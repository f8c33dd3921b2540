"""Invoices: the list, one invoice, its paper, and legal holds."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

from flask import flash, request
from flask.typing import ResponseReturnValue

from backoffice import exports, files
from backoffice.access.member import Member
from backoffice.access.second_person import witness
from backoffice.invoices import queries, service
from backoffice.invoices.forms import HoldForm
from backoffice.listing import asked, is_fragment, sentence
from payments.standing import standing
from shared.debtors.models import Debtor
from shared.disputes import queries as disputes
from shared.documents import orders
from shared.invoices import service as invoices
from shared.invoices.models import Freeze, FreezeKind, InvoiceKind
from shared.kit import templating
from shared.kit.db import reading, transaction
from shared.kit.errors import NotFound
from shared.kit.money import Money, format_money
from shared.kit.words import current_language, ngettext
from shared.kit.words import gettext as _
from shared.web import unsent
from shared.web.pages import page, see_other

FILTERS = ("state", "age", "least", "most", "debtor")


def browse(member: Member) -> ResponseReturnValue:
    """The list."""
    ask = asked(*FILTERS)
    with reading() as session:
        about: Any = {"today": member.today, "currency": member.desk.currency}
        found = queries.browse(session, member.company_id, ask, **about)
        totals = queries.totals(session, member.company_id, ask, **about)
        if ask.wants_totals and totals and is_fragment():
            return sentence(
                ngettext("Total of %(n)s invoice", "Total of %(n)s invoices", totals.count),
                [(_("Total"), totals.total), (_("Open"), totals.open)],
            )
        debtor_id = queries.read_uuid(ask.get("debtor"))
        debtor = session.get(Debtor, debtor_id) if debtor_id else None
    if debtor is not None and debtor.company_id != member.company_id:
        debtor = None
    return page(
        "backoffice/invoices/browse.html", ask=ask, found=found, totals=totals, debtor=debtor, orders=queries.ORDERS
    )


def export(member: Member, form: str) -> ResponseReturnValue:
    """The list as a file."""
    ask = asked(*FILTERS)

    def rows() -> Iterator[exports.Row]:
        with reading() as session:
            about: Any = {"today": member.today, "currency": member.desk.currency}
            for row in queries.everything(session, member.company_id, ask, **about):
                sign = -1 if row.kind is InvoiceKind.CREDIT_NOTE else 1
                yield (
                    row.number,
                    row.debtor_code,
                    row.debtor_name,
                    row.issued_on,
                    row.due_on,
                    row.total if sign > 0 else -row.total,
                    row.open if sign > 0 else -row.open,
                    row.held,
                    row.frozen,
                    row.settled_on,
                )

    header = [
        _("Number"),
        _("Account"),
        _("Debtor"),
        _("Issued"),
        _("Due"),
        _("Total"),
        _("Open"),
        _("On its way"),
        _("Frozen"),
        _("Settled on"),
    ]
    return exports.answer(member, form, "invoices", header, rows, asked=request.full_path)


def show(member: Member, invoice_id: uuid.UUID) -> ResponseReturnValue:
    """One invoice."""
    with reading() as session:
        invoice, debtor = queries.get_invoice(session, member.company_id, invoice_id)

        def money(minor: int) -> str:
            return format_money(Money(minor, invoice.currency), current_language())

        return page(
            "backoffice/invoices/show.html",
            member=member,
            invoice=invoice,
            debtor=debtor,
            lines=queries.lines(session, invoice_id),
            vat_pairs=[
                (_("VAT at %(rate)s", rate=templating.percent(each.rate / 100)), money(each.vat_minor))
                for each in queries.vat(session, invoice_id)
            ],
            waiting=queries.waiting_cancellation(session, invoice_id),
            freezes=queries.freezes(session, invoice_id, invoice.currency),
            disputes=disputes.of_debtor(session, debtor.id, invoice_id=invoice_id),
            payments=queries.payments(session, invoice_id),
            legs=queries.legs(session, debtor.id, invoice),
            quantity=queries.quantity,
        )


def paper(member: Member, invoice_id: uuid.UUID) -> ResponseReturnValue:
    """The invoice as PDF: the stored original, else the Factur-X made once, in the background when its lines are very many."""
    with reading() as session:
        _invoice, debtor = queries.get_invoice(session, member.company_id, invoice_id)
    made = orders.invoice(invoice_id, standing(invoice_id), today=member.today, by=member.id)
    return files.serve(made, debtor.id)


def hold(member: Member, invoice_id: uuid.UUID) -> ResponseReturnValue:
    """Freeze all of the invoice that is open: neither collected nor reminded."""
    form = HoldForm()
    if not form.validate():
        return unsent.not_taken(form, "backoffice.invoices.show", invoice_id=invoice_id)
    with transaction() as session:
        queries.get_invoice(session, member.company_id, invoice_id)
        invoices.freeze(
            session,
            invoice_id=invoice_id,
            kind=FreezeKind.LEGAL_HOLD,
            reason=form.reason.data or "",
            by=member.as_actor(),
        )
    flash(_("The invoice is on hold: neither collected nor reminded."), "good")
    return see_other("backoffice.invoices.show", invoice_id=invoice_id)


def cancel(member: Member, invoice_id: uuid.UUID) -> ResponseReturnValue:
    """Take off what is open of an invoice that is no longer in the books, with the reason; above the limit, ask a second person."""
    form = HoldForm()
    if not form.validate():
        return unsent.not_taken(form, "backoffice.invoices.show", invoice_id=invoice_id)
    with transaction() as session:
        invoice, _debtor = queries.get_invoice(session, member.company_id, invoice_id)
        taken = service.cancel(session, invoice_id=invoice_id, reason=form.reason.data or "", by=member.as_actor())
        waits = invoice.held_minor
    if taken is not None:
        _tell_taken(Money(taken, invoice.currency), is_all=not waits)
    else:
        flash(
            _("Noted. Somebody else must agree: with what was given before, it is above the company’s limit."), "wait"
        )
    return see_other("backoffice.invoices.show", invoice_id=invoice_id)


def approve_cancellation(member: Member, invoice_id: uuid.UUID, cancellation_id: uuid.UUID) -> ResponseReturnValue:
    """Agree that an invoice is taken off, as a second person."""
    with transaction() as session:
        invoice, _debtor = queries.get_invoice(session, member.company_id, invoice_id)
        taken = service.approve(
            session, invoice_id=invoice_id, cancellation_id=cancellation_id, by=witness(session, member.as_actor())
        )
        waits = invoice.held_minor
    _tell_taken(Money(taken, invoice.currency), is_all=not waits)
    return see_other("backoffice.invoices.show", invoice_id=invoice_id)


def _tell_taken(taken: Money, *, is_all: bool) -> None:
    if is_all:
        flash(_("What was open is taken off."), "good")
    elif taken.minor:
        amount = format_money(taken, current_language())
        said = _("%(amount)s is taken off. What a payment under way holds waits for that payment.", amount=amount)
        flash(said, "good")
    else:
        flash(
            _("Cancelled. A payment under way holds all that is open, and nothing is taken off before it ends."), "wait"
        )


def decline_cancellation(member: Member, invoice_id: uuid.UUID, cancellation_id: uuid.UUID) -> ResponseReturnValue:
    """The invoice stays owed."""
    with transaction() as session:
        queries.get_invoice(session, member.company_id, invoice_id)
        service.decline(session, invoice_id=invoice_id, cancellation_id=cancellation_id, by=member.as_actor())
    flash(_("The invoice stays owed."), "good")
    return see_other("backoffice.invoices.show", invoice_id=invoice_id)


def lift(member: Member, invoice_id: uuid.UUID, freeze_id: uuid.UUID) -> ResponseReturnValue:
    """End a legal hold."""
    with transaction() as session:
        queries.get_invoice(session, member.company_id, invoice_id)
        freeze = session.get(Freeze, freeze_id)
        if freeze is None or freeze.invoice_id != invoice_id or freeze.kind is not FreezeKind.LEGAL_HOLD:
            raise NotFound("freeze.missing", _("There is no such hold."))
        invoices.lift(session, freeze_id=freeze_id, by=member.as_actor())
    flash(_("The hold is lifted."), "good")
    return see_other("backoffice.invoices.show", invoice_id=invoice_id)
