"""Queue entry points of reminders, and the clock's duty."""

import uuid
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from backoffice.reminders import run, write
from backoffice.reminders.after_plan import resume_after
from backoffice.reminders.models import ReminderRun, RunStatus
from backoffice.reminders.rules import is_sending_time
from shared.company.models import Company
from shared.kit import clock, outbox
from shared.kit.calendars import is_working_day
from shared.kit.db import transaction
from shared.kit.jobs import duty, job, on
from shared.messages.last_look import before_sending

before_sending("reminder")(write.still_due)


@duty(every=timedelta(minutes=10))
@job("reminders.knock", queue="night", exclusive=True)
def knock(_payload: dict[str, Any]) -> None:
    """Ask for today's run of each company whose sending hours have begun. Twice is safe: a day has one run."""
    with transaction() as session:
        for company in session.scalars(select(Company).where(Company.reminds)):
            today = clock.today(company.zone)
            local = run.local_time(company.zone)
            if not is_sending_time(
                local, company.sends_from, company.sends_until, is_working_day=is_working_day(today)
            ):
                continue
            is_done = session.scalar(
                select(ReminderRun.id).where(
                    ReminderRun.company_id == company.id,
                    ReminderRun.run_on == today,
                    ReminderRun.status == RunStatus.DONE,
                )
            )
            if is_done is None:
                payload = {"company_id": str(company.id), "run_on": today.isoformat()}
                outbox.enqueue(session, "reminders.run", payload, dedupe_key=f"{company.id}:{today}:{clock.now()}")


@job("reminders.run", queue="night", timeout_s=900, exclusive=True)
def run_day(payload: dict[str, Any]) -> None:
    """Run one company's day. Twice is safe: the run resumes at its cursor, and one that is done stays done."""
    with transaction() as session:
        company = session.get_one(Company, uuid.UUID(payload["company_id"]))
        if clock.today(company.zone).isoformat() != payload["run_on"]:
            return  # knocked before midnight, heard after it: today has a run of its own
    run.run(uuid.UUID(payload["company_id"]))


@job("reminders.write", queue="soon", timeout_s=300)
def write_some(payload: dict[str, Any]) -> None:
    """Write the messages of some reminders. Twice is safe: a reminder that is written or dropped is left alone."""
    write.write_some([uuid.UUID(identity) for identity in payload["reminder_ids"]])


@on("plan.defaulted")
@job("reminders.after_plan")
def after_plan(payload: dict[str, Any]) -> None:
    """Let the ladder go on where the policy says. Twice is safe: an invoice stands on a rung once."""
    with transaction() as session:
        resume_after(session, uuid.UUID(payload["id"]))
