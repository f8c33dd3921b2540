"""Where reminders go on when a payment plan has come to its default."""

from __future__ import annotations

import uuid

from sqlalchemy import ColumnElement, exists, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from backoffice.reminders.models import Reminder, ReminderInvoice, ScenarioChoice
from backoffice.reminders.scenarios.queries import policies
from payments.plans.models import Plan, PlanItem
from payments.plans.rules import ResumesAt
from payments.plans.status import PlanStatus
from shared.debtors import affairs
from shared.invoices.models import Invoice
from shared.kit.ids import new_id


def resume_after(session: Session, plan_id: uuid.UUID) -> int:
    """Let the invoices of a plan in default stand right below the last rung of the debtor's ladder; gives how many.

    Only when the policy wants the last rung next; else they climb on from where they stood. The plan's own reminders were the
    rungs between, so the memory of these rungs names the plan where a reminder's is. Safe to do twice.
    """
    plan = affairs.lock(session, Plan, plan_id)
    if plan.status is not PlanStatus.IN_DEFAULT or plan.resumes_at is not ResumesAt.FORMAL_STEP:
        return 0
    chosen = session.scalar(select(ScenarioChoice.scenario_id).where(ScenarioChoice.debtor_id == plan.debtor_id))
    below = [step for step in policies(session, plan.company_id).of(chosen).steps if step.offset_days >= 0][:-1]
    if not below:
        return 0
    invoices = session.scalars(
        select(PlanItem.invoice_id)
        .join(Invoice, Invoice.id == PlanItem.invoice_id)
        .where(PlanItem.plan_id == plan_id, Invoice.open_minor > 0)
        .where(
            ~exists().where(
                ReminderInvoice.invoice_id == Invoice.id, ReminderInvoice.offset_days >= below[-1].offset_days
            )
        )
        .order_by(PlanItem.position)
    ).all()
    for invoice_id in invoices:
        session.execute(
            insert(ReminderInvoice)
            .values(
                id=new_id(),
                reminder_id=plan_id,
                invoice_id=invoice_id,
                step_id=below[-1].id,
                offset_days=below[-1].offset_days,
            )
            .on_conflict_do_nothing(index_elements=["invoice_id", "step_id"])
        )
    return len(invoices)


def was_reminded_by_plan(debtor_id: uuid.UUID) -> ColumnElement[bool]:
    """Whether a debtor was reminded of instalments in place of rungs of his ladder."""
    return exists().where(
        ReminderInvoice.invoice_id == Invoice.id,
        Invoice.debtor_id == debtor_id,
        ReminderInvoice.reminder_id.in_(select(Plan.id).where(Plan.debtor_id == debtor_id)),
        ReminderInvoice.reminder_id.not_in(select(Reminder.id).where(Reminder.debtor_id == debtor_id)),
    )
