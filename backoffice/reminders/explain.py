"""Why a reminder asks for this and not for that: kept with the message, shown to whoever got it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from backoffice.reminders.models import ScenarioStep
from payments.collections.outlook import Outlook, is_debited
from shared.invoices.models import Freeze, Invoice
from shared.kit.money import Money
from shared.kit.words import gettext as _
from shared.kit.words import ngettext
from shared.messages.decision import Decision, LeftOut, Listed, Omission


def explain(
    session: Session,
    step: ScenarioStep,
    *,
    asked: Sequence[Invoice],
    open_ones: Sequence[Invoice],
    by_debit: Outlook,
    today: date,
) -> Decision:
    """The decision behind a reminder that asks for some of a debtor's open invoices (the oldest first)."""
    return Decision(
        decided_on=today,
        offset_days=step.offset_days,
        listed=[Listed(each.number, each.due_on, Money(each.collectable_minor, each.currency)) for each in asked],
        left_out=list(_left_out(session, step, open_ones, by_debit=by_debit, today=today)),
    )


def reason_of(days_late: int) -> str:
    """Why somebody is reminded of what is so many days late (negative: due in so many days), in the language of the moment."""
    if days_late < 0:
        return _("You receive this message because an invoice on your account falls due soon.")
    if days_late == 0:
        return _("You receive this message because an invoice on your account falls due today.")
    return ngettext(
        "You receive this message because an invoice on your account is %(n)s day past its due date.",
        "You receive this message because an invoice on your account is %(n)s days past its due date.",
        days_late,
    )


def _left_out(
    session: Session,
    step: ScenarioStep,
    open_ones: Sequence[Invoice],
    *,
    by_debit: Outlook,
    today: date,
) -> Iterator[LeftOut]:
    for invoice in open_ones:
        if (today - invoice.due_on).days < min(step.offset_days, 1):
            yield LeftOut(invoice.number, Money(invoice.open_minor, invoice.currency), Omission.NOT_DUE)
            continue
        if invoice.collectable_minor and is_debited(by_debit, invoice.id):
            yield LeftOut(invoice.number, Money(invoice.collectable_minor, invoice.currency), Omission.BY_DEBIT)
        if invoice.held_minor:
            yield LeftOut(invoice.number, Money(invoice.held_minor, invoice.currency), Omission.IN_FLIGHT)
        left = invoice.open_minor - invoice.held_minor
        if invoice.frozen_minor or invoice.paused_minor:
            freezes = session.scalars(
                select(Freeze).where(Freeze.invoice_id == invoice.id, Freeze.lifted_at.is_(None)).order_by(Freeze.id)
            )
            for freeze in freezes:  # two may cover the same money; nobody is told more than what is open
                minor = min(freeze.amount_minor, left)
                left -= minor
                if minor > 0:
                    yield LeftOut(invoice.number, Money(minor, invoice.currency), Omission(freeze.kind.value))
