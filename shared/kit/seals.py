"""Seals: what each row of an append-only table said when it was written.

So a row that was changed, taken out or slipped in behind our back is found and named. Triggers write them, one row for a statement (up to a thousand rows of it), whoever writes: the ORM, a set-based import, COPY.
A seal is a digest (SHA-256, its first 16 bytes) of the columns named in the function `seal_digest` of that table. Why: docs/adr, "Rows are sealed".
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import ARRAY, BigInteger, Identity, String, Uuid, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from shared.kit.db import Base

SEALED = (
    "audit_line",
    "ledger_transfer",
    "payment_transition",
    "mandate_transition",
    "dispute_transition",
    "promise_transition",
    "plan_transition",
    "declaration_transition",
    "chargeback_transition",
)
"""The tables whose rows are sealed."""

GONE = uuid.UUID(int=0)
"""The digest of a row that is known to be gone."""


class Seal(Base):
    """What some rows of one table said when they were written; append-only itself. The latest seal of a row counts."""

    __tablename__ = "seal"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    of: Mapped[str] = mapped_column(String(32))
    """The table."""
    keys: Mapped[list[uuid.UUID]] = mapped_column(ARRAY(Uuid))
    """The rows' ids; a number is written as a UUID."""
    digests: Mapped[list[uuid.UUID]] = mapped_column(ARRAY(Uuid))


@dataclass(frozen=True, slots=True)
class Broken:
    """One row that is not as it was sealed."""

    table: str
    key: uuid.UUID
    is_here: bool
    is_sealed: bool

    @property
    def what(self) -> str:
        """The kind of damage: gone, changed or slipped in."""
        if not self.is_here:
            return "gone"
        return "changed" if self.is_sealed else "not sealed"


def count_sealed(session: Session, table: str) -> int:
    """How many rows of a table are under seal."""
    query = text("SELECT coalesce(sum(cardinality(keys)), 0) FROM seal WHERE of = :table")
    return int(session.execute(query, {"table": table}).scalar_one())


def broken(session: Session, table: str, *, limit: int = 1000) -> list[Broken]:
    """Rows of a table that are not as they were sealed: two passes over sorted ids, linear but for the sort."""
    found = session.execute(
        text(
            f"""
            WITH sealed AS (
                SELECT DISTINCT ON (u.key) u.key, u.digest
                FROM seal s CROSS JOIN LATERAL unnest(s.keys, s.digests) AS u (key, digest)
                WHERE s.of = :table ORDER BY u.key, s.id DESC
            ), standing AS (SELECT seal_key(t) AS key, seal_digest(t) AS digest FROM {table} t)
            SELECT coalesce(standing.key, sealed.key) AS key, standing.key IS NOT NULL AS is_here,
                   sealed.key IS NOT NULL AND sealed.digest <> :gone AS is_sealed
            FROM standing FULL JOIN sealed ON sealed.key = standing.key
            WHERE standing.digest IS DISTINCT FROM sealed.digest
              AND NOT (standing.key IS NULL AND sealed.digest = :gone)
            ORDER BY 1 LIMIT :limit
            """  # noqa: S608 - one of our own tables
        ),
        {"table": _ours(table), "gone": GONE, "limit": limit},
    )
    return [Broken(table, row.key, row.is_here, row.is_sealed) for row in found]


def renew(session: Session, table: str, keys: Iterable[uuid.UUID]) -> None:
    """Seal rows as they stand now, or as gone: after an erasure that the law asks for, or on the word of two people.

    The caller writes the audit line that says why.
    """
    session.execute(
        text(
            f"""
            INSERT INTO seal (of, keys, digests)
            SELECT :table, array_agg(wanted.key), array_agg(coalesce(standing.digest, :gone))
            FROM unnest(CAST(:keys AS uuid[])) AS wanted (key)
            LEFT JOIN (SELECT seal_key(t) AS key, seal_digest(t) AS digest FROM {table} t) AS standing
              ON standing.key = wanted.key
            HAVING count(*) > 0
            """  # noqa: S608 - one of our own tables
        ),
        {"table": _ours(table), "gone": GONE, "keys": [str(key) for key in keys]},
    )


def _ours(table: str) -> str:
    if table not in SEALED:
        raise LookupError(f"{table} is not sealed")
    return table
