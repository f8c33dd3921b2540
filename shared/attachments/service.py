"""Keeping checked files: `check` them before the transaction, `attach` them inside it."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from shared.attachments.examine import check
from shared.attachments.models import Attachment
from shared.attachments.rules import LARGEST_SUBJECT, MEGABYTE, AttachmentState, Checked, Upload
from shared.kit import audit, clock, files, outbox
from shared.kit.actors import Actor
from shared.kit.errors import Invalid, NotFound
from shared.kit.ids import new_id
from shared.kit.settings import get_settings
from shared.kit.words import gettext as _

__all__ = ["Checked", "Upload", "attach", "check", "set_aside"]


def attach(
    session: Session,
    checked: Sequence[Checked],
    *,
    company_id: uuid.UUID,
    debtor_id: uuid.UUID,
    subject_type: str,
    subject_id: uuid.UUID,
    by: Actor,
    part_id: uuid.UUID | None = None,
    is_internal: bool = False,
) -> list[Attachment]:
    """Keep files that `check` has passed, beside a dispute or declaration that the caller has locked or just made.

    With a scanner configured they are `scanning` until a job has asked it; without one `unscanned`. The same file twice
    on one subject is kept once per message. Raises Invalid when the subject would hold more than 25 MB.
    """
    if not checked:
        return []
    held = session.scalar(
        select(func.coalesce(func.sum(Attachment.size), 0)).where(
            Attachment.subject_type == subject_type, Attachment.subject_id == subject_id
        )
    )
    if (held or 0) + sum(len(each.content) for each in checked) > LARGEST_SUBJECT:
        raise Invalid(
            "attachment.subject_full",
            _("All files together may weigh %(limit)s MB.", limit=LARGEST_SUBJECT // MEGABYTE),
        )
    has_scanner = bool(get_settings().clamd)
    state = AttachmentState.SCANNING if has_scanner else AttachmentState.UNSCANNED
    rows = []
    for each in checked:
        stored = files.get_store().put(each.content)
        row = Attachment(
            id=new_id(),
            company_id=company_id,
            debtor_id=debtor_id,
            subject_type=subject_type,
            subject_id=subject_id,
            part_id=part_id,
            is_internal=is_internal,
            name=each.name,
            media_type=each.media_type,
            size=stored.size,
            sha256=stored.sha256,
            received_sha256=each.received_sha256,
            state=state,
            uploaded_by_kind=by.kind,
            uploaded_by_id=by.id,
            uploaded_by_name=by.name,
            uploaded_at=clock.now(),
        )
        session.add(row)
        rows.append(row)
    session.flush()
    for row in rows:
        _record(session, row, "attachment.kept", by)
        if has_scanner:
            outbox.enqueue(session, "attachments.scan", {"attachment": str(row.id)}, dedupe_key=f"new:{row.id}")
    return rows


def set_aside(session: Session, attachment_id: uuid.UUID, *, company_id: uuid.UUID, by: Actor) -> None:
    """Hand a file out no more, whatever a scanner says of it. Raises NotFound for another company's."""
    row = session.scalar(
        select(Attachment).where(Attachment.id == attachment_id, Attachment.company_id == company_id).with_for_update()
    )
    if row is None:
        raise NotFound("attachment.missing", _("There is no such file."))
    if row.state is not AttachmentState.QUARANTINED:
        row.state = AttachmentState.QUARANTINED
        _record(session, row, "attachment.set_aside", by)


def _record(session: Session, row: Attachment, action: str, by: Actor) -> None:
    audit.record(
        session,
        by,
        action,
        subject_type="attachment",
        subject_id=row.id,
        company_id=row.company_id,
        debtor_id=row.debtor_id,
        after={"name": row.name, "of": f"{row.subject_type}:{row.subject_id}", "sha256": row.sha256, "size": row.size},
    )
