"""The composition root: the only file that knows everybody; nothing imports it.

`wsgi:app` serves everything, `wsgi:portal` and `wsgi:backoffice` one door each (built when first asked for), and
`wsgi:cli` is the `guichet` command.
"""

from __future__ import annotations

import json
import sys
from copy import copy
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from shared.kit import clock, files, log
from shared.kit.db import Base, make_engine, use_engine
from shared.kit.errors import DomainError, NotFound, Refused
from shared.kit.settings import Settings, get_settings, use_settings

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication
    from flask import Flask

MODELS = (
    "shared.kit.audit",
    "shared.kit.seals",
    "shared.kit.limits",
    "shared.kit.drafts",
    "shared.kit.discarded",
    "shared.kit.outbox.models",
    "shared.kit.pulse",
    "shared.company.models",
    "shared.debtors.models",
    "shared.invoices.models",
    "shared.ledger.models",
    "shared.access.models",
    "shared.giving.models",
    "shared.personal.models",
    "shared.documents.models",
    "shared.attachments.models",
    "shared.messages.models",
    "shared.disputes.models",
    "shared.promises.models",
    "payments.models",
    "payments.payouts.models",
    "payments.chargebacks.models",
    "payments.webhooks.models",
    "payments.collections.models",
    "payments.plans.models",
    "payments.reconcile.models",
    "payments.declarations.models",
    "backoffice.access.models",
    "backoffice.disputes.models",
    "backoffice.imports.models",
    "backoffice.reminders.models",
    "backoffice.replies.models",
    "backoffice.notices.models",
)
"""Every module with tables: what Alembic compares the database with."""

JOBS: tuple[str, ...] = (
    "shared.personal.jobs",
    "shared.documents.jobs",
    "shared.attachments.jobs",
    "shared.messages.jobs",
    "shared.disputes.jobs",
    "shared.promises.jobs",
    "payments.webhooks.jobs",
    "payments.cards.jobs",
    "payments.mandates.jobs",
    "payments.receipts.jobs",
    "payments.collections.jobs",
    "payments.collections.reconsider",
    "payments.collections.withdraw",
    "payments.chargebacks.jobs",
    "payments.refunds.jobs",
    "payments.declarations.jobs",
    "payments.plans.jobs",
    "payments.reconcile.jobs",
    "portal.access.jobs",
    "backoffice.access.jobs",
    "portal.choose.jobs",
    "backoffice.imports.jobs",
    "backoffice.reminders.jobs",
    "backoffice.notices.jobs",
    "backoffice.handover.jobs",
    "backoffice.setup.jobs",
)
"""Every module with jobs, subscriptions and duties."""

PERSONAL: tuple[str, ...] = (
    "shared.personal.own",
    "shared.personal.people",
    "shared.access.personal",
    "shared.invoices.personal",
    "shared.documents.personal",
    "shared.messages.personal",
    "shared.disputes.personal",
    "shared.promises.personal",
    "payments.personal",
    "payments.declarations.personal",
    "payments.plans.personal",
    "payments.webhooks.personal",
    "backoffice.access.personal",
    "backoffice.notices.personal",
    "backoffice.imports.personal",
)
"""Every module that says what its room holds about persons."""


def metadata() -> Any:
    """All tables."""
    for name in MODELS:
        import_module(name)
    return Base.metadata


def import_jobs() -> None:
    """Make all jobs, subscriptions and duties known to this process."""
    for name in JOBS:
        import_module(name)


def import_personal() -> None:
    """Make every kind of personal data known to this process."""
    for name in PERSONAL:
        import_module(name)


def prepare(settings: Settings | None = None) -> Settings:
    """Connect this process to its database, files, clock and jobs; the same for web, worker, clock and commands."""
    from shared.kit.family import settings_here
    from shared.kit.servers import resolve

    settings = settings or settings_here()
    use_settings(settings)
    log.configure(settings.log_level)
    metadata()
    import_jobs()
    import_personal()
    use_engine(make_engine(resolve(settings).database_url))
    files.use_store(files.FileStore(settings.var_dir / "files"))
    if settings.is_demo:
        clock.set_clock(clock.OffsetClock(settings.clock_file))
    return settings


def build_portal(settings: Settings) -> Flask:
    """The debtors' door, which also takes the providers' webhooks and answers for the installation's health."""
    import payments
    import portal as door
    from payments.gateways.choose import hosted_pages
    from shared.web.app import build

    import_personal()
    app = build("portal", settings, cookie="guichet", form_targets=hosted_pages(settings))
    payments.register(app, settings)
    door.register(app, settings)
    return app


