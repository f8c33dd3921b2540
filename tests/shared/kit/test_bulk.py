from __future__ import annotations

import gc
from datetime import date
from itertools import count
from typing import Any

import pytest
from psycopg import Error
from psycopg.types.json import Jsonb
from sqlalchemy import Engine, func, select
from sqlalchemy.exc import DataError

from backoffice.reminders.models import ReminderDecision, ScenarioStep
from shared.kit import clock
from shared.kit.bulk import change_rows, copy_rows, insert_rows, uncollected
from shared.kit.db import transaction
from shared.kit.ids import new_id
from shared.kit.outbox import MessageState, OutboxMessage
from tests.support.counting import counted

COLUMNS = ("id", "run_id", "debtor_id", "run_on", "outcome", "amount_minor", "invoice_count", "detail")


def _decision(number: int, **other: Any) -> tuple[Any, ...]:
    values = {
        "id": new_id(),
        "run_id": new_id(),
        "debtor_id": new_id(),
        "run_on": date(2026, 3, 10),
        "outcome": "remind",
        "amount_minor": 10**15 + number,
        "invoice_count": number,
        "detail": "tab\there, line\nthere, \\N, « é »",
    }
    return tuple((values | other)[name] for name in COLUMNS)


def test_rows_arrive_as_they_were_given(database: Engine) -> None:
    rows = [_decision(number) for number in range(2_000)]

    with transaction() as session:
        copy_rows(session, ReminderDecision, COLUMNS, iter(rows))
        found = session.execute(
            select(*(ReminderDecision.__table__.c[name] for name in COLUMNS)).order_by(ReminderDecision.invoice_count)
        ).all()

    assert [tuple(row) for row in found] == rows


def test_moments_enums_and_small_numbers_travel_too(database: Engine) -> None:
    now = clock.now()
    numbers = count()
    with transaction() as session:
        copy_rows(
            session,
            OutboxMessage,
            ("id", "job", "queue", "payload", "dedupe_key", "state", "due_at", "tries", "created_at"),
            [(new_id(), "x", "soon", Jsonb({}), str(next(numbers)), "waiting", now, 3, now)],
        )
        message = session.scalars(select(OutboxMessage)).one()

    assert (message.due_at, message.tries, message.state.value, message.payload) == (now, 3, "waiting", {})
    assert ScenarioStep.__table__.c.offset_days.type.compile() == "SMALLINT"


def test_a_row_that_does_not_fit_leaves_nothing_of_the_others(database: Engine) -> None:
    with pytest.raises(Error), transaction() as session:
        copy_rows(session, ReminderDecision, COLUMNS, [_decision(1), _decision(2, outcome="x" * 33)])
    with transaction() as session:
        assert session.scalar(select(func.count()).select_from(ReminderDecision)) == 0


def test_the_collector_rests_inside_the_block_and_works_after_it_whatever_happened() -> None:
    seen = []

    def look() -> None:
        with uncollected():
            with uncollected():
                seen.append(gc.isenabled())
            seen.append(gc.isenabled())
            raise RuntimeError

    assert gc.isenabled()
    with pytest.raises(RuntimeError):
        look()

    assert seen == [False, False]
    assert gc.isenabled()


def a_message(**other: Any) -> dict[str, Any]:
    return {"dedupe_key": str(new_id()), "payload": {"n": 1}, "tries": 0, "topic": None} | other


def test_rows_of_one_statement_arrive_as_they_were_given_and_get_ids_and_what_all_share(database: Engine) -> None:
    now = clock.now()
    rows = [a_message(tries=number, payload={"é": [number, None]}) for number in range(1_500)]
    same = {"job": "x", "queue": "soon", "state": MessageState.WAITING, "due_at": now, "created_at": now}

    with counted() as said, transaction() as session:
        insert_rows(session, OutboxMessage, rows, **same)
        assert len(said) == 1
        found = session.scalars(select(OutboxMessage).order_by(OutboxMessage.tries)).all()

    assert [(one.dedupe_key, one.payload, one.tries, one.topic) for one in found] == [
        (row["dedupe_key"], row["payload"], row["tries"], None) for row in rows
    ]
    assert {(one.job, one.state, one.due_at) for one in found} == {("x", MessageState.WAITING, now)}
    assert len({one.id for one in found}) == 1_500


def test_a_text_that_is_too_long_is_refused_and_not_cut(database: Engine) -> None:
    now = clock.now()
    same = {"job": "x", "state": MessageState.WAITING, "due_at": now, "created_at": now}
    long = "x" * 500
    for rows, shared in (([a_message(queue=long)], same), ([a_message()], same | {"queue": long})):
        with pytest.raises(DataError), transaction() as session:
            insert_rows(session, OutboxMessage, rows, **shared)


def test_rows_are_changed_by_one_statement_and_what_the_session_holds_is_read_anew(database: Engine) -> None:
    now = clock.now()
    same = {"job": "x", "queue": "soon", "state": MessageState.WAITING, "due_at": now, "created_at": now}
    with transaction() as session:
        insert_rows(session, OutboxMessage, [a_message(tries=number) for number in range(3)], **same)
        held = session.scalars(select(OutboxMessage).order_by(OutboxMessage.tries)).all()
        held[2].queue = "now"
        with counted() as said:
            change_rows(
                session,
                OutboxMessage,
                [{"id": held[0].id, "tries": 7, "topic": "a"}, {"id": held[2].id, "tries": 9, "topic": None}],
            )
        assert len(said) == 2, "the one statement, and what was pending"
        assert [(one.tries, one.topic, one.queue) for one in held] == [
            (7, "a", "soon"),
            (1, None, "soon"),
            (9, None, "now"),
        ]


def test_nothing_is_written_in_no_statement(database: Engine) -> None:
    with counted() as said, transaction() as session:
        insert_rows(session, OutboxMessage, [])
        change_rows(session, OutboxMessage, [])
    assert said == []
