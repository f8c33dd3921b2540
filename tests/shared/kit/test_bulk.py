from __future__ import annotations

import gc
from datetime import date
from itertools import count
from typing import Any

import pytest
from psycopg import Error
from psycopg.types.json import Jsonb
from sqlalchemy import Engine, func, select

from backoffice.reminders.models import ReminderDecision, ScenarioStep
from shared.kit import clock
from shared.kit.bulk import copy_rows, uncollected
from shared.kit.db import transaction
from shared.kit.ids import new_id
from shared.kit.outbox import OutboxMessage

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
