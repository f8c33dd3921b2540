"""What this room holds about persons: the files of disputes and declared transfers, which those rooms let go of."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, delete, exists, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from shared.attachments.models import Attachment
from shared.invoices.holds import is_held
from shared.kit import discarded
from shared.kit.db import among
from shared.kit.personal import Keys, Scope, as_rows, ids, uses_files


@uses_files
def _kept(sha256: str) -> Select[Any]:
    return select(Attachment.id).where(Attachment.sha256 == sha256)


def drop(session: Session, keys: Keys) -> None:
    """Let files go, with what is known of them."""
    gone = session.execute(delete(Attachment).where(among(Attachment.id, ids(keys))).returning(Attachment.sha256))
    discarded.discard(session, gone.scalars().all())


@dataclass(frozen=True, slots=True)
class FilesOf:
    """The questions about files that every room asks whose affairs have some: its `subject_type`, the affairs' id and their end.

    Files go once their affair has ended, and never while the account is before a court.
    """

    subject_type: str
    identity: InstrumentedAttribute[uuid.UUID]
    ended_at: InstrumentedAttribute[datetime | None]

    def old(self, scope: Scope) -> Select[Any]:
        """Files of a company's affairs that ended before its term."""
        mine = Attachment.company_id == scope.company_id
        return self._ended(self.ended_at < scope.before).where(mine)

    def of_person(self, contact_id: uuid.UUID) -> Select[Any]:
        """What a person sent."""
        return self._all().where(Attachment.uploaded_by_kind == "contact", Attachment.uploaded_by_id == contact_id)

    def erasable(self, contact_id: uuid.UUID) -> Select[Any]:
        """What of it nothing keeps."""
        return self._ended(self.ended_at.is_not(None)).where(Attachment.id.in_(self.of_person(contact_id)))

    def export(self, session: Session, contact_id: uuid.UUID) -> list[dict[str, Any]]:
        """What is known of it, for the person, the latest first."""
        known = (
            Attachment.name,
            Attachment.media_type,
            Attachment.size,
            Attachment.uploaded_at,
            Attachment.received_sha256,
        )
        query = select(*known).where(Attachment.id.in_(self.of_person(contact_id)))
        return as_rows(session.execute(query.order_by(Attachment.id.desc())))

    def _all(self) -> Select[Any]:
        return select(Attachment.id).where(Attachment.subject_type == self.subject_type)

    def _ended(self, ended: ColumnElement[bool]) -> Select[Any]:
        affair = exists().where(self.identity == Attachment.subject_id, ended)
        return self._all().where(affair, ~is_held(Attachment.debtor_id))
