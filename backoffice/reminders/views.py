"""Reminders: the runs, each decision with its reason, a try-out, and a run now."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

from flask import flash, request
from flask.typing import ResponseReturnValue

from backoffice import exports
from backoffice.access.member import Member
from backoffice.listing import asked
from backoffice.reminders import labels, pages
from backoffice.reminders.rules import Outcome
from backoffice.reminders.run import run
from backoffice.reminders.scenarios.queries import scenarios
from shared.kit import audit, outbox
from shared.kit.db import reading, transaction
from shared.kit.money import Money
from shared.kit.words import gettext as _
from shared.web.forms import parse_day
from shared.web.pages import page, see_other

SHOWN_OF_A_TRIAL = 200


def browse(member: Member) -> ResponseReturnValue:
    """The runs, and the ladder."""
    ask = asked()
    with reading() as session:
        found = pages.runs(session, member.company_id, ask)
        ladders = scenarios(session, member.company_id, member.desk.currency)
    return page("backoffice/reminders/browse.html", ask=ask, found=found, ladders=ladders, labels=labels)


def show(member: Member, run_id: uuid.UUID) -> ResponseReturnValue:
    """One run with every decision."""
    ask = asked("outcome")
    with reading() as session:
        one = pages.get_run(session, member.company_id, run_id)
        found = pages.decisions(session, one, ask)
    return page("backoffice/reminders/show.html", run=one, ask=ask, found=found, labels=labels)


def export(member: Member, run_id: uuid.UUID, form: str) -> ResponseReturnValue:
    """A run's decisions as a file."""
    ask = asked("outcome")
    with reading() as session:
        one = pages.get_run(session, member.company_id, run_id)

    def rows() -> Iterator[exports.Row]:
        with reading() as session:
            for row in pages.every_decision(session, one, ask):
                yield (
                    row.account_code,
                    row.name,
                    labels.outcome_word(row.outcome),
                    row.step_offset,
                    row.amount,
                    row.invoice_count,
                    str(labels.STATES[row.reminder][0]) if row.reminder else "",
                    row.dropped_why or row.detail,
                )

    header = [
        _("Account"),
        _("Debtor"),
        _("Decision"),
        _("Step"),
        _("Amount"),
        _("Invoices"),
        _("Reminder"),
        _("Remark"),
    ]
    return exports.answer(member, form, f"reminders-{one.run_on.isoformat()}", header, rows, asked=request.full_path)


def try_out(member: Member) -> ResponseReturnValue:
    """What a run of a day would decide; nothing is written. Those who would be reminded come first."""
    try:
        day = parse_day(request.args.get("day", "").strip(), member.today)
    except ValueError:
        day = member.today
    report = run(member.company_id, run_on=day, dry=True)
    only = request.args.get("outcome", "")
    lines = [line for line in report.lines if not only or line["outcome"] == only]
    lines.sort(key=lambda line: (line["outcome"] != Outcome.REMIND.value, line["outcome"], -line["amount_minor"]))
    shown = lines[:SHOWN_OF_A_TRIAL]
    with reading() as session:
        names = pages.names(session, member.company_id, [uuid.UUID(line["debtor_id"]) for line in shown])
    rows = [
        {
            **line,
            "name": names.get(uuid.UUID(line["debtor_id"]), ""),
            "amount": Money(line["amount_minor"], member.desk.currency),
        }
        for line in shown
    ]
    return page(
        "backoffice/reminders/try_out.html",
        report=report,
        rows=rows,
        count=len(lines),
        only=only,
        day=day,
        labels=labels,
    )


def run_now(member: Member) -> ResponseReturnValue:
    """Ask for today's run now. A day has one run: asking twice goes on with it."""
    with transaction() as session:
        payload = {"company_id": str(member.company_id), "run_on": member.today.isoformat()}
        outbox.enqueue(session, "reminders.run", payload)
        audit.record(
            session,
            member.as_actor(),
            "reminders.asked",
            subject_type="company",
            subject_id=member.company_id,
            company_id=member.company_id,
            after={"day": member.today.isoformat()},
        )
    flash(_("The run begins in a moment; reload this page to see it."), "good")
    return see_other("backoffice.reminders.browse")
