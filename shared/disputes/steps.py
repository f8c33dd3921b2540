"""The one writer of a dispute's status, and what its other verbs share: the lock, the freezes, the entries, the news."""

from __future__ import annotations

import unicodedata
import uuid
from collections.abc import Mapping, Sequence
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared.attachments.service import Checked, attach
from shared.company.queries import today_of
from shared.debtors import affairs
from shared.disputes.models import Dispute, DisputeEntry, DisputePart, DisputeTransition, EntryKind, PartOutcome
from shared.disputes.rules import EDGES, ENDED, LIVE, Status
from shared.invoices.models import FreezeKind
from shared.invoices.service import freeze_all, left_to_freeze, lift_all
from shared.kit import clock, steps
from shared.kit.actors import Actor
from shared.kit.errors import Conflict, DomainError, Invalid, NotFound
from shared.kit.ids import new_id
from shared.kit.words import gettext as _
from shared.ledger.service import lock_invoices

LONGEST_TEXT = 5_000
_TYPED = "\n\t\u200d"
"""Of what Unicode calls "other" people type lines, tabs and the joiner in the middle of an emoji."""


class TooMany(DomainError):  # noqa: N818 - named as the families are
    """More than a person would write."""

    http_status = 429


def lock_dispute(session: Session, dispute_id: uuid.UUID) -> Dispute:
    """The dispute, locked and read anew, after its debtor (the lock order of the house). Raises NotFound."""
    return affairs.lock(session, Dispute, dispute_id, NotFound("dispute.missing", _("There is no such dispute.")))


def lock_live(session: Session, dispute_id: uuid.UUID) -> Dispute:
    """Like `lock_dispute`; raises Conflict("dispute.closed") when it has ended."""
    dispute = lock_dispute(session, dispute_id)
    if dispute.status not in LIVE:
        raise Conflict("dispute.closed", _("This dispute is closed. It can be opened again."))
    return dispute


def advance(session: Session, dispute: Dispute, to: Status, *, by: Actor, cause: str = "") -> bool:
    """Take one named step of a locked dispute; False when it stands there already.

    Writes the transition and the audit line, stops or moves on the deadline, and publishes the edge's topic. Raises
    Conflict("dispute.no_such_step") for a step that the table does not have.
    """
    before = dispute.status
    if before is to:
        return False
    edge = EDGES.get((before, to))
    if edge is None:
        raise Conflict("dispute.no_such_step", _("This dispute has moved on meanwhile. Please look again."))
    today = today_of(session, dispute.company_id)
    if before is Status.WAITING and dispute.waiting_since is not None:
        dispute.due_on += today - dispute.waiting_since
    dispute.waiting_since = today if to is Status.WAITING else None
    dispute.ended_at = clock.now() if to in ENDED else None
    if to in ENDED:
        dispute.spoken_at = None
    dispute.status = to
    step = write_step(session, dispute, before, by=by, cause=cause)
    if edge.topic:
        tell_house(session, dispute, edge.topic, by=by, key=str(step))
    return True


def write_step(session: Session, dispute: Dispute, before: Status | None, *, by: Actor, cause: str) -> int:
    """Add the transition and its audit line; gives its number."""
    row = DisputeTransition(dispute_id=dispute.id, before=before, after=dispute.status, actor_id=by.id)
    step = steps.take(session, row, DisputeTransition.dispute_id == dispute.id, by=by, cause=cause)
    write_line(
        session,
        dispute,
        action=f"dispute.{dispute.status.value}",
        by=by,
        before={"status": before.value} if before else None,
        after={
            "status": dispute.status.value,
            "minor": dispute.claimed_minor,
            "credited_minor": dispute.credited_minor,
        },
    )
    session.flush()
    return step


def tell_house(session: Session, dispute: Dispute, topic: str, *, by: Actor, key: str) -> None:
    """Publish news of a dispute; `key` makes it one."""
    staff, dedupe_key = dispute.assignee_id, f"{dispute.id}:{key}"
    affairs.publish(session, dispute, topic, by=by, staff=staff, dedupe_key=dedupe_key)


def write_line(
    session: Session,
    dispute: Dispute,
    *,
    action: str,
    by: Actor,
    before: Mapping[str, object] | None = None,
    after: Mapping[str, object] | None = None,
) -> None:
    """An audit line about a dispute, with its reference."""
    after = {"reference": dispute.reference, **(after or {})}
    affairs.record(session, dispute, action=action, by=by, before=before, after=after)


