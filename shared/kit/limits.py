"""Rate limits kept in PostgreSQL, so that an emptied Redis does not reset them."""

import hashlib
from datetime import datetime, timedelta

from sqlalchemy import Index, LargeBinary, delete
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from shared.kit import clock
from shared.kit.db import Base


class RateCounter(Base):
    """How often something happened in a window; the key is hashed (it may hold an address)."""

    __tablename__ = "rate_counter"
    __table_args__ = (Index(None, "window_at"),)

    key_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    window_at: Mapped[datetime] = mapped_column(primary_key=True)
    count: Mapped[int] = mapped_column(default=1)


def hit(session: Session, key: str, *, limit: int, window: timedelta) -> bool:
    """Count one more; True while the limit is not passed. Fixed windows, one atomic statement."""
    seconds = int(window.total_seconds())
    now = clock.now()
    start = datetime.fromtimestamp(int(now.timestamp()) // seconds * seconds, tz=now.tzinfo)
    statement = insert(RateCounter).values(
        key_hash=hashlib.sha256(f"{key}|{seconds}".encode()).digest(), window_at=start, count=1
    )
    count = session.execute(
        statement.on_conflict_do_update(
            index_elements=["key_hash", "window_at"], set_={"count": RateCounter.count + 1}
        ).returning(RateCounter.count)
    ).scalar_one()
    return count <= limit


def forget_old(session: Session) -> None:
    """Drop counters older than two days."""
    session.execute(delete(RateCounter).where(RateCounter.window_at < clock.now() - timedelta(days=2)))
