"""From a decision to a message: each reminder looks at its debtor again, under lock."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from backoffice.reminders.after_plan import was_reminded_by_plan
from backoffice.reminders.explain import explain, is_paid_by_hand, pays_by_debit
from backoffice.reminders.models import Reminder, ReminderStatus, ScenarioStep, Tone
from shared.access.models import LinkPurpose
from shared.company.models import Company
from shared.company.queries import today_of
from shared.debtors.models import Debtor, DebtorKind
from shared.debtors.service import lock_debtor
from shared.disputes.queries import frozen_by_invoice
from shared.invoices.models import Invoice, InvoiceKind
from shared.kit import clock, db
from shared.kit.db import transaction
from shared.kit.money import Money
from shared.kit.words import gettext as _
from shared.kit.words import ngettext
from shared.messages import service as messages
from shared.messages.models import Message

LISTED = 10
"""So many invoices stand in a mail; the rest is on the account."""


def write(reminder_id: uuid.UUID) -> None:
    """Write the messages of one reminder, or drop it with the reason. Twice is harmless."""
    with transaction() as session:
        reminder = db.lock(session, Reminder, reminder_id)
        if reminder.status is not ReminderStatus.DECIDED:
            return
        debtor = lock_debtor(session, reminder.debtor_id)
        company = session.get_one(Company, debtor.company_id)
        step = session.get_one(ScenarioStep, reminder.step_id)
        invoices = _to_remind(session, debtor, step, clock.today(company.zone))
        why_not = _why_not(debtor, invoices, clock.today(company.zone))
        if why_not is None:
            written = messages.write(
                session,
                kind="reminder",
                debtor_id=debtor.id,
                reason=lambda: _reason(step, invoices, clock.today(company.zone)),
                dedupe_key=f"reminder:{reminder.id}",
                facts={
                    **_facts(company, debtor, _tone(session, reminder, step), invoices),
                    "contested": _contested(session, debtor),
                },
                link=LinkPurpose.REMINDER,
                subject_id=reminder.id,
                at_most_once=True,
                decision=explain(session, debtor, step, invoices, clock.today(company.zone)).as_json(),
            )
            why_not = None if written else "no_address"
        reminder.status = ReminderStatus.DROPPED if why_not else ReminderStatus.WRITTEN
        reminder.dropped_why = why_not or ""
        reminder.amount_minor = sum(_free(invoice) for invoice in invoices)


def still_due(session: Session, message: Message) -> str | None:
    """The last look before a reminder leaves: why it should not, or None."""
    reminder = session.get(Reminder, message.subject_id) if message.subject_id else None
    if reminder is None:
        return None
    debtor = lock_debtor(session, reminder.debtor_id)
    today = today_of(session, debtor.company_id)
    step = session.get_one(ScenarioStep, reminder.step_id)
    invoices = _to_remind(session, debtor, step, today)
    why_not = _why_not(debtor, invoices, today)
    if why_not is None and sum(_free(invoice) for invoice in invoices) != reminder.amount_minor:
        why_not = "changed"  # what the letter says is no longer true; the next run decides anew
    if why_not is not None:
        reminder.status = ReminderStatus.DROPPED
        reminder.dropped_why = why_not
    return why_not


def _to_remind(session: Session, debtor: Debtor, step: ScenarioStep, today: date) -> list[Invoice]:
    """What a letter lists: all that is late, or for the notice also what falls due within its days; not what a debit takes."""
    found = session.scalars(
        select(Invoice)
        .where(Invoice.debtor_id == debtor.id, Invoice.open_minor > 0, Invoice.kind == InvoiceKind.INVOICE)
        .order_by(Invoice.due_on, Invoice.id)
    ).all()
    if pays_by_debit(session, debtor):
        found = [each for each in found if is_paid_by_hand(each, debtor)]
    return [each for each in found if _free(each) > 0 and (today - each.due_on).days >= min(step.offset_days, 0)]


def _free(invoice: Invoice) -> int:
    return invoice.collectable_minor


def _why_not(debtor: Debtor, invoices: list[Invoice], today: date) -> str | None:
    if not invoices:
        return "settled"
    if debtor.reminders_paused_until is not None and debtor.reminders_paused_until >= today:
        return "paused"
    if debtor.credit_minor >= sum(_free(invoice) for invoice in invoices):
        return "credit"
    return None


def _reason(step: ScenarioStep, invoices: list[Invoice], today: date) -> str:
    if step.offset_days < 0:
        return _("You receive this message because an invoice on your account falls due soon.")
    late = max((today - invoice.due_on).days for invoice in invoices)
    return ngettext(
        "You receive this message because an invoice on your account is %(n)s day past its due date.",
        "You receive this message because an invoice on your account is %(n)s days past its due date.",
        late,
    )


def _tone(session: Session, reminder: Reminder, step: ScenarioStep) -> Tone:
    """The step's tone; but nobody is told "we wrote to you before" who was never written to about something late."""
    if step.tone not in (Tone.CLEAR, Tone.FIRM):
        return step.tone
    earlier = (
        select(Reminder.id)
        .join(ScenarioStep, ScenarioStep.id == Reminder.step_id)
        .where(Reminder.debtor_id == reminder.debtor_id, Reminder.id != reminder.id)
        .where(Reminder.status == ReminderStatus.WRITTEN, ScenarioStep.offset_days >= 0)
    )
    if session.scalar(earlier.limit(1)) or session.scalar(select(was_reminded_by_plan(reminder.debtor_id))):
        return step.tone
    return Tone.KIND


def _contested(session: Session, debtor: Debtor) -> dict[str, Any] | None:
    """What is not asked for because it is disputed: the amount, and of which invoices."""
    rows = frozen_by_invoice(session, debtor.id)
    if not rows:
        return None
    total = sum(minor for _id, _number, minor in rows)
    return {"amount": Money(total, debtor.currency), "numbers": [number for _id, number, _minor in rows]}


def _facts(company: Company, debtor: Debtor, tone: Tone, invoices: list[Invoice]) -> dict[str, Any]:
    today = clock.today(company.zone)
    is_late = bool(invoices) and invoices[0].due_on < today
    return {
        "tone": tone.value if is_late else Tone.NOTICE.value,
        "total": Money(sum(_free(invoice) for invoice in invoices), debtor.currency),
        "rows": [
            {"number": each.number, "due_on": each.due_on, "open": Money(_free(each), each.currency)}
            for each in invoices[:LISTED]
        ],
        "hidden_count": max(len(invoices) - LISTED, 0),
        "credit": Money(debtor.credit_minor, debtor.currency) if debtor.credit_minor else None,
        "iban": " ".join(company.iban[i : i + 4] for i in range(0, len(company.iban), 4)),
        "is_business": debtor.kind is DebtorKind.BUSINESS,
    }
