"""Many mails in a row: one process, one connection, each message with a record of its own."""

from __future__ import annotations

import os
import uuid
from contextlib import nullcontext

import pytest
from redis import Redis
from rq import Queue, SimpleWorker
from rq.serializers import JSONSerializer
from sqlalchemy import select, update

from shared.debtors.models import Contact
from shared.kit import jobs, outbox
from shared.kit.db import get_engine, reading, transaction
from shared.kit.outbox import MessageState, OutboxMessage
from shared.kit.outbox.relay import relay
from shared.kit.servers import ensure_test_valkey
from shared.messages import service
from shared.messages.deliver import deliver
from shared.messages.models import Message, MessageStatus
from tests.support.mailbox import Mailbox

JOB = "messages.deliver"


@pytest.fixture
def letters(dora, mail: Mailbox) -> list[uuid.UUID]:
    """Thirty messages that wait, of the kind that leaves at most once."""
    with transaction() as session:
        return [
            service.write(
                session,
                kind="link",
                debtor_id=dora.debtor_id,
                reason="a test",
                dedupe_key=f"row:{number}",
                contact_ids=[dora.contact_id],
                at_most_once=True,
            )[0]
            for number in range(30)
        ]


@pytest.fixture
def waiting(letters: list[uuid.UUID]) -> list[uuid.UUID]:
    """The same, waiting for the job that goes in rows (a link would not wait in one)."""
    with transaction() as session:
        session.execute(update(OutboxMessage).values(job=JOB, queue="soon"))
    return letters


def _states() -> list[tuple[MessageState, int]]:
    with reading() as session:
        return [tuple(row) for row in session.execute(select(OutboxMessage.state, OutboxMessage.tries))]


def _statuses() -> set[MessageStatus]:
    with reading() as session:
        return set(session.scalars(select(Message.status)))


def test_all_that_waits_leaves_over_one_connection(waiting, mail: Mailbox) -> None:
    jobs.perform_row(JOB)

    assert len(mail.mails) == 30
    assert len(set(mail.peers)) == 1
    assert set(_states()) == {(MessageState.DONE, 1)}
    assert _statuses() == {MessageStatus.SENT}


def test_the_doorbell_rings_once_for_the_whole_row(waiting, mail: Mailbox) -> None:
    redis = Redis.from_url(ensure_test_valkey())
    queue = Queue("soon", connection=redis, serializer=JSONSerializer)
    queue.empty()
    for _ in range(3):
        relay(redis)
    assert len(queue) == 1

    SimpleWorker([queue], connection=redis, serializer=JSONSerializer).work(burst=True, logging_level="WARNING")

    assert len(mail.mails) == 30
    relay(redis)
    assert len(queue) == 0


def test_whoever_waits_for_a_link_or_a_code_does_not_wait_behind_a_row(letters) -> None:
    with reading() as session:
        asked = session.execute(select(OutboxMessage.job, OutboxMessage.queue).distinct()).all()

    assert asked == [("messages.deliver_now", "now")]
    assert jobs.get("messages.deliver_now").together is None


def test_a_server_that_does_not_answer_ends_the_row_and_the_rest_is_given_back(waiting, mail: Mailbox) -> None:
    mail.answer_to_sender = "451 not now"

    jobs.perform_row(JOB)

    states = _states()
    assert states.count((MessageState.WAITING, 1)) == jobs.PATIENCE
    assert states.count((MessageState.WAITING, 0)) == 30 - jobs.PATIENCE
    assert _statuses() == {MessageStatus.WAITING}
    with reading() as session:
        held = session.scalars(select(OutboxMessage.id).where(OutboxMessage.locked_until.is_not(None))).all()
    assert held == []


def test_a_sender_that_is_refused_says_nothing_against_the_reader(waiting, mail: Mailbox) -> None:
    mail.answer_to_sender = "550 we do not know you"

    jobs.perform_row(JOB)

    with reading() as session:
        assert session.scalars(select(Contact.bounced_at).distinct()).all() == [None]
    assert _statuses() == {MessageStatus.WAITING}


def test_one_address_that_is_refused_does_not_hold_the_others_up(waiting, dora, mail: Mailbox) -> None:
    with transaction() as session:
        first = session.get_one(Message, waiting[0])
        first.to_address = "nobody@client.example"
    mail.refuse = {"nobody@client.example"}

    jobs.perform_row(JOB)

    assert len(mail.mails) == 29
    with reading() as session:
        assert session.get_one(Message, waiting[0]).status is MessageStatus.REFUSED


def test_a_relay_that_takes_so_many_mails_a_connection_gets_them_over_several(waiting, mail: Mailbox) -> None:
    mail.mails_each = 10

    jobs.perform_row(JOB)

    assert len(mail.mails) == 30
    assert len(set(mail.peers)) == 3
    assert set(_states()) == {(MessageState.DONE, 1)}


def test_a_message_that_left_before_its_process_was_killed_does_not_leave_again(waiting, mail: Mailbox) -> None:
    for identity in waiting[:5]:
        deliver(identity)  # and then the process is gone, before the row could record it

    jobs.perform_row(JOB)

    assert len(mail.mails) == 30
    assert set(_states()) == {(MessageState.DONE, 1)}


def test_a_row_whose_process_is_killed_goes_on_where_it_stood(database, monkeypatch, tmp_path) -> None:
    log = tmp_path / "log"

    def run(payload: dict[str, int]) -> None:
        with log.open("a") as file:
            file.write(f"{payload['n']}\n")
        if os.getpid() != parent and len(log.read_text().split()) == 7:
            os._exit(9)

    parent = os.getpid()
    monkeypatch.setitem(jobs._jobs, "tests.row", jobs.Job("tests.row", run, "soon", 3, 60, False, nullcontext))
    with transaction() as session:
        outbox.enqueue_all(session, "tests.row", {str(n): {"n": n} for n in range(20)})
    get_engine().dispose()

    child = os.fork()
    if not child:
        jobs.perform_row("tests.row")
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    jobs.perform_row("tests.row")
    assert len(log.read_text().split()) == 7, "what the dead one had claimed is held for its lease"
    with transaction() as session:
        session.execute(update(OutboxMessage).values(locked_until=None))
    jobs.perform_row("tests.row")

    assert {state for state, _tries in _states()} == {MessageState.DONE}
    assert set(map(int, log.read_text().split())) == set(range(20))
