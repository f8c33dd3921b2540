"""Webhooks handled a second by one process, beside asking the provider alone, in one run.

    python -m tests.bench --only webhooks

People pay by card at the twin of Stripe, each another debtor; its signed events come in at the real door and are kept.
Then the clock rings and one worker of the queue `news` handles them: each asks Stripe how the payment stands, takes the
steps in the ledger under the debtor's lock, and writes the letters that follow. Bare is the same question, through the
same SDK, once an event and nothing else: what the provider's answers alone take.
"""

from __future__ import annotations

import signal
import tempfile
import time
import uuid
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from redis import Redis
from sqlalchemy import func, select, update

import wsgi
from payments.gateways.choose import cards
from payments.models import Payment
from payments.status import PaymentStatus
from payments.webhooks.models import EventState, InboxEvent
from payments.webhooks.receive import JOB
from shared.kit import servers
from shared.kit.db import get_engine, reading, transaction
from shared.kit.outbox import MessageState, OutboxMessage
from shared.kit.outbox.relay import relay
from shared.kit.worker import run_worker
from tests.bench.server import VAR, empty_database
from tests.support.counter import Counter, Door, together
from tests.support.twins import start_twins

AIM_PER_SECOND = 50
QUEUE = "news"


def measure(*, count: int) -> dict[str, Any]:
    """Let `count` people pay, and handle what the provider has to say about it."""
    redis_url = servers.ensure_valkey(VAR)
    with tempfile.TemporaryDirectory(prefix="guichet-bench-") as folder, ExitStack() as stack:
        stack.enter_context(empty_database())
        wsgi.import_jobs()
        door = Door()
        door.open()
        stack.callback(door.close)
        twins = stack.enter_context(start_twins(Path(folder), app_url=f"http://127.0.0.1:{door.port}"))
        counter = stack.enter_context(together(twins, door, Path(folder) / "var"))
        paid = _paid(counter, count)
        waiting = _only_events_wait()
        seconds = _handle(redis_url)
        with reading() as session:
            handled = session.scalar(select(func.count()).where(InboxEvent.state == EventState.HANDLED))
            booked = session.scalar(select(func.count()).where(Payment.status == PaymentStatus.CONFIRMED))
            pages = session.scalars(select(Payment.checkout_reference).where(Payment.id.in_(paid))).all()
        if (handled, booked) != (waiting, count):
            raise RuntimeError(f"{handled} of {waiting} events were handled, {booked} of {count} payments confirmed")
        began = time.perf_counter()
        for number in range(waiting):
            cards().look_checkout(str(pages[number % count]))
        bare = time.perf_counter() - began
        return {
            "payments": count,
            "events": waiting,
            "seconds": round(seconds, 1),
            "per_second": round(waiting / seconds, 1),
            "asked_per_second": round(waiting / bare, 1),
            "ratio": round(bare / seconds, 2),
            "aim": {"per_second": AIM_PER_SECOND},
        }


def _paid(counter: Counter, count: int) -> list[uuid.UUID]:
    """So many payments, each of another debtor; their events have come in and wait."""
    made = []
    for number in range(count):
        counter.open_account(amounts=(10_000 + number,), code=f"411W{number:05d}")
        step = counter.pay_by_card(counter.part("F-1", 10_000 + number))
        counter.twins.pay(str(step.url))
        made.append(step.payment_id)
    counter.twins.flush()
    return made


def _only_events_wait() -> int:
    """Count the events that wait; other work (letters of opened pages) is not what is measured."""
    with transaction() as session:
        session.execute(update(OutboxMessage).where(OutboxMessage.job != JOB).values(state=MessageState.DONE))
        return session.scalar(select(func.count()).where(InboxEvent.state == EventState.WAITING)) or 0


def _handle(redis_url: str) -> float:
    """Ring and work until none waits; in seconds."""
    redis = Redis.from_url(redis_url)
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    began = time.perf_counter()
    while _waits():
        relay(redis)
        get_engine().dispose()  # the worker's forks connect anew
        run_worker(redis_url, QUEUE, burst=True)
    taken = time.perf_counter() - began
    signal.signal(signal.SIGTERM, before[0])
    signal.signal(signal.SIGINT, before[1])
    return taken


def _waits() -> bool:
    with reading() as session:
        return session.scalar(select(InboxEvent.id).where(InboxEvent.state == EventState.WAITING).limit(1)) is not None
