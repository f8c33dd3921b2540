"""The database: declarative base, short transactions, row locks.

The rhythm of every action is: short transaction, outside world, short transaction. `assert_outside_transaction`
guards the middle part: gateways call it before they speak to a provider.
"""

import os
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any, TypeVar

import psycopg
from psycopg import errors as pg
from sqlalchemy import (
    ARRAY,
    URL,
    ColumnElement,
    Connection,
    DateTime,
    Engine,
    MetaData,
    Uuid,
    any_,
    create_engine,
    event,
    func,
    inspect,
    literal,
    select,
)
from sqlalchemy.exc import DBAPIError, InvalidatePoolError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, registry

from shared.kit.errors import NotFound
from shared.kit.ids import new_id

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

LOCK_TIMEOUT_MS = 5_000
STATEMENT_TIMEOUT_MS = 60_000
IDLE_IN_TRANSACTION_TIMEOUT_MS = 30_000
PING_AFTER_S = 1.0
"""A connection that rested so long is asked whether it lives; no server comes back in less, and a page saves a round trip."""


class Base(DeclarativeBase):
    """All tables: time zones always, constraint names by convention."""

    metadata = MetaData(naming_convention=NAMING)
    registry = registry(type_annotation_map={datetime: DateTime(timezone=True), uuid.UUID: Uuid()})
    __abstract__ = True

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.__dict__.get('id', '?')}>"


class HasId:
    """A time-ordered identity given by us, so that a retry is the same row."""

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)


Reader = Session | Connection
"""What a query of columns may be asked of: a session, or the connection of a glance."""

_engine: Engine | None = None
_glancing: Engine | None = None
_engine_pid = 0
_depth: ContextVar[int] = ContextVar("transaction_depth", default=0)


def make_engine(url: str | URL, **options: Any) -> Engine:
    """An engine whose sessions give up on locks instead of queueing for ever."""
    # What a failing statement carried (names, message bodies) has no place in a log.
    engine = create_engine(url, pool_size=5, max_overflow=5, hide_parameters=True, **options)

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET timezone TO 'UTC'")
            cursor.execute(f"SET lock_timeout TO {LOCK_TIMEOUT_MS}")
            cursor.execute(f"SET statement_timeout TO {STATEMENT_TIMEOUT_MS}")
            cursor.execute(f"SET idle_in_transaction_session_timeout TO {IDLE_IN_TRANSACTION_TIMEOUT_MS}")
        connection.commit()

    @event.listens_for(engine, "checkin")
    def _rest(_connection: Any, record: Any) -> None:
        record.info["rests_since"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def _ping(connection: Any, record: Any, _proxy: Any) -> None:
        if time.monotonic() - record.info.get("rests_since", time.monotonic()) < PING_AFTER_S:
            return
        try:
            engine.dialect.do_ping(connection)
        except psycopg.Error as error:
            raise InvalidatePoolError from error  # the pool connects anew

    return engine


def use_engine(engine: Engine | None) -> None:
    """Put an engine in charge of this process (the composition root and the tests)."""
    global _engine, _glancing, _engine_pid
    if _glancing is not None:
        _glancing.dispose(close=_engine_pid == os.getpid())
    _engine, _glancing, _engine_pid = engine, None, os.getpid()


def get_engine() -> Engine:
    """The engine of this process; raises RuntimeError before the composition root has set one.

    After a fork the parent's connections are dropped without closing them.
    """
    global _engine_pid  # noqa: PLW0603
    if _engine is None:
        raise RuntimeError("no database: the composition root has not set an engine")
    if _engine_pid != os.getpid():
        _engine.dispose(close=False)
        if _glancing is not None:
            _glancing.dispose(close=False)
        _engine_pid = os.getpid()
    return _engine


def _engine_of_glances() -> Engine:
    # Its connections commit each statement by themselves for good: switching one to and fro costs as much as asking.
    global _glancing  # noqa: PLW0603
    engine = get_engine()
    if _glancing is None:
        _glancing = make_engine(engine.url, isolation_level="AUTOCOMMIT", pool_reset_on_return=None)
    return _glancing


@contextmanager
def transaction() -> Iterator[Session]:
    """A short transaction: commits at the end, rolls back on any exception.

    Edges (views, flows, jobs, commands) open one; services write in the session they are given. Opening one inside
    another is a bug and raises RuntimeError.
    """
    if _depth.get():
        raise RuntimeError("a transaction is already open: pass its session down instead")
    token = _depth.set(1)
    try:
        with Session(get_engine(), expire_on_commit=False) as session, session.begin():
            yield session
    finally:
        _depth.reset(token)


@contextmanager
def reading() -> Iterator[Session]:
    """A read-only session with one snapshot (repeatable read)."""
    with Session(get_engine(), expire_on_commit=False) as session, session.begin():
        # Said with BEGIN itself, which saves a round trip.
        session.connection(execution_options={"isolation_level": "REPEATABLE READ", "postgresql_readonly": True})
        yield session


@contextmanager
def glance() -> Iterator[Connection]:
    """A bare connection for one single query of columns, without BEGIN and COMMIT around it: a third of the round trips.

    For what every page asks. It knows no entities, and two queries may see two moments: those want `reading`.
    """
    with _engine_of_glances().connect() as connection:
        yield connection


def assert_outside_transaction() -> None:
    """Raises RuntimeError when this thread holds a transaction open: nobody outside is called from within one."""
    if _depth.get():
        raise RuntimeError("a provider or mail server must not be called inside a database transaction")


_T = TypeVar("_T")
_RETRIABLE = (pg.SerializationFailure, pg.DeadlockDetected, pg.LockNotAvailable)


def retrying(act: Callable[[], _T], *, tries: int = 5) -> _T:
    """Run an act that opens its own transaction again when the database asks for it (deadlock, lock time-out).

    Only for acts without effects outside the database.
    """
    for attempt in range(1, tries + 1):
        try:
            return act()
        except DBAPIError as error:
            if attempt == tries or not isinstance(error.orig, _RETRIABLE):
                raise
            time.sleep(0.05 * attempt)
    raise AssertionError("unreachable")


MANY = 500


def among(column: Any, values: Iterable[Any]) -> ColumnElement[bool]:
    """That a column is one of these values, however many: they travel as one array, where `in_` sends a parameter for each.

    A statement carries 65,535 parameters (the protocol counts them in 16 bits); an account or an import may have more rows. For
    identities and keys; a house test looks for `in_` over those. No values: nothing is among them. Queries go on with `in_`.
    """
    these = list(values)
    array = literal(these, ARRAY(column.type))
    if len(these) < MANY:
        return column == any_(array)  # type: ignore[no-any-return]
    # A plan that PostgreSQL keeps for any array compares rows with its values one by one; it looks rows up in a set.
    return column.in_(select(func.unnest(array, type_=column.type)))  # type: ignore[no-any-return]


_M = TypeVar("_M", bound=Base)


def forget(session: Session, model: type[_M], identities: Iterable[Any], *attributes: str) -> None:
    """Let the session read these attributes anew of what it holds: a statement over a set has changed them."""
    changed = set(identities)
    for held in session.identity_map.values():
        if isinstance(held, model) and (inspect(held).identity or ())[0] in changed:
            session.expire(held, attributes)


def lock(session: Session, model: type[_M], identity: Any) -> _M:
    """The row, locked for update and read anew; raises NotFound."""
    row = session.scalars(
        select(model).where(model.id == identity).with_for_update().execution_options(populate_existing=True)  # type: ignore[attr-defined]
    ).one_or_none()
    if row is None:
        raise NotFound("row.missing", f"no {model.__name__.lower()} {identity}")
    return row
