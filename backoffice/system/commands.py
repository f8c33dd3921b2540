"""`guichet correct`: two members of staff put right what `guichet verify` finds."""

from __future__ import annotations

import json
import uuid

import click

from backoffice.access.second_person import must_be_independent
from backoffice.access.terminal import proven
from payments.reconcile import correct as corrections
from payments.reconcile.models import Correction
from payments.reconcile.remedies import REMEDIES, cause_of
from payments.reconcile.verify import verify
from shared.kit.db import reading
from shared.kit.errors import NotFound

_CODE = click.option("--code", prompt="Code of your authenticator", hide_input=True, help="your second factor")
_BY = click.option("--by", "email", required=True, help="your address at the desk")


@click.group("correct")
def correct() -> None:
    """Put right what `verify` finds: one person proposes, another one approves."""


@correct.command("list")
@click.option("--local", is_flag=True, help="compare our own books only, ask no provider")
@click.option("--json", "as_json", is_flag=True, help="for programs")
def list_(*, local: bool, as_json: bool) -> None:
    """What differs with what would put it right, and what waits for a second person."""
    proof = verify(with_providers=not local)
    with reading() as session:
        rows = [
            {
                "id": str(row.id),
                "difference": row.difference,
                "subject": row.subject,
                "reason": row.reason,
                "asked_by": row.asked_by,
            }
            for row in corrections.waiting(session)
        ]
    found = [
        one.as_json()
        | {"cause": cause_of(one.check), "remedy": REMEDIES[one.check].value if one.check in REMEDIES else ""}
        for one in proof.differences
    ]
    if as_json:
        click.echo(json.dumps({"differences": found, "waiting": rows}, indent=2, ensure_ascii=False))
        return
    for one in found:
        click.echo(
            f"{one['check']}: {one['subject']} should be {one['expected']}, is {one['found']} {one['currency']}".rstrip()
        )
        click.echo(f"    {one['cause']}")
        click.echo(f"    remedy: {one['remedy'] or 'none by program: a person has to find out what is true'}")
    for row in rows:
        click.echo(f"waits: {row['id']}  {row['difference']}: {row['subject']} ({row['asked_by']}: {row['reason']})")


@correct.command("propose")
@click.argument("difference")
@click.argument("subject")
@click.option("--reason", required=True, help="why it differs, and why this puts it right")
@_BY
@_CODE
@click.option("--local", is_flag=True, help="compare our own books only, ask no provider")
def propose(difference: str, subject: str, reason: str, email: str, code: str, *, local: bool) -> None:
    """Propose to put right the DIFFERENCE of SUBJECT, both as `verify` names them."""
    by = proven(email, code, "refunds.ask")
    found = [
        one for one in verify(with_providers=not local).differences if (one.check, one.subject) == (difference, subject)
    ]
    if not found:
        raise NotFound("correction.no_difference", f"verify finds no difference {difference!r} of {subject!r}")
    row = corrections.propose(found[0], reason=reason, by=by)
    click.echo(f"{row.id} waits for somebody else: guichet correct approve {row.id} --by …")


@correct.command("approve")
@click.argument("correction_id", type=click.UUID)
@_BY
@_CODE
def approve(correction_id: uuid.UUID, email: str, code: str) -> None:
    """Agree to a correction that somebody else proposed; it is done at once."""
    by = proven(email, code, "giving.approve")
    with reading() as session:
        asked = session.get(Correction, correction_id)
        if asked is not None:
            must_be_independent(session, by, asked_by_id=asked.asked_by_id, asked_at=asked.asked_at)
    row = corrections.approve(correction_id, by=by)
    for sentence in row.done:
        click.echo(sentence)
    click.echo(f"{row.difference}: {row.subject} is put right")


@correct.command("decline")
@click.argument("correction_id", type=click.UUID)
@_BY
@_CODE
def decline(correction_id: uuid.UUID, email: str, code: str) -> None:
    """Leave the difference as it is."""
    corrections.decline(correction_id, by=proven(email, code, "refunds.ask"))
    click.echo("declined")
