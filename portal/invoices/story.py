"""What happened to one invoice, told from the ledger and from what was really sent."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, aliased

from payments.labels import MEANS
from payments.models import Means, Payment
from shared.invoices.models import Invoice
from shared.invoices.queries import InvoiceSheet
from shared.kit.money import Money
from shared.kit.templating import day, lateness
from shared.kit.words import gettext as _
from shared.ledger.models import Account, Kind, Phase, Transfer
from shared.messages.models import Message, MessageStatus
from shared.promises.queries import Pause


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened; in the form that `components/timeline.html` draws."""

    on: date
    title: str
    when: str
    icon: str = ""
    tone: str = "neutral"
    text: str = ""
    payment_id: uuid.UUID | None = None
    href: str = ""
    amount: Money | None = None
    ahead: bool = False


def story(
    session: Session,
    debtor_id: uuid.UUID,
    sheet: InvoiceSheet,
    *,
    today: date,
    zone: Any,
    said: Sequence[Event] = (),
    pause: Pause | None = None,
) -> list[Event]:
    """The events of a debtor's invoice, with what was said of it, in the order of time; the last says where it stands."""
    row = sheet.row
    title = _("Credit note issued") if row.is_credit_note else _("Invoice issued")
    events = [Event(row.issued_on, title, day(row.issued_on), icon="invoice", amount=row.total)]
    if not row.is_credit_note and row.due_on <= today:
        events.append(Event(row.due_on, _("Due"), day(row.due_on), icon="calendar"))
    events += _reminders(session, debtor_id, row.number, zone)
    events += _movements(session, row.id)
    events += said
    events.sort(key=lambda event: event.on)
    if (last := _standing(sheet, today, pause)) is not None:
        events.append(last)
    return events


def _standing(sheet: InvoiceSheet, today: date, pause: Pause | None) -> Event | None:
    row = sheet.row
    if row.is_credit_note or row.payable_minor == 0:
        return None
    if pause is not None and pause.promised_on is not None and pause.minor >= row.payable_minor:
        on = day(pause.promised_on)
        return Event(pause.promised_on, _("Promised"), on, icon="calendar", tone="wait", amount=row.payable, ahead=True)
    if row.due_on < today:
        return Event(today, _("Still to pay"), lateness(row.due_on, today), tone="late", amount=row.payable)
    return Event(row.due_on, _("To pay"), day(row.due_on), icon="calendar", amount=row.payable, ahead=True)


def _reminders(session: Session, debtor_id: uuid.UUID, number: str, zone: Any) -> list[Event]:
    """The reminders that were sent and name this invoice."""
    rows = session.execute(
        select(Message.sent_at, Message.to_name, Message.to_address)
        .where(Message.debtor_id == debtor_id, Message.kind == "reminder", Message.status == MessageStatus.SENT)
        .where(Message.text_body.contains(number, autoescape=True))
        .order_by(Message.id)
    )
    return [
        Event(
            _day_of(row.sent_at, zone),
            _("Reminder sent"),
            day(_day_of(row.sent_at, zone)),
            icon="mail",
            text=_("To %(person)s", person=row.to_name or row.to_address),
        )
        for row in rows
        if row.sent_at is not None
    ]


def _day_of(at: datetime, zone: Any) -> date:
    return at.astimezone(zone).date()


def _movements(session: Session, invoice_id: uuid.UUID) -> list[Event]:
    """What the ledger moved on this invoice, and what a payment in flight holds of it."""
    answer = aliased(Transfer)
    other = aliased(Invoice)
    rows = session.execute(
        select(
            Transfer.kind,
            Transfer.phase,
            Transfer.amount_minor,
            Transfer.currency,
            Transfer.value_on,
            Transfer.debit_account,
            Transfer.debit_owner,
            Transfer.credit_account,
            Payment.id,
            Payment.means,
            Payment.charge_on,
            other.number,
        )
        .outerjoin(Payment, Payment.id == Transfer.payment_id)
        .outerjoin(
            other,
            or_(other.id == Transfer.debit_owner, other.id == Transfer.credit_owner) & (other.id != invoice_id),
        )
        .where(or_(Transfer.debit_owner == invoice_id, Transfer.credit_owner == invoice_id))
        .where(Transfer.kind != Kind.ISSUE, Transfer.phase != Phase.VOID)
        .where(
            ~((Transfer.phase == Phase.PENDING) & select(answer.id).where(answer.pending_id == Transfer.id).exists())
        )
        .order_by(Transfer.at, Transfer.id)
    )
    return [_told(row, invoice_id) for row in rows]


def _told(row: Any, invoice_id: uuid.UUID) -> Event:
    amount = Money(row.amount_minor, row.currency)
    shown: dict[str, Any] = {"amount": amount, "payment_id": row.id, "when": day(row.value_on)}
    if row.phase is Phase.PENDING:
        when = _("on %(day)s", day=day(row.charge_on)) if row.charge_on else day(row.value_on)
        return Event(
            row.charge_on or row.value_on,
            _("Payment on its way"),
            when,
            tone="wait",
            text=_means(row.means),
            payment_id=row.id,
            amount=amount,
            ahead=True,
        )
    reopens = row.debit_account is Account.RECEIVABLE and row.debit_owner == invoice_id
    title, tone, icon = _words(row.kind, row.means, reopens=reopens, number=row.number or "")
    return Event(row.value_on, title, tone=tone, icon=icon, **shown)


def _words(kind: Kind, means: Means | None, *, reopens: bool, number: str) -> tuple[str, str, str]:
    """Title, tone and icon of a movement."""
    if kind is Kind.CREDIT_APPLIED and number:
        if reopens:
            return _("Used for invoice %(number)s", number=number), "good", ""
        return _("Settled with credit note %(number)s", number=number), "good", ""
    if kind is Kind.WRITE_OFF and reopens:
        return _("Remitted no more: its money has come after all"), "wait", "undo"
    by = _means(means)
    known = {
        Kind.PAYMENT: (_("Paid: %(means)s", means=by) if by else _("Paid"), "good", ""),
        Kind.RECEIPT: (_("Payment received: %(means)s", means=by) if by else _("Payment received"), "good", ""),
        Kind.RECEIPT_UNDONE: (_("Payment corrected: open again"), "late", "undo"),
        Kind.LATE_FAILURE: (_("Your bank returned the payment: open again"), "late", "undo"),
        Kind.CHARGEBACK: (_("The payment was contested: open again"), "late", "undo"),
        Kind.CHARGEBACK_WON: (_("The contested payment came back"), "good", ""),
        Kind.REFUND: (_("Refunded: open again"), "wait", "undo"),
        Kind.REFUND_FAILED: (_("The refund did not go through: settled again"), "good", ""),
        Kind.CREDIT_APPLIED: (_("Settled with your credit"), "good", ""),
        Kind.CREDIT_RESTORED: (_("The credit used is gone: open again"), "late", "undo"),
        Kind.WRITE_OFF: (_("Remitted"), "good", ""),
    }
    if kind in known:
        return known[kind]
    if reopens:
        return _("Open again in our accounts"), "wait", "undo"
    return _("Settled in our accounts"), "good", ""


def _means(means: Means | None) -> str:
    return str(MEANS[means]) if means is not None else ""
