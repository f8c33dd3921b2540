"""The worker process (runs what Redis rings) and the clock process (rings, and knocks for duties)."""

from __future__ import annotations

import logging
import multiprocessing
import multiprocessing.connection
import signal
import threading
import time
from collections.abc import Sequence
from types import FrameType
from typing import Any

import psycopg
from redis import Redis
from redis.exceptions import RedisError
from rq import Queue, Worker
from rq.serializers import JSONSerializer
from sqlalchemy.exc import DBAPIError

from shared.kit import jobs, pulse
from shared.kit.db import get_engine, transaction
from shared.kit.outbox.relay import relay
from shared.kit.outbox.write import CHANNEL

log = logging.getLogger(__name__)

POLL_S = 1.0
KNOCK_S = 2.0
LOOKS_UP_EVERY_S = 30
"""So long a worker waits at most for its doorbell before it says that it lives."""


def connect(redis_url: str) -> Redis:
    """A connection to Redis or Valkey that notices a dead server."""
    return Redis.from_url(redis_url, socket_connect_timeout=3, health_check_interval=15)


class _Worker(Worker):
    """RQ's worker, whose own sign of life, given between jobs and during a long one, is ours too."""

    beating: pulse.Beating | None = None

    def heartbeat(self, timeout: int | None = None, pipeline: Any = None) -> None:
        super().heartbeat(timeout, pipeline)
        if self.beating is not None:
            self.beating.beat()


def run_worker(redis_url: str, queue_name: str, *, burst: bool = False) -> None:
    """Work on one queue (single-queue workers move a job atomically and lose none when killed)."""
    redis = connect(redis_url)
    queue = Queue(queue_name, connection=redis, serializer=JSONSerializer)
    worker = _Worker(
        [queue],
        connection=redis,
        serializer=JSONSerializer,
        log_job_description=False,
        worker_ttl=LOOKS_UP_EVERY_S + 15,  # RQ takes its fifteen seconds off
    )
    worker.beating = pulse.Beating(pulse.of_worker(queue_name))
    worker.work(burst=burst, with_scheduler=False, logging_level="WARNING")


class Clock:
    """The clock process: relays due messages as soon as they are written, and knocks for duties."""

    def __init__(self, redis_url: str) -> None:
        self.redis = connect(redis_url)
        self._stop = threading.Event()
        self._beating = pulse.Beating(pulse.CLOCK)

    def stop(self, _signal: int = 0, _frame: FrameType | None = None) -> None:
        self._stop.set()

    def run(self) -> None:
        """Until SIGTERM or SIGINT. A database or Redis that goes away is waited for."""
        signal.signal(signal.SIGTERM, self.stop)
        signal.signal(signal.SIGINT, self.stop)
        while not self._stop.is_set():
            try:
                self._listen()
            except (psycopg.Error, DBAPIError, RedisError) as error:
                log.warning("the clock waits: %s", type(error).__name__)
                self._stop.wait(POLL_S)

    def _listen(self) -> None:
        url = get_engine().url.set(drivername="postgresql").render_as_string(hide_password=False)
        next_knock = 0.0
        with psycopg.connect(url, autocommit=True) as listener:
            listener.execute(f"LISTEN {CHANNEL}")
            while not self._stop.is_set():
                if time.monotonic() >= next_knock:
                    with transaction() as session:
                        jobs.knock(session)
                    next_knock = time.monotonic() + KNOCK_S
                self._beating.beat()
                while relay(self.redis) and not self._stop.is_set():
                    pass
                for _ in listener.notifies(timeout=POLL_S, stop_after=1):
                    break


def run_workers(redis_url: str, queue_names: Sequence[str], *, burst: bool = False) -> None:
    """One process per queue, together until SIGTERM or SIGINT; one that dies takes the others down with it."""
    context = multiprocessing.get_context("fork")
    children = [
        context.Process(target=run_worker, args=(redis_url, name), kwargs={"burst": burst}, name=name)
        for name in queue_names
    ]
    for child in children:
        child.start()

    def stop(_signal: int = 0, _frame: FrameType | None = None) -> None:
        for child in children:
            child.terminate()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    multiprocessing.connection.wait([child.sentinel for child in children])
    if not burst:
        stop()
    for child in children:
        child.join()
