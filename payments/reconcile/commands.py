"""`guichet verify`, and the operator's hand on webhooks."""

from __future__ import annotations

import json
import uuid

import click

from payments.gateways.choose import providers_in_use
from payments.reconcile.catch_up import catch_up
from payments.reconcile.remedies import cause_of
from payments.reconcile.sweep import sweep
from payments.reconcile.verify import verify as prove
from payments.webhooks import queries
from payments.webhooks.models import EventState
from payments.webhooks.receive import replay as replay_event
from shared.kit.actors import Actor
from shared.kit.db import reading, transaction


@click.command("verify")
@click.option("--local", is_flag=True, help="compare our own books only, ask no provider")
@click.option("--json", "as_json", is_flag=True, help="for programs")
@click.pass_context
def verify(context: click.Context, *, local: bool, as_json: bool) -> None:
    """Prove that the ledger equals the providers to the cent, and every cached amount the ledger."""
    proof = prove(with_providers=not local)
    if as_json:
        click.echo(json.dumps(proof.as_json(), indent=2))
    else:
        for name, count in sorted(proof.compared.items()):
            click.echo(f"  {count:>9,} {name}")
        for name, pair in proof.totals.items():
            click.echo(f"  {name}: provider {pair['provider']:,}, ledger {pair['ledger']:,} (minor units)")
        for difference in proof.differences:
            click.echo(f"  DIFFERENCE {difference}")
            click.echo(f"    likely: {cause_of(difference.check)}")
        click.echo(f"{len(proof.differences)} differences")
    if not proof.is_clean:
        context.exit(1)


@click.group()
def webhooks() -> None:
    """News from the providers."""


@webhooks.command("list")
@click.option("--state", type=click.Choice([state.value for state in EventState]))
def list_events(state: str | None) -> None:
    """The latest events."""
    with reading() as session:
        for line in queries.list_events(session, state=EventState(state) if state else None):
            click.echo(f"{line.id}  {line.state.value:<8} {line.kind:<40} {line.event_id}  {line.remark}")


@webhooks.command("replay")
@click.argument("event_id", type=click.UUID)
def replay(event_id: uuid.UUID) -> None:
    """Handle an event once more."""
    with transaction() as session:
        event = replay_event(session, event_id, by=Actor.system("command line"))
        click.echo(f"{event.kind} will be handled again")


@webhooks.command("catch-up")
def catch_up_now() -> None:
    """List the events that no webhook brought, and ask about everything that is without news."""
    for provider in providers_in_use():
        click.echo(f"{provider.value}: {catch_up(provider)} events that no webhook brought")
    swept = sweep()
    click.echo(f"{swept.asked} asked, {swept.unanswered} unanswered, {swept.contradicted} contradicted")
