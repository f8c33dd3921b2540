"""Verbs of the desk: an invoice that is no longer in the books is taken off, above the company's limit by two people."""

from __future__ import annotations

import uuid

from sqlalchemy import select
from sqlalchemy.orm import Session

from backoffice.invoices import queries
from shared.company.queries import today_of
from shared.debtors.models import Debtor
from shared.debtors.service import lock_owner
from shared.giving import service as giving
from shared.giving.models import GiftKind, GiftState
from shared.giving.service import Wish
from shared.invoices.models import Invoice, InvoiceKind
from shared.kit import audit, outbox
from shared.kit.actors import Actor
from shared.kit.errors import Conflict, NotFound
from shared.kit.ids import new_id
from shared.kit.second_person import Witness
from shared.kit.words import gettext as _
from shared.ledger import cancel as cancelling
from shared.ledger import service as ledger


def cancel(session: Session, *, invoice_id: uuid.UUID, reason: str, by: Actor) -> int | None:
    """Take off what is open of an invoice; None while a second person must agree.

    Gives how much was taken off at once, in minor units: what a payment in flight holds waits for it.

    What one person alone gave of this invoice, or to this debtor of late, counts with it (`shared.giving`). A credit note that is
    taken off gives nothing away. Raises Conflict when nothing is open or it is asked for already.
    """
    debtor, invoice = _locked(session, invoice_id)
    if queries.waiting_cancellation(session, invoice_id) is not None:
        raise Conflict("invoice.cancel_asked", _("This waits for a second person already."))
    minor = _left(invoice)
    if invoice.kind is InvoiceKind.INVOICE and minor > 0:
        cancellation_id = new_id()
        wish = Wish(GiftKind.CANCELLATION, cancellation_id, minor, invoices={invoice_id: minor}, reason=reason)
        if giving.weigh(session, debtor, wish, by=by):
            _record(session, invoice, "invoice.cancel_asked", minor=minor, reason=reason, by=by)
            _tell_colleagues(session, invoice, cancellation_id, by=by)
            return None
    return _take_off(session, debtor, invoice, reason=reason, by=by)


def approve(session: Session, *, invoice_id: uuid.UUID, cancellation_id: uuid.UUID, by: Witness) -> int:
    """A second person agrees: it is taken off now; gives how much, as `cancel` does.

    Raises what `giving.agree` raises, NotFound, and Conflict when it waits no more or more is open by now.
    """
    debtor, invoice = _locked(session, invoice_id)
    _must_wait(session, invoice_id, cancellation_id)
    gift = giving.agree(session, kind=GiftKind.CANCELLATION, subject_id=cancellation_id, by=by)
    if _left(invoice) > gift.minor:
        raise Conflict(
            "invoice.cancel_grown", _("More of this invoice is open than was asked for. Decline it, and ask anew.")
        )
    return _take_off(session, debtor, invoice, reason=gift.reason, by=by.actor)


def decline(session: Session, *, invoice_id: uuid.UUID, cancellation_id: uuid.UUID, by: Actor) -> None:
    """It stays owed; who asked may take it back, too. What was declined is remembered. Raises NotFound, Conflict."""
    _debtor, invoice = _locked(session, invoice_id)
    _must_wait(session, invoice_id, cancellation_id)
    giving.decide(session, kind=GiftKind.CANCELLATION, subject_id=cancellation_id, state=GiftState.DECLINED, by=by)
    _record(session, invoice, "invoice.cancel_declined", by=by)


def _locked(session: Session, invoice_id: uuid.UUID) -> tuple[Debtor, Invoice]:
    debtor = lock_owner(session, select(Invoice.debtor_id).where(Invoice.id == invoice_id))
    if debtor is None:
        raise NotFound("invoice.missing", _("There is no such invoice."))
    return debtor, ledger.lock_invoices(session, [invoice_id])[invoice_id]


def _left(invoice: Invoice) -> int:
    return invoice.open_minor - invoice.elsewhere_minor


def _must_wait(session: Session, invoice_id: uuid.UUID, cancellation_id: uuid.UUID) -> None:
    gift = queries.find_cancellation(session, invoice_id, cancellation_id)
    if gift is None:
        raise NotFound("invoice.cancel_missing", _("Nobody has asked for this."))
    if gift.state is not GiftState.ASKED:
        raise Conflict("invoice.cancel_decided", _("This has been decided already."))


def _take_off(session: Session, debtor: Debtor, invoice: Invoice, *, reason: str, by: Actor) -> int:
    today = today_of(session, invoice.company_id)
    return cancelling.take_off(session, debtor, invoice, on=today, reason=reason, by=by)


def _record(session: Session, invoice: Invoice, action: str, *, by: Actor, **after: object) -> None:
    audit.record(
        session,
        by,
        action,
        subject_type="invoice",
        subject_id=invoice.id,
        company_id=invoice.company_id,
        debtor_id=invoice.debtor_id,
        after={"number": invoice.number, **after},
    )


def _tell_colleagues(session: Session, invoice: Invoice, cancellation_id: uuid.UUID, *, by: Actor) -> None:
    payload = {
        "company": str(invoice.company_id),
        "debtor": str(invoice.debtor_id),
        "id": str(invoice.id),
        "by": by.kind,
        "staff": None,
        "doer": str(by.id),
    }
    outbox.publish(session, "invoice.cancel_asked", payload, dedupe_key=f"{cancellation_id}:asked")
