"""What nobody may do and a broken disk, a bad script or a thief does: changing what is append-only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from sqlalchemy import text
from sqlalchemy.orm import Session

from shared.kit.db import transaction

_GUARDED = "SELECT DISTINCT tgrelid::regclass::text FROM pg_trigger WHERE tgname = 'append_only' ORDER BY 1"


@contextmanager
def spoiling() -> Iterator[Session]:
    """A transaction in which no trigger of the append-only tables speaks."""
    with transaction() as session:
        tables = _silence(session)
        yield session
        for table in tables:
            session.execute(text(f"ALTER TABLE {table} ENABLE TRIGGER USER"))


class _Undone(Exception):  # noqa: N818 - it says what happens
    """Leave nothing behind."""


@contextmanager
def spoiling_for_a_moment() -> Iterator[Session]:
    """Like `spoiling`, but nothing of it stays."""
    with suppress(_Undone), transaction() as session:
        _silence(session)
        yield session
        raise _Undone


def _silence(session: Session) -> list[str]:
    tables = list(session.scalars(text(_GUARDED)))
    for table in tables:
        session.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
    return tables
