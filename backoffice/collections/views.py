"""Collections: what is announced, the runs with every decision, a try-out, and a run now."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

from flask import flash, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from backoffice import exports
from backoffice.access.member import Member
from backoffice.collections import queries
from backoffice.collections.labels import count_of, reason_word
from backoffice.labels import word
from backoffice.listing import asked
from payments.collections.models import Outcome
from payments.collections.queries import RunLine, find_run, list_runs
from payments.collections.run import run
from shared.kit import audit, outbox
from shared.kit.db import reading, transaction
from shared.kit.errors import NotFound
from shared.kit.money import Money
from shared.kit.words import gettext as _
from shared.web.pages import page, see_other

SHOWN_OF_A_TRIAL = 200


def browse(member: Member) -> ResponseReturnValue:
    """What is announced, and the last runs."""
    ask = asked("state")
    with reading() as session:
        found = queries.browse(session, member.company_id, ask)
        totals = queries.totals(session, member.company_id, ask, currency=member.desk.currency)
        runs = list_runs(session, member.company_id, limit=15)
    return page(
        "backoffice/collections/browse.html",
        ask=ask,
        found=found,
        totals=totals,
        runs=runs,
        reason_word=reason_word,
        count_of=count_of,
    )


def show(member: Member, run_id: uuid.UUID) -> ResponseReturnValue:
    """One run with every decision."""
    ask = asked("outcome", "reason")
    with reading() as session:
        line = _run(session, member, run_id)
        found = queries.decisions(session, run_id, ask)
    return page(
        "backoffice/collections/show.html",
        run=line,
        ask=ask,
        found=found,
        reason_word=reason_word,
        count_of=count_of,
        outcomes=Outcome,
    )


def export(member: Member, run_id: uuid.UUID, form: str) -> ResponseReturnValue:
    """A run's decisions as a file."""
    ask = asked("outcome", "reason")
    with reading() as session:
        line = _run(session, member, run_id)

    def rows() -> Iterator[exports.Row]:
        with reading() as session:
            for row in queries.every_decision(session, run_id, ask):
                yield (
                    row.debtor_name,
                    row.number,
                    row.due_on,
                    word(row.outcome),
                    reason_word(row.reason),
                    row.remark,
                    row.amount,
                    row.charge_on,
                )

    header = [
        _("Debtor"),
        _("Invoice"),
        _("Due"),
        _("Decision"),
        _("Reason"),
        _("Remark"),
        _("Amount"),
        _("Debit day"),
    ]
    return exports.answer(member, form, f"collections-{line.run_on.isoformat()}", header, rows, asked=request.full_path)


def try_out(member: Member) -> ResponseReturnValue:
    """What a run would decide now; nothing is written and nobody is asked."""
    report = run(member.company_id, dry=True)
    lines = [(line, Money(line.minor, member.desk.currency)) for line in report.lines[:SHOWN_OF_A_TRIAL]]
    outcomes = {outcome.value: outcome for outcome in Outcome}
    return page(
        "backoffice/collections/try_out.html",
        report=report,
        lines=lines,
        outcomes=outcomes,
        reason_word=reason_word,
        count_of=count_of,
    )


def run_now(member: Member) -> ResponseReturnValue:
    """Ask for a run now. It is the clock's own duty: asking twice is harmless."""
    with transaction() as session:
        outbox.enqueue(session, "payments.collections.run", {})
        audit.record(
            session,
            member.as_actor(),
            "collections.asked",
            subject_type="company",
            subject_id=member.company_id,
            company_id=member.company_id,
        )
    flash(_("The run begins in a moment; reload this page to see it."), "good")
    return see_other("backoffice.collections.browse")


def _run(session: Session, member: Member, run_id: uuid.UUID) -> RunLine:
    line = find_run(session, member.company_id, run_id)
    if line is None:
        raise NotFound("run.missing", _("There is no such run."))
    return line