def enter(
    session: Session, dispute: Dispute, kind: EntryKind, text: str, *, by: Actor, detail: str = ""
) -> DisputeEntry:
    """Add to the conversation."""
    entry = DisputeEntry(
        id=new_id(),
        dispute_id=dispute.id,
        kind=kind,
        author_kind=by.kind,
        author_id=by.id,
        author_name=by.name,
        text=text,
        detail=detail,
        at=clock.now(),
    )
    session.add(entry)
    session.flush()
    return entry


def keep_files(
    session: Session,
    dispute: Dispute,
    entry: DisputeEntry,
    files: Sequence[Checked],
    *,
    by: Actor,
    is_internal: bool = False,
) -> None:
    """Attach files to a word of the conversation."""
    attach(
        session,
        files,
        company_id=dispute.company_id,
        debtor_id=dispute.debtor_id,
        subject_type="dispute",
        subject_id=dispute.id,
        part_id=entry.id,
        is_internal=is_internal,
        by=by,
    )


def clean(text: str, *, is_needed: bool = True) -> str:
    """What a person wrote, without what no person types; raises Invalid when it is missing or too long."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    kept = "".join(c for c in lines if c in _TYPED or unicodedata.category(c)[0] != "C").strip()
    if is_needed and not kept:
        raise Invalid("dispute.no_text", _("Please write a few words."))
    if len(kept) > LONGEST_TEXT:
        raise Invalid("dispute.long_text", _("Please write less than %(n)s characters.", n=LONGEST_TEXT))
    return kept


def parts_of(session: Session, dispute_id: uuid.UUID) -> list[DisputePart]:
    """The parts in the order in which they were contested."""
    return list(
        session.scalars(select(DisputePart).where(DisputePart.dispute_id == dispute_id).order_by(DisputePart.id))
    )


def freeze_parts(session: Session, dispute: Dispute, minors: Mapping[DisputePart, int], *, by: Actor) -> None:
    """Freeze so much of each part's invoice (I10); raises Conflict("invoice.frozen") when it is not left."""
    _hold(session, dispute, minors, FreezeKind.DISPUTE, by=by)
    for part in minors:
        part.outcome = PartOutcome.LIVE
    session.flush()


def left_of(session: Session, parts: Sequence[DisputePart], kind: FreezeKind) -> dict[DisputePart, int]:
    """How much of each part is not credited and may be held; parts of one invoice share what is left of it. Locks invoices."""
    rows = lock_invoices(session, [part.invoice_id for part in parts])
    free = {one: left_to_freeze(row, kind) for one, row in rows.items()}
    minors = {}
    for part in parts:
        minor = min(free[part.invoice_id], part.amount_minor - part.credited_minor)
        if minor > 0:
            minors[part] = minor
            free[part.invoice_id] -= minor
    return minors


def _hold(
    session: Session, dispute: Dispute, minors: Mapping[DisputePart, int], kind: FreezeKind, *, by: Actor
) -> None:
    made = freeze_all(
        session,
        debtor_id=dispute.debtor_id,
        parts=[(part.invoice_id, minor) for part, minor in minors.items()],
        kind=kind,
        reason=dispute.reference,
        subject_id=dispute.id,
        by=by,
    )
    for part, freeze_id in zip(minors, made, strict=True):
        part.freeze_id = freeze_id


def thaw(session: Session, dispute: Dispute, *, by: Actor) -> None:
    """End every freeze and pause of a dispute."""
    lift_all(session, subject_id=dispute.id, by=by)


def pause_rest(session: Session, dispute: Dispute, parts: Sequence[DisputePart], *, until: date, by: Actor) -> None:
    """What of these parts stays owed is neither collected nor reminded before `until`; the debtor may pay it at once.

    Follows `thaw`. With a day that has come nothing is paused.
    """
    dispute.owed_again_on = until
    dispute.released_at = None
    if until <= today_of(session, dispute.company_id):
        dispute.released_at = clock.now()
        return
    _hold(session, dispute, left_of(session, parts, FreezeKind.RESPITE), FreezeKind.RESPITE, by=by)
    session.flush()
