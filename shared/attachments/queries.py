"""What is attached to something, and a file to hand out."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from shared.attachments.models import Attachment
from shared.attachments.rules import AttachmentState, may_serve
from shared.kit import files
from shared.kit.db import among
from shared.kit.errors import NotFound, Refused
from shared.kit.settings import get_settings
from shared.kit.words import gettext as _


@dataclass(frozen=True, slots=True)
class AttachedFile:
    """One file in a list. A link to it is shown only when `may_open`."""

    id: uuid.UUID
    subject_id: uuid.UUID
    part_id: uuid.UUID | None
    name: str
    media_type: str
    size: int
    state: AttachmentState
    is_internal: bool
    uploaded_by_kind: str
    uploaded_by_name: str
    uploaded_at: datetime
    may_open: bool


@dataclass(frozen=True, slots=True)
class Download:
    """A file that may be handed out, with what its answer needs (see shared/web/downloads.py)."""

    name: str
    media_type: str
    content: bytes


def attached(
    session: Session, *, subject_type: str, subject_ids: Sequence[uuid.UUID], with_internal: bool
) -> list[AttachedFile]:
    """The files of these subjects in the order they came; internal ones only for staff."""
    query = select(Attachment).where(Attachment.subject_type == subject_type, among(Attachment.subject_id, subject_ids))
    if not with_internal:
        query = query.where(Attachment.is_internal.is_(False))
    has_scanner = bool(get_settings().clamd)
    return [_file(row, has_scanner=has_scanner) for row in session.scalars(query.order_by(Attachment.id))]


Subject = tuple[str, uuid.UUID]
"""What a file is attached to: ("dispute", its id)."""


def for_debtor(
    session: Session, attachment_id: uuid.UUID, *, debtor_id: uuid.UUID, subject: Subject | None = None
) -> Download:
    """A file for the debtor (of that subject, when one is given).

    Raises NotFound for anybody else's and for staff's own, Refused before it is clean.
    """
    query = select(Attachment).where(
        Attachment.id == attachment_id, Attachment.debtor_id == debtor_id, Attachment.is_internal.is_(False)
    )
    return _download(session, query, subject)


def for_staff(
    session: Session, attachment_id: uuid.UUID, *, company_id: uuid.UUID, subject: Subject | None = None
) -> Download:
    """A file for staff of its company (of that subject, when one is given).

    Raises NotFound for another company's, Refused before it is clean.
    """
    query = select(Attachment).where(Attachment.id == attachment_id, Attachment.company_id == company_id)
    return _download(session, query, subject)


def _file(row: Attachment, *, has_scanner: bool) -> AttachedFile:
    return AttachedFile(
        id=row.id,
        subject_id=row.subject_id,
        part_id=row.part_id,
        name=row.name,
        media_type=row.media_type,
        size=row.size,
        state=row.state,
        is_internal=row.is_internal,
        uploaded_by_kind=row.uploaded_by_kind,
        uploaded_by_name=row.uploaded_by_name,
        uploaded_at=row.uploaded_at,
        may_open=may_serve(row.state, has_scanner=has_scanner),
    )


def _download(session: Session, query: Select[Attachment], subject: Subject | None) -> Download:
    if subject is not None:
        query = query.where(Attachment.subject_type == subject[0], Attachment.subject_id == subject[1])
    row = session.scalar(query)
    if row is None:
        raise NotFound("attachment.missing", _("There is no such file."))
    if not may_serve(row.state, has_scanner=bool(get_settings().clamd)):
        if row.state in (AttachmentState.SCANNING, AttachmentState.UNSCANNED):
            raise Refused("attachment.not_yet", _("This file is still being checked. Please try again in a moment."))
        raise Refused("attachment.unsafe", _("This file is not handed out: the check for viruses did not pass it."))
    return Download(row.name, row.media_type, files.get_store().get(row.sha256))
