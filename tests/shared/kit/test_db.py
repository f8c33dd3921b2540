from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import InternalError

from shared.kit import db
from shared.kit.db import Reader, glance, make_engine, reading, transaction


def test_reading_sees_one_moment_and_writes_nothing(database: Engine) -> None:
    with reading() as session:
        assert session.scalar(text("SHOW transaction_isolation")) == "repeatable read"
        assert session.scalar(text("SHOW transaction_read_only")) == "on"
        with pytest.raises(InternalError, match="read-only"):
            session.execute(text("INSERT INTO duty_state (name, last_at) VALUES ('x', now())"))


def test_what_a_reading_set_is_forgotten_by_the_next_transaction(database: Engine) -> None:
    database.dispose()  # from here on the pool holds one connection
    with reading() as session:
        backend = session.scalar(text("SELECT pg_backend_pid()"))
    with transaction() as session:
        assert session.scalar(text("SELECT pg_backend_pid()")) == backend
        assert session.scalar(text("SHOW transaction_isolation")) == "read committed"
        assert session.scalar(text("SHOW transaction_read_only")) == "off"
        session.execute(text("INSERT INTO duty_state (name, last_at) VALUES ('x', now())"))


def test_a_glance_holds_no_transaction_open(database: Engine) -> None:
    with glance() as connection:
        backend = connection.scalar(text("SELECT pg_backend_pid()"))
        with reading() as other:
            state = other.scalar(text("SELECT state FROM pg_stat_activity WHERE pid = :pid"), {"pid": backend})
    assert state == "idle"


def test_a_glance_sees_what_was_committed_just_before(database: Engine) -> None:
    for count in (1, 2):
        with transaction() as session:
            session.execute(text("INSERT INTO duty_state (name, last_at) VALUES (:name, now())"), {"name": f"x{count}"})
        with glance() as connection:
            assert connection.scalar(text("SELECT count(*) FROM duty_state")) == count


def test_a_glance_follows_the_engine_in_charge(database: Engine) -> None:
    with glance() as connection:
        before = connection.scalar(text("SELECT current_database()"))
    db.use_engine(make_engine(database.url.set(database="postgres")))
    try:
        with glance() as connection:
            assert connection.scalar(text("SELECT current_database()")) == "postgres" != before
    finally:
        db.get_engine().dispose()
        db.use_engine(database)


@pytest.mark.parametrize("way", [reading, glance])
def test_a_connection_that_was_lost_while_it_rested_is_replaced(
    database: Engine, monkeypatch: pytest.MonkeyPatch, way: Callable[[], AbstractContextManager[Reader]]
) -> None:
    database.dispose()
    with way() as reader:
        backend = reader.scalar(text("SELECT pg_backend_pid()"))
    another = make_engine(database.url)
    with another.connect() as connection:
        connection.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": backend})
    another.dispose()
    monkeypatch.setattr(db, "PING_AFTER_S", 0.0)
    with way() as reader:
        assert reader.scalar(text("SELECT pg_backend_pid()")) != backend
