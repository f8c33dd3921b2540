"""`guichet staff`: the first people at the desk, before there is a desk to add them at."""

from __future__ import annotations

import json

import click
from sqlalchemy import select
from sqlalchemy.orm import Session

from backoffice.access import passwords, queries, service
from backoffice.access.permissions import Role
from backoffice.access.tell import tell_administrators
from shared.company.models import Company
from shared.debtors.service import normalise_email
from shared.kit import outbox
from shared.kit.actors import Actor
from shared.kit.db import reading, transaction
from shared.kit.errors import NotFound
from shared.kit.settings import get_settings
from shared.kit.words import gettext as _

BY = Actor.system("command line")


@click.group("staff")
def staff() -> None:
    """Who works at the desk."""


@staff.command("add")
@click.argument("email")
@click.option("--name", default="", help="how colleagues call this person")
@click.option("--role", type=click.Choice([role.value for role in Role]), default=Role.ADMIN.value, show_default=True)
@click.option("--language", type=click.Choice(["fr", "en"]), default="fr", show_default=True)
@click.option(
    "--ask-password",
    is_flag=True,
    help="type one here; left out, a link to choose one is mailed, or printed while no mail can be sent",
)
@click.option("--json", "as_json", is_flag=True)
def add(email: str, name: str, role: str, language: str, *, ask_password: bool, as_json: bool) -> None:
    """Let EMAIL work at the desk."""
    # Never a word of the command line: everybody on the machine can read those, and shells keep them.
    password = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True) if ask_password else ""
    hashed = passwords.choose(password, known=(email, name)) if password else ""
    link = ""
    with transaction() as session:
        member = service.add_member(
            session, email=email, name=name, role=Role(role), language=language, password_hash=hashed, by=BY
        )
        is_mailed = not password and _can_mail(session)
        if is_mailed:
            outbox.enqueue(session, "staff.password_link", {"member_id": str(member.id)})
        elif not password:
            link = f"{get_settings().public_url}/backoffice/welcome/{service.make_password_link(session, member.id)}"
        tell_administrators(
            session,
            lambda: _("%(name)s (%(email)s) was added to the staff.", name=member.name, email=member.email),
            by=BY,
        )
    report = {"id": str(member.id), "email": member.email, "role": role, "is_mailed": is_mailed}
    lines = [f"{member.email} may now work at {get_settings().public_url}/backoffice/ as {role}."]
    if is_mailed:
        lines.append("A link to choose a password is on its way to that address.")
    if link:
        report["link"] = link
        lines.append(
            f"No mail can be sent yet. Whoever opens this link first chooses the password (once, 48 hours): {link}"
        )
    click.echo(json.dumps(report) if as_json else "\n".join(lines))


def _can_mail(session: Session) -> bool:
    return get_settings().smtp_url is not None and session.scalar(select(Company.id).limit(1)) is not None


@staff.command("list")
@click.option("--json", "as_json", is_flag=True)
def list_(*, as_json: bool) -> None:
    """Everybody who works or worked at the desk."""
    with reading() as session:
        lines = queries.staff(session)
    if as_json:
        rows = [
            {"email": each.email, "name": each.name, "role": each.role.value, "disabled": each.disabled_at is not None}
            for each in lines
        ]
        click.echo(json.dumps(rows, ensure_ascii=False))
        return
    for each in lines:
        state = "disabled" if each.disabled_at else ("second factor" if each.has_second_factor else "password only")
        click.echo(f"{each.email:<40} {each.role.value:<11} {state:<14} {each.name}")


@staff.command("disable")
@click.argument("email")
def disable(email: str) -> None:
    """EMAIL no longer signs in; its sessions end."""
    address = normalise_email(email)
    with transaction() as session:
        found = next((each for each in queries.staff(session) if each.email == address), None)
        if found is None:
            raise NotFound("staff.missing", f"nobody at the desk has the address {address}")
        service.disable(session, found.id, by=BY)
    click.echo(f"{address} may no longer sign in.")
