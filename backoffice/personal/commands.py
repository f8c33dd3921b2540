"""`guichet personal`: the sweep of what is over, and what one person may have and have erased."""

from __future__ import annotations

import json
import sys
import uuid
from pathlib import Path

import click
from sqlalchemy import select
from sqlalchemy.orm import Session

from backoffice.access.terminal import proven
from shared.company.models import Company
from shared.kit import audit
from shared.kit.actors import Actor
from shared.kit.db import reading, transaction
from shared.kit.errors import NotFound
from shared.kit.words import speaking
from shared.messages import erasures
from shared.personal import erase as erasure
from shared.personal import export as exports
from shared.personal import readable
from shared.personal import sweep as sweeps

_COMPANY = click.option("--company", "code", required=True, help="short name of the company")
_JSON = click.option("--json", "as_json", is_flag=True, help="for programs")


@click.group("personal")
def personal() -> None:
    """Personal data: the sweep of what is over, export and erasure of a person."""


@personal.command("sweep")
@click.option("--dry-run", is_flag=True, help="only say what would go")
@_JSON
def sweep(*, dry_run: bool, as_json: bool) -> None:
    """Remove what is over now, as the clock does once a day."""
    found = sweeps.preview() if dry_run else sweeps.sweep(by=Actor.system("command line"))
    if as_json:
        report = [{"company": each.company, "counts": each.counts, "waits": each.waits} for each in found]
        click.echo(json.dumps({"dry_run": dry_run, "swept": report}, indent=2))
        return
    for each in found:
        click.echo(each.company or "the installation")
        for name, count in sorted(each.counts.items()):
            if count or dry_run:
                waits = "  (waits for two people at the desk)" if name in each.waits else ""
                click.echo(f"  {count:>9,} {name}{waits}")
        if not dry_run and each.waits:
            click.echo(f"  waits for two people at the desk: {', '.join(each.waits)}")


@personal.command("export")
@click.argument("email")
@_COMPANY
@click.option("--language", type=click.Choice(["fr", "en"]), help="else the person's own")
@click.option(
    "--to",
    "target",
    type=click.Path(dir_okay=False, path_type=Path),
    help="a .zip (a page to read, and JSON) or a .json; else JSON is printed",
)
def export(email: str, code: str, language: str | None, target: Path | None) -> None:
    """Write everything that is held about EMAIL, to hand to that person."""
    with transaction() as session:
        company_id, contact_id = _find(session, code, email)
        own = exports.language_of(session, contact_id, company_id=company_id)
        with speaking(language or own):
            found = exports.gather(session, contact_id, company_id=company_id)
            content = readable.as_zip(found) if target and target.suffix == ".zip" else exports.as_json(found)
        audit.record(
            session,
            Actor.system("command line"),
            "contact.exported",
            subject_type="contact",
            subject_id=contact_id,
            company_id=company_id,
        )
    if target is None:
        sys.stdout.buffer.write(content + b"\n")
        sys.stdout.flush()
        return
    target.touch(mode=0o600)
    target.write_bytes(content)
    click.echo(str(target))


@personal.command("erase")
@click.argument("email")
@_COMPANY
@click.option("--dry-run", is_flag=True, help="only say what would go, and what the law wants kept")
@click.option("--by", help="your address at the desk")
@click.option("--code", "factor", help="the code of your authenticator; asked for when it is not given")
@_JSON
def erase(*, email: str, code: str, dry_run: bool, by: str | None, factor: str | None, as_json: bool) -> None:
    """Erase EMAIL as far as the law lets us, and say what stays and why."""
    is_told = False
    if dry_run:
        with reading() as session:
            parts = erasure.preview(session, _find(session, code, email)[1])
    else:
        address = by or click.prompt("Your address at the desk")
        actor = proven(address, factor or click.prompt("Code of your authenticator", hide_input=True), "personal.erase")
        with transaction() as session:
            company_id, contact_id = _find(session, code, email)
            parts, is_told = erasures.erase(session, contact_id, company_id=company_id, by=actor)
    with speaking("en"):
        report = [
            {
                "kind": part.kind.name,
                "erased": part.goes,
                "kept": part.stays,
                "why": str(part.kind.keeps) if part.stays else "",
            }
            for part in parts
        ]
    if as_json:
        click.echo(json.dumps({"dry_run": dry_run, "parts": report, "told": is_told}, indent=2))
        return
    for row in report:
        click.echo(f"{row['kind']:<20} {row['erased']:>6,} go  {row['kept']:>6,} stay  {row['why']}".rstrip())
    if not dry_run:
        click.echo("told by mail" if is_told else "not told: no message can be sent to this address")


def _find(session: Session, code: str, email: str) -> tuple[uuid.UUID, uuid.UUID]:
    company_id = session.scalar(select(Company.id).where(Company.code == code))
    if company_id is None:
        raise NotFound("company.missing", f"no company is called {code}")
    return company_id, exports.find_contact(session, company_id, email)
