"""Mandates: the list, one mandate, asking the provider, and cancelling."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

from flask import flash, request
from flask.typing import ResponseReturnValue

from backoffice import exports, files
from backoffice.access.member import Member
from backoffice.labels import word
from backoffice.listing import asked
from backoffice.mandates import queries
from payments import papers
from payments.mandates import setup
from payments.mandates.follow import follow_mandate
from payments.status import USABLE_MANDATES, MandateStatus
from shared.kit.db import reading
from shared.kit.errors import DomainError
from shared.kit.words import gettext as _
from shared.web.pages import page, see_other

CANCELLABLE = USABLE_MANDATES | {MandateStatus.SUSPENDED}


def browse(member: Member) -> ResponseReturnValue:
    """The list."""
    ask = asked("state", "debtor")
    with reading() as session:
        found = queries.browse(session, member.company_id, ask)
    return page("backoffice/mandates/browse.html", ask=ask, found=found, orders=queries.ORDERS)


def export(member: Member, form: str) -> ResponseReturnValue:
    """The list as a file."""
    ask = asked("state", "debtor")

    def rows() -> Iterator[exports.Row]:
        with reading() as session:
            for row in queries.everything(session, member.company_id, ask):
                yield (
                    row.reference,
                    row.scheme_reference,
                    row.debtor_name,
                    word(row.status),
                    row.holder_name,
                    row.bank_name,
                    row.iban,
                    row.given_at,
                    row.autopay,
                )

    header = [
        _("Reference"),
        _("RUM"),
        _("Debtor"),
        _("State"),
        _("Holder"),
        _("Bank"),
        _("Account"),
        _("Given"),
        _("Autopay"),
    ]
    return exports.answer(member, form, "mandates", header, rows, asked=request.full_path)


def show(member: Member, mandate_id: uuid.UUID) -> ResponseReturnValue:
    """One mandate with every step."""
    with reading() as session:
        mandate, debtor = queries.get_mandate(session, member.company_id, mandate_id)
        return page(
            "backoffice/mandates/show.html",
            mandate=mandate,
            debtor=debtor,
            steps=queries.steps(session, mandate_id),
            debits=queries.debits(session, mandate),
            may_cancel=mandate.status in CANCELLABLE,
        )


def paper(member: Member, mandate_id: uuid.UUID) -> ResponseReturnValue:
    """A mandate as it was signed."""
    with reading() as session:
        _mandate, debtor = queries.get_mandate(session, member.company_id, mandate_id)
        debtor_id = debtor.id
    return files.answer(papers.mandate(papers.mandate_of(mandate_id, debtor_id)))


def ask_provider(member: Member, mandate_id: uuid.UUID) -> ResponseReturnValue:
    """Ask the provider how it stands, now."""
    with reading() as session:
        queries.get_mandate(session, member.company_id, mandate_id)
    try:
        status = follow_mandate(mandate_id, by=member.as_actor(), cause="asked by staff")
    except DomainError as error:
        flash(error.message, "error")
    else:
        flash(_("The provider has answered. The mandate stands at: %(state)s.", state=word(status)), "good")
    return see_other("backoffice.mandates.show", mandate_id=mandate_id)


def cancel(member: Member, mandate_id: uuid.UUID) -> ResponseReturnValue:
    """End a mandate at the debtor's wish: no debit any more."""
    with reading() as session:
        _mandate, debtor = queries.get_mandate(session, member.company_id, mandate_id)
    try:
        setup.cancel(mandate_id, debtor.id, member.as_actor())
    except DomainError as error:
        flash(error.message, "error")
    else:
        flash(_("The mandate is cancelled."), "good")
    return see_other("backoffice.mandates.show", mandate_id=mandate_id)
