"""What may come between the notice of a debit and its day, and after money moved. Beside `acts`: JSON in, JSON out."""

from __future__ import annotations

import uuid
from datetime import timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, cast

from sqlalchemy import select

from backoffice.imports import run as imports
from payments.chargebacks import service as chargebacks
from payments.chargebacks.models import Chargeback
from payments.chargebacks.rules import ChargebackState
from payments.collections.reconsider import reconsider
from payments.mandates import setup
from payments.models import Mandate, Means, Payment, Refund
from payments.receipts import service as receipts
from payments.refunds import service as refunds
from payments.status import MandateStatus, RefundStatus
from portal.mandates import autopay as portal
from shared.access.queries import Visitor
from shared.company.models import Company
from shared.debtors.models import Debtor, DebtorContact
from shared.debtors.service import lock_debtor
from shared.invoices.models import Invoice, InvoiceKind
from shared.kit import clock
from shared.kit.actors import Actor
from shared.kit.db import reading, transaction
from shared.kit.money import Money
from shared.ledger.enter import InvoiceDraft, LineDraft, enter
from shared.ledger.rules import Part
from tests.support.people import a_witness

STAFF = Actor.staff(uuid.UUID(int=7), "torture")
COLLEAGUE = Actor.staff(uuid.UUID(int=9), "the other")
HEADINGS = "Code client;Facture;Date;Échéance;Montant TTC;Reste dû\n"


def contact_of(debtor: str) -> uuid.UUID:
    """The person who acts for an account."""
    with reading() as session:
        contacts = select(DebtorContact.contact_id).where(DebtorContact.debtor_id == uuid.UUID(debtor))
        return session.scalars(contacts.limit(1)).one()


def _visitor(debtor: str) -> Visitor:
    person = contact_of(debtor)
    with reading() as session:
        row = session.get_one(Debtor, uuid.UUID(debtor))
        found = SimpleNamespace(debtor_id=row.id, company_id=row.company_id, currency=row.currency)
    found.as_actor = lambda: Actor.contact(person, "torture")
    return cast("Visitor", found)


# What the debtor does -------------------------------------------------------------------------------------------------


def autopay(debtor: str, *, is_on: bool, maximum: int | None = None) -> int:
    """Switch automatic payment, perhaps with a maximum; gives how many debits the bank had already."""
    most = None if maximum is None else Money(maximum, "EUR")
    return len(portal.set_autopay(_visitor(debtor), is_on=is_on, maximum=most))


def leave_out(debtor: str, invoice: str) -> str:
    return portal.leave_out(_visitor(debtor), uuid.UUID(invoice)).isoformat()


def take_back_in(debtor: str, invoice: str) -> None:
    portal.take_back(_visitor(debtor), uuid.UUID(invoice))


def end_mandate(debtor: str, mandate: str) -> str:
    by = Actor.contact(contact_of(debtor), "torture")
    return setup.cancel(uuid.UUID(mandate), uuid.UUID(debtor), by).value


def active_mandates(debtor: str) -> list[str]:
    """What the provider calls a debtor's active mandates, as the house knows them: no news of their beginning is awaited."""
    with reading() as session:
        mine = (Mandate.status == MandateStatus.ACTIVE) & (Mandate.debtor_id == uuid.UUID(debtor))
        return [str(one) for one in session.scalars(select(Mandate.provider_reference).where(mine)) if one]


# What staff do --------------------------------------------------------------------------------------------------------


def company_debits(*, is_on: bool) -> bool:
    """Staff switch the company's automatic debits off or on in its settings; gives how they stand."""
    with transaction() as session:
        company = session.scalars(select(Company).with_for_update()).one()
        company.collects = is_on
        return company.collects


def receive_too_much(debtor: str, minor: int, attempt: str) -> str:
    """A transfer that nobody knows an invoice for: credit on the account."""
    with transaction() as session:
        payment = receipts.record_receipt(
            session,
            debtor=lock_debtor(session, uuid.UUID(debtor)),
            means=Means.TRANSFER,
            minor=minor,
            received_on=clock.today(),
            memo="",
            parts=[],
            attempt=attempt,
            by=STAFF,
        )
        return str(payment.id)


def undo_receipt(payment: str) -> None:
    with transaction() as session:
        receipts.undo_receipt(session, payment_id=uuid.UUID(payment), reason="torture", by=STAFF)


def use_credit(debtor: str, parts: list[list[Any]]) -> None:
    wanted = [Part(uuid.UUID(invoice), minor) for invoice, minor in parts]
    with transaction() as session:
        receipts.apply_credit(session, debtor_id=uuid.UUID(debtor), parts=wanted, by=STAFF)


