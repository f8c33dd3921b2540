"""From `scanning` to what the scanner says: read, ask outside of any transaction, write."""

from __future__ import annotations

import logging
import uuid

from sqlalchemy import select

from shared.attachments import scanner
from shared.attachments.models import Attachment
from shared.attachments.rules import AttachmentState
from shared.kit import audit, clock, db, files, outbox
from shared.kit.actors import Actor
from shared.kit.db import reading, transaction
from shared.kit.settings import get_settings

log = logging.getLogger(__name__)

_OPEN = (AttachmentState.SCANNING, AttachmentState.UNSCANNED)
_PORTION = 500


def scan(attachment_id: uuid.UUID) -> None:
    """Ask the scanner about one file, and keep its answer; nothing when somebody has decided already.

    Raises Unavailable while the scanner does not answer: the file stays closed, and the job is tried again.
    """
    place = get_settings().clamd
    with reading() as session:
        row = session.get(Attachment, attachment_id)
        if row is None or row.state not in _OPEN or not place:
            return
        sha256 = row.sha256
    verdict = scanner.scan(files.get_store().get(sha256), place)
    with transaction() as session:
        row = db.lock(session, Attachment, attachment_id)
        if row.state not in _OPEN:
            return
        row.state, row.finding, row.scanned_at = verdict.state, verdict.finding, clock.now()
        if verdict.state is AttachmentState.CLEAN:
            return
        log.warning("attachment %s: %s %s", row.id, verdict.state.value, verdict.finding)
        audit.record(
            session,
            Actor.system("scanner"),
            "attachment.infected" if verdict.state is AttachmentState.INFECTED else "attachment.quarantined",
            subject_type="attachment",
            subject_id=row.id,
            company_id=row.company_id,
            debtor_id=row.debtor_id,
            after={"name": row.name, "finding": row.finding},
        )
        outbox.publish(
            session,
            f"{row.subject_type}.file_refused",
            {
                "company": str(row.company_id),
                "debtor": str(row.debtor_id),
                "id": str(row.subject_id),
                "by": "system",
                "staff": None,
            },
            dedupe_key=f"{row.id}:{verdict.state.value}",
        )


def ask_again() -> int:
    """Ask for every file that no scanner has seen: after an outage, or when one is configured later. Gives how many."""
    if not get_settings().clamd:
        return 0
    hour = clock.now().strftime("%Y%m%d%H")
    with transaction() as session:
        waiting = session.scalars(
            select(Attachment.id).where(Attachment.state.in_(_OPEN)).order_by(Attachment.id).limit(_PORTION)
        ).all()
        for each in waiting:
            outbox.enqueue(session, "attachments.scan", {"attachment": str(each)}, dedupe_key=f"{each}:{hour}")
    return len(waiting)