def build_backoffice(settings: Settings) -> Flask:
    """The staff's door."""
    import backoffice as door
    from shared.web.app import build

    import_personal()
    app = build("backoffice", settings, cookie="guichet_desk")
    door.register(app, settings)
    return app


def build_app(settings: Settings) -> WSGIApplication:
    """Both doors in one: the back-office below /backoffice."""
    from werkzeug.middleware.dispatcher import DispatcherMiddleware

    return DispatcherMiddleware(build_portal(settings), {"/backoffice": build_backoffice(settings)})


_BUILDERS = {"app": build_app, "portal": build_portal, "backoffice": build_backoffice}


def __getattr__(name: str) -> Any:
    """Build a door when a server first asks for it."""
    if name in _BUILDERS:
        globals()[name] = _BUILDERS[name](prepare())
        return globals()[name]
    raise AttributeError(name)


COMMANDS = {
    "collections": "payments.collections.commands:collections",
    "plans": "payments.plans.commands:plans",
    "verify": "payments.reconcile.commands:verify",
    "webhooks": "payments.reconcile.commands:webhooks",
    "import": "backoffice.imports.commands:import_group",
    "reminders": "backoffice.reminders.commands:reminders",
    "staff": "backoffice.access.commands:staff",
    "personal": "backoffice.personal.commands:personal",
    "correct": "backoffice.system.commands:correct",
}
"""The rooms' own command groups, imported when first asked for; they run in a prepared process."""


class Commands(click.Group):
    """Finds the rooms' commands, and says a refusal in one line instead of a trace."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *COMMANDS})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        path = COMMANDS.get(cmd_name)
        if path is None:
            return super().get_command(ctx, cmd_name)
        module, _colon, name = path.partition(":")
        group: click.Command = getattr(import_module(module), name)
        if isinstance(group, click.Group):
            group.callback = _prepare_quietly
            return group
        return _prepared(group)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except DomainError as error:
            click.echo(f"guichet: {error.message}", err=True)
            ctx.exit(2)


def _prepare_quietly() -> None:
    if not {"-h", "--help"} & set(sys.argv):  # help is for those, too, who have not set anything yet
        prepare()


def _prepared(command: click.Command) -> click.Command:
    """The command, in a prepared process."""
    prepared = copy(command)
    act = command.callback

    def call(*values: Any, **options: Any) -> Any:
        prepare()
        return act(*values, **options) if act else None

    prepared.callback = call
    return prepared


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Guichet: the counter where one pays."""


@cli.group()
def db() -> None:
    """The database."""


@db.command("upgrade")
@click.option("--to", default="head", show_default=True)
def db_upgrade(to: str) -> None:
    """Bring the database to the newest shape."""
    from shared.kit import schema

    prepare()
    schema.upgrade(metadata(), to)


@db.command("revision", hidden=True)
@click.argument("name")
def db_revision(name: str) -> None:
    """Write a migration from the difference between models and database (developers)."""
    from shared.kit import schema

    prepare()
    click.echo(schema.revision(metadata(), name))


@cli.command()
@click.option("--queue", "queues", multiple=True, help="now, soon or night; each queue gets a process of its own")
@click.option("--burst", is_flag=True, help="stop when nothing is left")
def worker(queues: tuple[str, ...], *, burst: bool) -> None:
    """Do the work that is due."""
    from shared.kit import jobs
    from shared.kit import worker as work
    from shared.kit.servers import resolve

    settings = prepare()
    redis_url = resolve(settings).redis_url
    wanted = queues or jobs.QUEUES
    if len(wanted) == 1:
        work.run_worker(redis_url, wanted[0], burst=burst)
    else:
        work.run_workers(redis_url, wanted, burst=burst)


@cli.command("clock")
def run_clock() -> None:
    """Ring for due messages, and derive from the data what is due today."""
    from shared.kit import worker as work
    from shared.kit.servers import resolve

    settings = prepare()
    work.Clock(resolve(settings).redis_url).run()