def write_note(debtor: str, invoice: str, minor: int) -> str:
    """A credit note for an invoice, whatever holds that invoice now."""
    with transaction() as session:
        owner = lock_debtor(session, uuid.UUID(debtor))
        draft = InvoiceDraft(
            number=f"AV-{uuid.uuid4().hex[:10]}",
            issued_on=clock.today(),
            due_on=clock.today(),
            lines=[LineDraft("torture", Decimal(minor) / 100, vat_rate=Decimal(0), vat_category="Z")],
            kind=InvoiceKind.CREDIT_NOTE,
            credits_invoice_id=uuid.UUID(invoice),
        )
        note = enter(session, owner, draft, by=STAFF)
        reconsider(session, [owner.id])
        return str(note.id)


def give_back(payment: str, minor: int, *, is_owed: bool) -> str:
    """Ask for a refund, and have a colleague agree when the company wants that."""
    with transaction() as session:
        made = refunds.ask(
            session, payment_id=uuid.UUID(payment), minor=minor, reason="torture", by=STAFF, is_owed=is_owed
        )
        identity, waits = made.id, made.status is RefundStatus.ASKED
    if waits:
        with transaction() as session:
            refunds.approve(session, identity, by=a_witness(COLLEAGUE))
    return str(identity)


def settle_chargeback(debtor: str, how: str) -> str | None:
    """`how`: owe, give_up. Decide the oldest contested payment that waits for a person; None when there is none."""
    with transaction() as session:
        waits = select(Chargeback.id).where(
            Chargeback.debtor_id == uuid.UUID(debtor), Chargeback.state == ChargebackState.TO_DECIDE
        )
        found = session.scalar(waits.order_by(Chargeback.id).limit(1))
        if found is None:
            return None
        if how == "owe":
            chargebacks.owe(session, chargeback_id=found, text="It is owed.", by=STAFF)
        else:
            for one in (STAFF, COLLEAGUE):  # above the limit the first of them only asks
                if chargebacks.give_up(session, chargeback_id=found, text="Never mind.", by=a_witness(one)):
                    break
        return str(found)


def payments_of(debtor: str) -> list[dict[str, Any]]:
    """A debtor's payments that a provider has, the newest first."""
    with reading() as session:
        rows = session.scalars(
            select(Payment)
            .where(Payment.debtor_id == uuid.UUID(debtor), Payment.provider_reference.is_not(None))
            .order_by(Payment.id.desc())
        )
        return [
            {
                "id": str(one.id),
                "reference": one.provider_reference,
                "status": one.status.value,
                "minor": one.amount_minor,
            }
            for one in rows
        ]


def refunds_that_wait() -> list[str]:
    with reading() as session:
        return [str(one) for one in session.scalars(select(Refund.id).where(Refund.status == RefundStatus.APPROVED))]


# What the accounting says ---------------------------------------------------------------------------------------------


def import_books(invoice: str, how: str) -> str:
    """`how`: settled, lowered, moved (its due day), gone (from a list that is complete). Gives what became of the file."""
    with reading() as session:
        changed = session.get_one(Invoice, uuid.UUID(invoice))
        company_id = session.scalars(select(Company.id)).one()
        rows = (
            session.execute(
                select(Invoice, Debtor.account_code)
                .join(Debtor, Debtor.id == Invoice.debtor_id)
                .where(Invoice.id != changed.id, Invoice.open_minor > 0)
            ).all()
            if how == "gone"
            else []
        )
        lines = [_line(one, code) for one, code in rows]
        if how != "gone":
            lines.append(_line(changed, session.get_one(Debtor, changed.debtor_id).account_code, how))
    outcome = imports.import_file(
        (HEADINGS + "".join(lines)).encode(),
        company_id=company_id,
        name="torture.csv",
        by=STAFF,
        choices={"complete": how == "gone"},
    )
    return outcome.state.value


def _line(invoice: Invoice, code: str, how: str = "") -> str:
    sign = -1 if invoice.kind is InvoiceKind.CREDIT_NOTE else 1
    total, rest, due_on = invoice.total_minor, invoice.open_minor, invoice.due_on
    if how == "settled":
        rest = 0
    elif how == "lowered":
        total = max(1, total * 2 // 3)
        rest = min(rest, total)
    elif how == "moved":
        due_on += timedelta(days=20)
    return f"{code};{invoice.number};{invoice.issued_on};{due_on};{_euros(sign * total)};{_euros(sign * rest)}\n"


def _euros(minor: int) -> str:
    return f"{Decimal(minor) / 100:.2f}".replace(".", ",")
