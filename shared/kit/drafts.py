"""What somebody had typed when it could not be taken: kept for two hours, sealed, for whoever holds its token.

The database holds only the digest of the token and a sealed body; the token is in the writer's cookie. The seal is a
one-time pad: each draft has a token of 256 random bits of its own, and its body is combined with SHAKE-256 of that
token. A copy of the database reveals nothing that was typed.
"""

from __future__ import annotations

import hashlib
import json
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Index, LargeBinary, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from shared.kit import clock, tokens
from shared.kit.db import Base

LIFE = timedelta(hours=2)
LARGEST = 256 * 1024
"""Bytes of a sealed body."""


class KeptDraft(Base):
    """A form that was sent and not taken."""

    __tablename__ = "kept_draft"
    __table_args__ = (Index(None, "kept_at"),)

    token_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    kept_at: Mapped[datetime]


def keep(session: Session, body: dict[str, Any]) -> str | None:
    """Keep a body (JSON values) and give its token; None when it is too large. Drafts that are over go at the same time."""
    forget_old(session)
    plain = json.dumps(body).encode()
    if len(plain) > LARGEST:
        return None
    token = tokens.new_token()
    session.add(KeptDraft(token_hash=tokens.digest(token), sealed=_pad(plain, token), kept_at=clock.real_now()))
    return token


def find(session: Session, token: str) -> dict[str, Any] | None:
    """The body that a token opens, while it lives."""
    sealed = session.scalar(
        select(KeptDraft.sealed).where(
            KeptDraft.token_hash == tokens.digest(token), KeptDraft.kept_at > clock.real_now() - LIFE
        )
    )
    if sealed is None:
        return None
    found: dict[str, Any] = json.loads(_pad(sealed, token))
    return found


def forget(session: Session, token: str) -> None:
    """The draft was sent, or is not wanted."""
    session.execute(delete(KeptDraft).where(KeptDraft.token_hash == tokens.digest(token)))


def forget_old(session: Session) -> None:
    """Drop what nobody came back for."""
    session.execute(delete(KeptDraft).where(KeptDraft.kept_at <= clock.real_now() - LIFE))


def _pad(text: bytes, token: str) -> bytes:
    pad = hashlib.shake_256(b"draft|" + token.encode()).digest(len(text))
    return bytes(a ^ b for a, b in zip(text, pad, strict=True))