@cli.command()
@click.option(
    "--port", default=8000, show_default=True, help="the portal and back-office; twins and mail on the next two"
)
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--seed", "only_seed", is_flag=True, hidden=True)
def demo(port: int, host: str, *, only_seed: bool) -> None:
    """Run everything on this machine against the twins, with a seeded world; Ctrl-C stops it all."""
    if only_seed:
        _seed_demo()
        return
    from backoffice.demo.look import refuse_foreign
    from backoffice.demo.seed import CREDITOR_ICS, CREDITOR_NAME
    from shared.kit.family import demo_settings, guichet_family

    settings = demo_settings(port, host=host)
    creditor = ["--creditor-name", CREDITOR_NAME, "--creditor-ics", CREDITOR_ICS]
    announce = partial(_announce, settings, port)
    family = guichet_family(settings, port, host=host, announce=announce, creditor=creditor, look=refuse_foreign)
    sys.exit(family.run())


DEMO_PASSWORD = "guichet-demo"  # noqa: S105 - printed on purpose; the demo's doors lead to made-up money


def _seed_demo() -> None:
    from backoffice.demo.seed import seed
    from shared.kit import schema

    if not prepare().is_demo:
        raise Refused("demo.only", "The demo's world is made in the demo only.")
    schema.upgrade(metadata())
    made = seed(password=DEMO_PASSWORD)
    click.echo(f"seeded {made.debtor_count} debtors" if made.is_new else "the world is there")


def _announce(settings: Settings, port: int) -> None:
    from backoffice.demo.seed import STAFF

    prepare(settings)
    link = _a_link("411VIDAL", "dora@librairie-vidal.example")
    twins = settings.twin_control_url or ""
    names = "\n".join(f"                 {email:<38} {DEMO_PASSWORD}   ({role.value})" for email, _name, role in STAFF)
    click.echo(
        f"""
  Guichet is open.

    Portal       {link}
    Back-office  {settings.public_url}/backoffice/
{names}
    Mail inbox   {twins.removesuffix("/_twin/")}/inbox/
    Time, twins  {twins}   (press "next day" and watch)

    Ctrl-C stops everything. Port {port}; data in {settings.var_dir}.
"""
    )


def _a_link(debtor_code: str, email: str) -> str:
    from sqlalchemy import select

    from shared.access.models import LinkPurpose
    from shared.access.service import make_link
    from shared.debtors.models import Contact, Debtor, DebtorContact
    from shared.kit.db import transaction

    with transaction() as session:
        row = session.execute(
            select(Debtor.id, Contact.id)
            .join(DebtorContact, DebtorContact.debtor_id == Debtor.id)
            .join(Contact, Contact.id == DebtorContact.contact_id)
            .where(Debtor.account_code == debtor_code, Contact.email == email.lower())
            .where(DebtorContact.removed_at.is_(None))
        ).first()
        if row is None:
            raise NotFound("access.missing", f"{email} does not act for {debtor_code}")
        token = make_link(session, debtor_id=row[0], contact_id=row[1], purpose=LinkPurpose.STAFF)
    return f"{get_settings().public_url}/l/{token}"


@cli.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8001, show_default=True)
@click.option("--smtp-port", default=8002, show_default=True)
def twins(host: str, port: int, smtp_port: int) -> None:
    """Run only the twins of Stripe and GoCardless, with their inbox and control page (never beside live keys)."""
    from payments.twins.server import serve
    from shared.kit.family import settings_here

    settings = settings_here()
    if settings.uses_live_keys or settings.mode == "production":
        raise Refused("twins.production", "The twins belong to the demo: GUICHET_MODE is production.")
    secrets = {
        name: value.get_secret_value()
        for name in ("stripe_api_key", "stripe_webhook_secret", "gocardless_access_token", "gocardless_webhook_secret")
        if (value := getattr(settings, name)) is not None
    }
    serve(host, port, smtp_port, state_dir=settings.var_dir / "twins", app_url=settings.public_url, **secrets)


@cli.group()
def access() -> None:
    """Debtors' ways in."""


@access.command("link")
@click.argument("debtor")
@click.option("--contact", required=True, help="the person's e-mail address")
@click.option("--json", "as_json", is_flag=True, help="for programs")
def access_link(debtor: str, contact: str, *, as_json: bool) -> None:
    """Make a magic link for a person who acts for DEBTOR (its account code), and print it once."""
    prepare()
    link = _a_link(debtor, contact)
    say({"link": link}, as_json=as_json, lines=[link])


def say(report: dict[str, Any], *, as_json: bool, lines: list[str]) -> None:
    """Print a report for people, or for programs."""
    click.echo(json.dumps(report, ensure_ascii=False, default=str, indent=2) if as_json else "\n".join(lines))


if __name__ == "__main__":
    sys.exit(cli())
