"""`guichet plans`."""

from __future__ import annotations

import json
from datetime import datetime

import click

from payments.plans.follow import follow_all
from shared.kit.money import Money, format_money


@click.group()
def plans() -> None:
    """Payment plans: instalments announced, reminded, and what becomes of those that are missed."""


@plans.command("run")
@click.option("--on", "on", type=click.DateTime(["%Y-%m-%d"]), help="the day to look from; today unless given")
@click.option("--dry-run", is_flag=True, help="decide and tell; write nothing")
@click.option("--json", "as_json", is_flag=True, help="for programs")
def run(on: datetime | None, *, dry_run: bool, as_json: bool) -> None:
    """Follow every plan. Debits of instalments are made by `guichet collections run`."""
    report = follow_all(on=on.date() if on else None, dry=dry_run)
    if as_json:
        click.echo(json.dumps(report.as_json(), ensure_ascii=False, indent=2))
        return
    click.echo(f"{'dry run' if report.is_dry else 'run'}: {report.debtor_count} debtors with plans")
    for name, count in sorted(report.counts.items()):
        click.echo(f"  {count:>6}  {name}")
    for line in report.lines:
        day = f"  until {line.on}" if line.on else ""
        click.echo(f"  {line.plan:<18} {line.act:<10} {format_money(Money(line.minor), 'en'):>14}{day}")
