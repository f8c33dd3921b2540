"""Taking an invoice off because it is no longer in the books: deleted, renumbered, or there twice."""

from __future__ import annotations

from datetime import date

from sqlalchemy.orm import Session

from shared.debtors.models import Debtor
from shared.invoices.models import Invoice, InvoiceKind
from shared.kit import audit, clock, outbox
from shared.kit.actors import Actor
from shared.kit.errors import Conflict
from shared.kit.words import gettext as _
from shared.ledger.service import Occasion, move_elsewhere


def take_off(session: Session, debtor: Debtor, invoice: Invoice, *, on: date, reason: str, by: Actor) -> int:
    """Take off what is open of an invoice or credit note; gives how much, in minor units.

    What a payment in flight holds waits until it ends: then it is settled, or becomes credit when the money has come in all the same.
    The debtor is locked by the caller. Publishes `invoice.lowered`. Raises Conflict when nothing is open.
    """
    taken = invoice.open_minor - invoice.held_minor
    waits = invoice.held_minor - invoice.elsewhere_minor
    if taken + waits <= 0:
        raise Conflict("invoice.nothing_open", _("Nothing of this invoice is open."))
    occasion = Occasion(at=clock.now(), value_on=on)
    if taken:
        move_elsewhere(session, debtor, invoice, taken, occasion)
    invoice.elsewhere_minor = invoice.held_minor
    invoice.cancelled_on = on
    audit.record(
        session,
        by,
        "invoice.cancelled",
        subject_type="invoice",
        subject_id=invoice.id,
        company_id=invoice.company_id,
        debtor_id=debtor.id,
        after={"number": invoice.number, "minor": taken, "waits": waits, "reason": reason.strip()},
    )
    if invoice.kind is InvoiceKind.INVOICE:
        outbox.publish(session, "invoice.lowered", {"invoice": str(invoice.id), "debtor": str(debtor.id)})
    session.flush()
    return taken
