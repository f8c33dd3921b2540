"""`guichet collections`."""

from __future__ import annotations

import json
from datetime import datetime

import click
from sqlalchemy import select

from payments.collections.run import Report
from payments.collections.run import run as run_day
from shared.company.models import Company
from shared.company.service import get_company
from shared.kit.db import reading
from shared.kit.money import Money, format_money


@click.group()
def collections() -> None:
    """Automatic collection by SEPA direct debit on the due date."""


@collections.command("run")
@click.option("--on", "on", type=click.DateTime(["%Y-%m-%d"]), help="the day to decide for; today unless given")
@click.option("--company", "code", help="one company by its short name; all unless given")
@click.option("--dry-run", is_flag=True, help="decide and tell; write nothing, ask nobody")
@click.option("--json", "as_json", is_flag=True, help="for programs")
def run(on: datetime | None, code: str | None, *, dry_run: bool, as_json: bool) -> None:
    """Announce the debits whose notice is due, and make those whose day has come."""
    with reading() as session:
        chosen = [get_company(session, code)] if code else list(session.scalars(select(Company).order_by(Company.code)))
        companies = [company.id for company in chosen]
    reports = [run_day(company_id, on=on.date() if on else None, dry=dry_run) for company_id in companies]
    if as_json:
        click.echo(json.dumps([report.as_json() for report in reports], ensure_ascii=False, indent=2))
        return
    for report in reports:
        _say(report)


def _say(report: Report) -> None:
    kind = "dry run" if report.is_dry else "run"
    click.echo(f"{report.company}: {kind} of {report.run_on}, {len(report.lines)} invoices decided")
    for name, count in sorted(report.counts.items(), key=lambda pair: (-pair[1], pair[0])):
        click.echo(f"  {count:>6}  {name}")
    for line in report.lines:
        money = format_money(Money(line.minor), "en")
        day = f" on {line.charge_on}" if line.charge_on else ""
        click.echo(f"  {line.debtor:<16} {line.invoice:<20} {money:>14}  {line.outcome}{day} ({line.reason})")
    if not report.is_whole:
        click.echo("  The provider does not answer: the rest follows with the next run.")
