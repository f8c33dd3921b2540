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

from shared.kit import jobs, outbox
from shared.kit.db import get_engine, reading, transaction
from shared.kit.outbox import MessageState, OutboxMessage
from shared.kit.outbox.relay import relay
from shared.kit.servers import ensure_test_valkey
from shared.messages import deliver
from shared.messages.deliver import send_what_waits
from shared.messages.models import Message, MessageStatus
from tests.support.mailbox import Mailbox

JOB = "messages.deliver"


@pytest.fixture
def letters(dora, mail: Mailbox) -> list[uuid.UUID]:
    """Thirty messages that wait, of the kind that leaves at most once."""
    return dora.letters(30)


def _statuses() -> list[MessageStatus]:
    with reading() as session:
        return list(session.scalars(select(Message.status).order_by(Message.id)))


def test_all_that_waits_leaves_over_one_connection_in_the_order_in_which_it_was_written(letters, mail: Mailbox) -> None:
    jobs.perform_row(JOB)

    assert [each["Message-ID"] for each in mail.mails] == [f"<{identity}@guichet.example>" for identity in letters]
    assert len(set(mail.peers)) == 1
    assert set(_statuses()) == {MessageStatus.SENT}


def test_thirty_letters_of_one_transaction_ring_once(letters, mail: Mailbox) -> None:
    redis = Redis.from_url(ensure_test_valkey(), db=9)  # other workers ring in the usual one
    queue = Queue("soon", connection=redis, serializer=JSONSerializer)
    queue.empty()
    for _ in range(3):
        relay(redis)
    assert len(queue) == 1
    with reading() as session:
        assert len(session.scalars(select(OutboxMessage.id).where(OutboxMessage.job == JOB)).all()) == 1

    SimpleWorker([queue], connection=redis, serializer=JSONSerializer).work(burst=True, logging_level="WARNING")

    assert len(mail.mails) == 30
    relay(redis)
    assert len(queue) == 0


def test_whoever_waits_for_a_link_does_not_wait_behind_a_row(letters, dora, mail: Mailbox) -> None:
    (link,) = dora.letters(1, kind="link")
    with reading() as session:
        asked = session.execute(select(OutboxMessage.job, OutboxMessage.queue).order_by(OutboxMessage.id)).all()
    assert asked == [(JOB, "soon"), ("messages.deliver_now", "now")]

    assert send_what_waits(only_awaited=True) == 1
    assert mail.mails[0]["Message-ID"] == f"<{link}@guichet.example>"


def test_a_server_that_is_back_hears_of_whoever_waits_first(letters, dora, mail: Mailbox) -> None:
    (link,) = dora.letters(1, kind="link")

    send_what_waits()

    assert mail.mails[0]["Message-ID"] == f"<{link}@guichet.example>"


def test_a_relay_that_takes_so_many_mails_a_connection_gets_them_over_several(letters, mail: Mailbox) -> None:
    mail.mails_each = 10

    jobs.perform_row(JOB)

    assert len(mail.mails) == 30
    assert len(set(mail.peers)) == 3
    assert set(_statuses()) == {MessageStatus.SENT}


def test_a_crash_leaves_at_most_a_row_uncertain_and_none_leaves_twice(letters, mail: Mailbox) -> None:
    """The process is gone after three of its twenty-five have left, before anything could be recorded."""
    get_engine().dispose()
    child = os.fork()
    if not child:
        deliver.record = lambda _sending: os._exit(9)  # type: ignore[assignment]
        given = []
        give = deliver._given

        def three(mailer, letter):
            if len(given) == 3:
                os._exit(9)
            given.append(letter)
            return give(mailer, letter)

        deliver._given = three
        send_what_waits()
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    assert len(mail.mails) == 3

    send_what_waits()
    assert _statuses().count(MessageStatus.SENDING) == 25, "the dead process may still live: its lease"
    with transaction() as session:
        session.execute(update(Message).values(locked_until=None))
    send_what_waits()

    assert _statuses() == [MessageStatus.UNCERTAIN] * 25 + [MessageStatus.SENT] * 5
    assert len(mail.mails) == 8


def test_what_is_sent_at_least_once_is_sent_again_after_a_crash(dora, mail: Mailbox) -> None:
    (identity,) = dora.letters(1, at_most_once=False)
    with transaction() as session:
        session.execute(update(Message).values(status=MessageStatus.SENDING))

    send_what_waits()

    assert [each["Message-ID"] for each in mail.mails] == [f"<{identity}@guichet.example>"]


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

    with reading() as session:
        assert set(session.scalars(select(OutboxMessage.state))) == {MessageState.DONE}
    assert set(map(int, log.read_text().split())) == set(range(20))
