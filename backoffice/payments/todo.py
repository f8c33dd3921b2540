"""What payments ask of a person."""

from __future__ import annotations

from datetime import timedelta

from flask import url_for
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backoffice.access.member import Member
from backoffice.todo import Part, Task
from payments.models import Payment, Refund
from payments.status import PaymentStatus, RefundStatus
from shared.kit import clock
from shared.kit.money import Money
from shared.kit.words import gettext as _
from shared.ledger.models import Account, Transfer

RECENT = timedelta(days=30)


def _alarms(session: Session, member: Member) -> list[Task]:
    """Losses that were booked, and debits that a bank takes for a second one: neither is booked in silence."""
    since = clock.now() - RECENT
    lost = session.execute(
        select(func.count(Transfer.payment_id.distinct()), func.coalesce(func.sum(Transfer.amount_minor), 0)).where(
            Transfer.company_id == member.company_id, Transfer.debit_account == Account.LOSS, Transfer.at >= since
        )
    ).one()
    twice = session.scalar(
        select(func.count()).where(
            Payment.company_id == member.company_id,
            Payment.failure_code == "AM05",
            Payment.created_at >= since - RECENT,
        )
    )
    tasks = []
    if lost[0]:
        tasks.append(
            Task(
                _("Losses: the bank took more back than was left"),
                url_for("backoffice.payments.browse", state="lost"),
                lost[0],
                "payments.read",
                tone="late",
                icon="late",
                note=_("in the last 30 days; to be claimed with a new invoice, or let be"),
                amount=Money(int(lost[1]), member.desk.currency),
            )
        )
    if twice:
        tasks.append(
            Task(
                _("Debited twice, says the bank"),
                url_for("backoffice.payments.browse", state="twice"),
                int(twice),
                "payments.read",
                tone="late",
                icon="late",
                note=_("look at once: the same money must not be taken again"),
            )
        )
    return tasks


def contribute(session: Session, member: Member) -> Part:
    """Money that went back lately, debits that failed, refunds that wait for a second person."""
    currency, since = member.desk.currency, clock.now() - RECENT
    tasks = []
    mine = (Payment.company_id == member.company_id, Payment.created_at >= since - RECENT)
    back = session.execute(
        select(func.count(), func.coalesce(func.sum(Payment.amount_minor), 0)).where(
            *mine,
            Payment.status.in_((PaymentStatus.FAILED, PaymentStatus.CHARGED_BACK)),
            Payment.confirmed_at >= since,
        )
    ).one()
    if back[0]:
        tasks.append(
            Task(
                _("Payments that went back"),
                url_for("backoffice.payments.browse", state="returned"),
                back[0],
                "payments.read",
                tone="late",
                icon="undo",
                note=_("in the last 30 days; their invoices are open again"),
                amount=Money(int(back[1]), currency),
            )
        )
    failed = session.execute(
        select(func.count(), func.coalesce(func.sum(Payment.amount_minor), 0)).where(
            Payment.company_id == member.company_id,
            Payment.status == PaymentStatus.FAILED,
            Payment.confirmed_at.is_(None),
            Payment.created_at >= since,
        )
    ).one()
    if failed[0]:
        tasks.append(
            Task(
                _("Payments that failed"),
                url_for("backoffice.payments.browse", state="failed"),
                failed[0],
                "payments.read",
                tone="info",
                icon="late",
                note=_("in the last 30 days"),
                amount=Money(int(failed[1]), currency),
            )
        )
    tasks += _alarms(session, member)
    asked = session.execute(
        select(func.count(), func.coalesce(func.sum(Refund.amount_minor), 0))
        .join(Payment, Payment.id == Refund.payment_id)
        .where(Payment.company_id == member.company_id, Refund.status == RefundStatus.ASKED)
    ).one()
    if asked[0]:
        tasks.append(
            Task(
                _("Refunds to approve"),
                url_for("backoffice.payments.browse", state="refund_asked"),
                asked[0],
                "refunds.ask",
                icon="undo",
                note=_("by somebody else than who asked"),
                amount=Money(int(asked[1]), currency),
            )
        )
    return Part(tuple(tasks))
