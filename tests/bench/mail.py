"""Mails a second through one worker: in rows over one kept connection, beside bare smtplib with the same bytes.

The letters are reminders of the large world, each with its last look at the debtor, its link and its records before and after
the mail server. The server is a real one (aiosmtpd, in a process of its own) that throws everything away: a true relay is
slower, and usually sets the pace.
"""

from __future__ import annotations

import os
import resource
import signal
import smtplib
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import SecretStr
from redis import Redis
from sqlalchemy import func, select, update

from backoffice.reminders import run as reminders
from backoffice.reminders import write
from backoffice.reminders.models import Reminder, ReminderStatus
from shared.kit import mime, servers
from shared.kit.db import get_engine, transaction
from shared.kit.outbox import MessageState, OutboxMessage
from shared.kit.outbox.relay import relay
from shared.kit.settings import Settings, use_settings
from shared.kit.worker import run_worker
from shared.messages.models import Message, MessageStatus
from tests.bench.server import VAR
from tests.bench.world import World


def measure(world: World, *, count: int) -> dict[str, Any]:
    """Write so many reminders as messages, send them, and give the same bytes to the same server with bare smtplib."""
    redis_url = servers.ensure_valkey(VAR)
    with tempfile.TemporaryDirectory(prefix="guichet-bench-") as folder, _mail_server() as smtp_url:
        settings = Settings(mode="test", secret_key=SecretStr("b" * 48), var_dir=Path(folder), smtp_url=smtp_url)
        use_settings(settings)
        letters = _decided(world, count)
        began, computed = time.perf_counter(), time.process_time()
        write.write_some(letters)
        figures: dict[str, Any] = {
            "written_per_second": round(len(letters) / (time.perf_counter() - began), 1),
            "write_cpu_ms": round((time.process_time() - computed) / len(letters) * 1000, 1),
        }
        figures["in_rows"] = _send(redis_url, letters)
        figures["bare"] = _bare(smtp_url, letters)
    figures["ratio"] = round(figures["in_rows"]["per_second"] / figures["bare"]["per_second"], 2)
    return figures


def _bare(smtp_url: str, letters: list[uuid.UUID]) -> dict[str, Any]:
    """The bound: these messages as bytes, through one connection, and nothing else."""
    with transaction() as session:
        rows = session.scalars(select(Message).where(Message.subject_id.in_(letters))).all()
        mails = [mime.compose([("Subject", row.subject)], text=row.text_body, html=row.html_body) for row in rows]
    parts = urlsplit(smtp_url)
    began = time.perf_counter()
    with smtplib.SMTP(str(parts.hostname), parts.port or 25) as smtp:
        for each in mails:
            smtp.sendmail("a@bench.example", ["b@bench.example"], each)
    taken = time.perf_counter() - began
    return {"mails": len(mails), "per_second": round(len(mails) / taken, 1)}


def _decided(world: World, count: int) -> list[uuid.UUID]:
    """Reminders that wait to be written; nothing else waits in the outbox."""
    reminders.run(world.company_id)
    with transaction() as session:
        session.execute(update(OutboxMessage).values(state=MessageState.DONE))
        return list(
            session.scalars(
                select(Reminder.id).where(Reminder.status == ReminderStatus.DECIDED).order_by(Reminder.id).limit(count)
            )
        )


def _send(redis_url: str, letters: list[uuid.UUID]) -> dict[str, Any]:
    """Ring and work until these have left."""
    redis = Redis.from_url(redis_url)
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    began, computed = time.perf_counter(), _children_cpu()
    while _waiting():
        relay(redis)
        get_engine().dispose()  # the workers' forks connect anew
        run_worker(redis_url, "soon", burst=True)
    taken, spent = time.perf_counter() - began, _children_cpu() - computed
    signal.signal(signal.SIGTERM, before[0])
    signal.signal(signal.SIGINT, before[1])
    with transaction() as session:
        sent = session.scalar(
            select(func.count()).where(Message.subject_id.in_(letters), Message.status == MessageStatus.SENT)
        )
    if sent != len(letters):
        raise RuntimeError(f"{sent} of {len(letters)} letters were sent")
    return {
        "mails": sent,
        "seconds": round(taken, 1),
        "per_second": round(sent / taken, 1),
        "cpu_ms": round(spent / sent * 1000, 1),
    }


def _waiting() -> bool:
    with transaction() as session:
        query = select(Message.id).where(Message.status == MessageStatus.WAITING)
        return session.scalar(query.limit(1)) is not None


def _children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@contextmanager
def _mail_server() -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    argv = [sys.executable, "-m", "aiosmtpd", "-n", "-c", "aiosmtpd.handlers.Sink", "-l", f"127.0.0.1:{port}"]
    process = subprocess.Popen(argv, env=os.environ | {"PYTHONWARNINGS": "ignore"}, stderr=subprocess.DEVNULL)
    try:
        for _ in range(200):
            with socket.socket() as knock:
                if knock.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield f"smtp://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)
