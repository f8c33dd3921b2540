"""`guichet reminders`."""

from __future__ import annotations

import json
from datetime import datetime

import click
from sqlalchemy import select

from backoffice.reminders.run import Report
from backoffice.reminders.run import run as run_day
from shared.company.models import Company
from shared.company.service import get_company
from shared.kit.db import reading


@click.group()
def reminders() -> None:
    """Reminders by the company's scenario."""


@reminders.command("run")
@click.option("--on", "on", type=click.DateTime(["%Y-%m-%d"]), help="the day to decide for; today unless given")
@click.option("--company", "code", help="one company by its short name; all unless given")
@click.option("--dry-run", is_flag=True, help="decide and tell, write nothing")
@click.option("--json", "as_json", is_flag=True, help="for programs")
def run(on: datetime | None, code: str | None, *, dry_run: bool, as_json: bool) -> None:
    """Decide for every debtor who has something open, and write the reminders that are due."""
    with reading() as session:
        chosen = [get_company(session, code)] if code else list(session.scalars(select(Company).order_by(Company.code)))
        companies = [(company.id, company.code) for company in chosen]
    day = on.date() if on else None
    reports = {name: run_day(company_id, run_on=day, dry=dry_run) for company_id, name in companies}
    if as_json:
        click.echo(json.dumps({name: _as_json(report) for name, report in reports.items()}, indent=2))
        return
    for name, report in reports.items():
        kind = "dry run" if report.is_dry else "run"
        click.echo(
            f"{name}: {kind} of {report.run_on}: {report.considered_count} considered, {report.reminded_count} to remind"
        )
        for outcome, count in sorted(report.reasons.items(), key=lambda pair: -pair[1]):
            click.echo(f"  {outcome:<12} {count:>8}")


def _as_json(report: Report) -> dict[str, object]:
    return {
        "run_on": report.run_on.isoformat(),
        "dry_run": report.is_dry,
        "considered": report.considered_count,
        "reminded": report.reminded_count,
        "reasons": dict(report.reasons),
        "decisions": report.lines,
    }
