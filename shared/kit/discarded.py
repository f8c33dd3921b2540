"""Stored files that a row needed until now: their bytes go a while after the row, and only when no other row needs them.

Files are kept by their digest, so that an invoice mailed to two people is one file: whoever lets go of one says so here, in the
transaction in which its row goes. `clear` asks every room (`personal.uses_files`) and removes; it may be killed anywhere.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import CheckConstraint, String, delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from shared.kit import clock, files, personal
from shared.kit.db import Base, reading, transaction

PAGE = 200
WAITS = timedelta(days=1)
"""A file that was put so lately may be about to be needed by a row that is not written yet."""


class DiscardedFile(Base):
    """A file that one row needs no more."""

    __tablename__ = "discarded_file"
    __table_args__ = (CheckConstraint("length(sha256) = 64", name="sha256_length"),)

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    discarded_at: Mapped[datetime]


def discard(session: Session, digests: Iterable[str]) -> None:
    """Say that a row of the caller's needs these files no more."""
    wanted = sorted(set(digests))
    if wanted:
        rows = [{"sha256": each, "discarded_at": clock.now()} for each in wanted]
        session.execute(insert(DiscardedFile).on_conflict_do_nothing(), rows)


def clear() -> int:
    """Remove the bytes of what nobody needs; gives how many files went. Twice is harmless."""
    gone, after = 0, ""
    unless_since = (clock.SystemClock().now() - WAITS).timestamp()
    while True:
        with reading() as session:
            query = select(DiscardedFile.sha256).where(DiscardedFile.sha256 > after)
            page = session.scalars(query.order_by(DiscardedFile.sha256).limit(PAGE)).all()
        if not page:
            return gone
        for digest in page:
            gone += _clear_one(digest, unless_since)
        after = page[-1]


def _clear_one(digest: str, unless_since: float) -> bool:
    with reading() as session:
        is_used = personal.is_file_used(session, digest)
    is_gone = not is_used and files.get_store().remove(digest, unless_since=unless_since)
    if is_used or is_gone:
        with transaction() as session:
            session.execute(delete(DiscardedFile).where(DiscardedFile.sha256 == digest))
    return is_gone
