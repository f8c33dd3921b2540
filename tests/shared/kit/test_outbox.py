from __future__ import annotations

import pytest
from sqlalchemy import Engine, select

import shared.messages.jobs  # noqa: F401 - makes its jobs known
from shared.kit import outbox
from shared.kit.db import transaction
from shared.kit.outbox import MessageState, OutboxMessage

JOB = "messages.deliver"


def test_many_jobs_are_asked_for_at_once_and_each_once(database: Engine) -> None:
    with transaction() as session:
        outbox.enqueue(session, JOB, {"n": 1}, dedupe_key="a")
        outbox.enqueue_all(session, JOB, {"a": {"n": 9}, "b": {"n": 2}, "c": {"n": 3}})
        outbox.enqueue_all(session, JOB, {})
        rows = session.scalars(select(OutboxMessage).order_by(OutboxMessage.dedupe_key)).all()

    assert [(row.dedupe_key, row.payload["n"], row.queue) for row in rows] == [
        ("a", 1, "soon"),
        ("b", 2, "soon"),
        ("c", 3, "soon"),
    ]
    assert {(row.state, row.tries) for row in rows} == {(MessageState.WAITING, 0)}


def test_an_unknown_job_is_refused(database: Engine) -> None:
    with pytest.raises(KeyError), transaction() as session:
        outbox.enqueue_all(session, "no.such.job", {"a": {}})
