"""What this room holds about persons: the files of disputes and declared transfers, which those rooms let go of."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, delete, select
from sqlalchemy.orm import Session

from shared.attachments.models import Attachment
from shared.kit import discarded
from shared.kit.db import among
from shared.kit.personal import Keys, ids, uses_files


@uses_files
def _kept(sha256: str) -> Select[Any]:
    return select(Attachment.id).where(Attachment.sha256 == sha256)


def drop(session: Session, keys: Keys) -> None:
    """Let files go, with what is known of them."""
    gone = session.execute(delete(Attachment).where(among(Attachment.id, ids(keys))).returning(Attachment.sha256))
    discarded.discard(session, gone.scalars().all())
