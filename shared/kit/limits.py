"""Rate limits kept in PostgreSQL, so that an emptied Redis does not reset them."""

import hashlib
import ipaddress
from datetime import datetime, timedelta

from sqlalchemy import Index, LargeBinary, update
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
    key_hash, start = _place(key, window)
    statement = insert(RateCounter).values(key_hash=key_hash, window_at=start, count=1)
    count = session.execute(
        statement.on_conflict_do_update(
            index_elements=["key_hash", "window_at"], set_={"count": RateCounter.count + 1}
        ).returning(RateCounter.count)
    ).scalar_one()
    return count <= limit


def give_back(session: Session, key: str, *, window: timedelta) -> None:
    """Take one back that was counted before anybody knew that the try was right: only failures are limited."""
    key_hash, start = _place(key, window)
    session.execute(
        update(RateCounter)
        .where(RateCounter.key_hash == key_hash, RateCounter.window_at == start, RateCounter.count > 0)
        .values(count=RateCounter.count - 1)
    )


def caller(address: str) -> str:
    """Who an address stands for when tries are counted: an IPv4 address, or the /64 network of an IPv6 one.

    A customer line has 2**64 IPv6 addresses to itself (RFC 6177): counted one by one, none would ever reach a limit.
    """
    try:
        found = ipaddress.ip_address(address.split("%", maxsplit=1)[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found, 64), strict=False))


def _place(key: str, window: timedelta) -> tuple[bytes, datetime]:
    seconds = int(window.total_seconds())
    now = clock.now()
    start = datetime.fromtimestamp(int(now.timestamp()) // seconds * seconds, tz=now.tzinfo)
    return hashlib.sha256(f"{key}|{seconds}".encode()).digest(), start
