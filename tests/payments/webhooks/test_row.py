"""Webhooks in a row: many in one process, neighbours apart from each other."""

from __future__ import annotations

import uuid
from contextlib import nullcontext
from datetime import timedelta

from sqlalchemy import func, select, update

import wsgi
from payments.gateways.base import EventSeen
from payments.models import Provider
from payments.webhooks import handle as room
from payments.webhooks.models import EventState, InboxEvent
from payments.webhooks.receive import JOB, store
from shared.kit import clock, jobs
from shared.kit.db import reading, transaction
from shared.kit.errors import Conflict, NotFound
from shared.kit.outbox import MessageState, OutboxMessage


def arrive(*names: str) -> None:
    events = [EventSeen(name, "charge.refunded", clock.now(), "payment", {"payment": name}, raw="{}") for name in names]
    assert store(Provider.STRIPE, events) == len(names)


def states() -> dict[str, EventState]:
    with reading() as session:
        return {row[0]: row[1] for row in session.execute(select(InboxEvent.event_id, InboxEvent.state))}


def test_an_event_that_fails_and_those_that_wait_stop_no_neighbour(counter, monkeypatch):
    def act(provider, subject, references, kind):
        name = references["payment"]
        if name.startswith("broken"):
            raise RuntimeError(name)
        if name.startswith("early"):
            raise NotFound("event.unknown_object", "not ours yet")

    monkeypatch.setattr(room, "_act", act)
    arrive("broken", *(f"early-{n}" for n in range(8)), *(f"good-{n}" for n in range(60)))

    for _row in range(5):  # a row ends after some seconds, whatever the machine does beside it
        jobs.perform_row(JOB)

    found = states()
    assert {found[name] for name in found if name.startswith("good")} == {EventState.HANDLED}
    assert {found[name] for name in found if name.startswith("early")} == {EventState.PARKED}
    assert found["broken"] is EventState.WAITING


def test_a_start_that_ends_its_process_goes_last_and_alone_and_is_dead_after_its_tries(counter, monkeypatch):
    monkeypatch.setattr(room, "_act", lambda *_: None)
    arrive("killer", "good-1", "good-2")
    work = jobs.get(JOB)
    for start in range(1, work.max_tries):
        with transaction() as session:  # claimed, and never heard of again
            session.execute(
                update(OutboxMessage)
                .where(OutboxMessage.payload["event_id"].astext == _id("killer"))
                .values(tries=start, locked_until=func.now() - timedelta(seconds=1))
            )
        claimed = jobs._claim_some(work)
        assert len(claimed) == (2 if start == 1 else 1)
        jobs._finish([each.identity for each in claimed if each.payload["event_id"] != _id("killer")])
    with transaction() as session:
        session.execute(update(OutboxMessage).values(locked_until=None))  # it ended its process the last time
    assert jobs._claim_some(work) == []
    with reading() as session:
        dead = session.scalars(select(OutboxMessage).where(OutboxMessage.state == MessageState.DEAD)).one()
        assert dead.last_error == "its process ended each time"


def test_events_of_one_object_that_wait_are_answered_by_one_question(counter, monkeypatch):
    """Each was a question of its own: a card payment alone brings three or four, and half of the webhooks' time went there."""
    asked = []

    def act(provider, subject, references, kind):
        asked.append(kind)
        tell("late", "payment_intent.amount", payment="pi_1")

    monkeypatch.setattr(room, "_act", act)
    tell("first", "checkout.session.completed", checkout="cs_1", payment="pi_1", ours="p1")
    tell("second", "payment_intent.succeeded", payment="pi_1", ours="p1")
    tell("third", "charge.updated", payment="pi_1")
    tell("of another page", "checkout.session.expired", checkout="cs_2", ours="p1")
    tell("of another", "payment_intent.succeeded", payment="pi_2", ours="p2")
    tell("about another subject", "payout.paid", subject="payout", payment="pi_1")

    assert room.handle(uuid.UUID(_id("first"))) is EventState.HANDLED

    assert asked == ["checkout.session.completed"]
    handled = {name for name, state in states().items() if state is EventState.HANDLED}
    assert handled == {"first", "second", "third"}, "what came while the question was asked may not be in the answer"
    with reading() as session:
        rows = session.scalars(select(InboxEvent).where(InboxEvent.state == EventState.HANDLED)).all()
        assert {row.tries for row in rows} == {1}
        assert None not in {row.handled_at for row in rows}


def test_an_answer_that_contradicts_our_books_sticks_to_the_event_that_asked(counter, monkeypatch):
    def act(*_):
        raise Conflict("payment.wrong_amount", "another amount")

    monkeypatch.setattr(room, "_act", act)
    tell("first", "charge.updated", payment="pi_1")
    tell("second", "charge.updated", payment="pi_1")

    assert room.handle(uuid.UUID(_id("first"))) is EventState.STUCK

    assert states() == {"first": EventState.STUCK, "second": EventState.WAITING}


def tell(name: str, kind: str, *, subject: str = "payment", **names: str) -> None:
    store(Provider.STRIPE, [EventSeen(name, kind, clock.now(), subject, names, raw="{}")])


def _id(name: str) -> str:
    with reading() as session:
        return str(session.scalars(select(InboxEvent.id).where(InboxEvent.event_id == name)).one())


def test_webhooks_go_in_rows_and_what_a_person_waits_for_never_stands_behind_them():
    wsgi.import_jobs()
    queues = {name: work.queue for name, work in jobs.all_jobs().items()}
    assert jobs.get(JOB).together is nullcontext
    assert queues[JOB] == "news"
    assert {name for name, queue in queues.items() if queue == "news"} == {JOB}
    assert queues["messages.deliver_now"] == queues["portal.send_links"] == "now"
    assert queues["payments.refunds.send"] == queues["payments.cards.open"] == "money"
